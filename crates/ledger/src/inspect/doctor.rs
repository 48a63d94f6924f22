//! What `queryfleet doctor` asks the server: plain facts. What they mean is judged by whoever asks.

use mysql_async::Row;
use mysql_async::prelude::{FromRow, Queryable};

use crate::Error;
use crate::connection::LedgerClient;
use crate::row;

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

const SETTINGS: &str = "/* queryfleet doctor */ SELECT CURRENT_USER() AS account, \
    CAST(@@innodb_flush_log_at_trx_commit AS CHAR) AS flush_log, CAST(@@log_bin AS CHAR) AS log_bin, \
    CAST(@@sync_binlog AS CHAR) AS sync_binlog, CAST(@@read_only AS CHAR) AS server_read_only, \
    CAST(@@innodb_read_only AS CHAR) AS innodb_read_only, @@init_connect AS init_connect";
const TLS: &str = "SHOW SESSION STATUS WHERE Variable_name IN ('Ssl_version', 'Ssl_cipher') AND Value <> ''";

/// The row of [`SETTINGS`]. What a server says nothing of is NULL.
#[derive(FromRow)]
struct SettingsRow {
    account: String,
    flush_log: Option<String>,
    log_bin: Option<String>,
    sync_binlog: Option<String>,
    server_read_only: Option<String>,
    innodb_read_only: Option<String>,
    init_connect: Option<String>,
}

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
    let row: SettingsRow = row::read(row, "the server's settings")?;
    let mut tls: Vec<String> = tls.into_iter().map(|(_, value)| value).collect();
    tls.sort_unstable_by(|a, b| b.cmp(a));
    let is_on = |setting: &Option<String>| !matches!(setting.as_deref(), None | Some("0" | "OFF" | ""));
    let read_only = [(&row.server_read_only, "read_only"), (&row.innodb_read_only, "innodb_read_only")];
    // A server that says nothing of its binary log may well have one.
    let may_log = is_on(&row.log_bin) || row.log_bin.as_deref().unwrap_or_default().is_empty();
    Ok(Settings {
        read_only: read_only.into_iter().filter(|(on, _)| is_on(on)).map(|(_, name)| name).collect(),
        account: row.account,
        tls: (!tls.is_empty()).then(|| tls.join(" ")),
        flush_log: row.flush_log.unwrap_or_default(),
        sync_binlog: may_log.then(|| row.sync_binlog.unwrap_or_default()),
        init_connect: row.init_connect.unwrap_or_default(),
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
