//! What `queryfleet doctor` asks the server: plain facts. What they mean is judged by whoever asks.

use mysql_async::Row;
use mysql_async::prelude::Queryable;

use crate::Error;
use crate::connection::LedgerClient;

/// The server's settings that the promise or a worker depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// CURRENT_USER(): the account that the server took us for, as `user@host`. GRANTs go to this one.
    pub account: String,
    /// `Ssl_version` and `Ssl_cipher` of this connection; `None` without TLS.
    pub tls: Option<String>,
    /// innodb_flush_log_at_trx_commit: only 1 makes a COMMIT durable.
    pub flush_log: String,
    /// sync_binlog, which counts while the binary log is on; `None` when it is off.
    pub sync_binlog: Option<String>,
    /// The names of those of read_only and innodb_read_only that are on.
    pub read_only: Vec<&'static str>,
    /// init_connect: what the server runs in each new session of an account that is no administrator's.
    pub init_connect: String,
}

/// A table and its engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableEngine {
    /// Without its database.
    pub table: String,
    /// Such as InnoDB, MyISAM or Aria.
    pub engine: String,
}

const SETTINGS: &str = "/* queryfleet doctor */ SELECT CURRENT_USER(), \
    CAST(@@innodb_flush_log_at_trx_commit AS CHAR), CAST(@@log_bin AS CHAR), CAST(@@sync_binlog AS CHAR), \
    CAST(@@read_only AS CHAR), CAST(@@innodb_read_only AS CHAR), @@init_connect";
const TLS: &str = "SHOW SESSION STATUS WHERE Variable_name IN ('Ssl_version', 'Ssl_cipher') AND Value <> ''";

/// Reads the settings; takes no right that a user does not have.
pub(crate) async fn settings(client: &mut LedgerClient) -> Result<Settings, Error> {
    let (row, tls) = client
        .ask("read the server's settings", async |conn| {
            let row: Option<Row> = conn.query_first(SETTINGS).await?;
            let tls: Vec<(String, String)> = conn.query(TLS).await?;
            Ok((row, tls))
        })
        .await?;
    let row = row.ok_or_else(|| Error::Schema("the server answered no settings".into()))?;
    let mut tls: Vec<String> = tls.into_iter().map(|(_, value)| value).collect();
    tls.sort_unstable_by(|a, b| b.cmp(a));
    let is_on = |column| !matches!(text(&row, column).as_str(), "0" | "OFF" | "");
    let read_only = [(4, "read_only"), (5, "innodb_read_only")];
    Ok(Settings {
        account: text(&row, 0),
        tls: (!tls.is_empty()).then(|| tls.join(" ")),
        flush_log: text(&row, 1),
        // A server that says nothing of its binary log may well have one.
        sync_binlog: (is_on(2) || text(&row, 2).is_empty()).then(|| text(&row, 3)),
        read_only: read_only.into_iter().filter(|(column, _)| is_on(*column)).map(|(_, name)| name).collect(),
        init_connect: text(&row, 6),
    })
}

/// The tables of queryfleet and their engines, as far as this user may see them: the server hides a table from
/// those who have no right to it.
pub(crate) async fn tables(client: &mut LedgerClient) -> Result<Vec<TableEngine>, Error> {
    let query = "SELECT table_name, COALESCE(engine, 'none') FROM information_schema.tables \
                 WHERE table_schema = ? AND table_name LIKE 'queryfleet\\_%' ORDER BY table_name";
    let schema = client.database.schema.clone();
    let rows: Vec<(String, String)> =
        client.ask("read the tables' engine", async |conn| conn.exec(query, (schema,)).await).await?;
    Ok(rows.into_iter().map(|(table, engine)| TableEngine { table, engine }).collect())
}

fn text(row: &Row, column: usize) -> String {
    row.get_opt(column).and_then(Result::ok).unwrap_or_default()
}
