//! How busy the server is, for the checks of a limit.

use std::time::Duration;

use mysql_async::Row;
use mysql_async::prelude::Queryable;

use crate::Error;
use crate::connection::LedgerClient;
use crate::facts::SessionRef;

/// What the packet puts before a job's statement begins with this.
const STATEMENT_BEGINS: &str = "/* queryfleet ";

/// The values of status variables of the whole server, by the names that were given. One that is not there, or is no number,
/// is left out.
pub(crate) async fn status(
    client: &mut LedgerClient,
    variables: &[&str],
) -> Result<Vec<(String, f64)>, Error> {
    if variables.is_empty() {
        return Ok(Vec::new());
    }
    // Never all of them: with many sessions that takes the server as long as a hundred statements. The names are words.
    let is_word = |name: &&&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let names: Vec<String> = variables.iter().filter(is_word).map(|name| format!("'{name}'")).collect();
    let query = format!("SHOW GLOBAL STATUS WHERE Variable_name IN ('', {})", names.join(", "));
    let rows: Vec<(String, String)> =
        client.ask("read the server's status", async |conn| conn.query(query).await).await?;
    let value = |name: &&str| {
        let (_, value) = rows.iter().find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        Some(((*name).to_owned(), value.parse().ok()?))
    };
    Ok(variables.iter().filter_map(value).collect())
}

/// How many sessions of queryfleet, of any queue, execute a statement now, with the one that asks. An account without PROCESS
/// sees those of its own sessions, which all of them are as a rule.
pub(crate) async fn own_running(client: &mut LedgerClient) -> Result<u32, Error> {
    let noted = format!("SELECT sessions FROM {} WHERE sessions IS NOT NULL", client.database.tables.worker);
    client
        .ask("count queryfleet's own running statements", async |conn| {
            let noted: Vec<String> = conn.query(noted).await?;
            let ids: Vec<u64> = noted
                .iter()
                .filter_map(|sessions| serde_json::from_str::<Vec<SessionRef>>(sessions).ok())
                .flatten()
                .map(|session| session.id)
                .collect();
            let asking = u64::from(conn.id());
            let rows: Vec<Row> = conn.query("SHOW PROCESSLIST").await?;
            let text = |row: &Row, name: &str| row.get_opt::<String, _>(name).and_then(Result::ok);
            let own = rows.iter().filter(|row| {
                let id: u64 = row.get_opt("Id").and_then(Result::ok).unwrap_or_default();
                let is_idle = text(row, "Command").is_some_and(|command| command == "Sleep");
                let is_job = text(row, "Info").is_some_and(|info| info.starts_with(STATEMENT_BEGINS));
                !is_idle && (is_job || ids.contains(&id) || id == asking)
            });
            // A server has fewer sessions.
            Ok(own.count() as u32)
        })
        .await
}

/// The one value of a query, in a transaction that can write nothing.
///
/// # Errors
/// [`Error::Schema`] if it is not one row of one number.
pub(crate) async fn one_number(client: &mut LedgerClient, query: &str) -> Result<f64, Error> {
    let rows: Vec<Row> = client
        .ask("ask the throttle query", async |conn| {
            conn.query_drop("START TRANSACTION READ ONLY").await?;
            let rows = conn.query(query).await?;
            conn.query_drop("ROLLBACK").await?;
            Ok(rows)
        })
        .await?;
    let number = |row: &Row| row.get_opt::<f64, _>(0).and_then(Result::ok);
    match rows.as_slice() {
        [row] if row.len() == 1 => number(row),
        _ => None,
    }
    .ok_or_else(|| Error::Schema("the throttle query does not return one row of one number".into()))
}

/// The time in UTC when so much will have passed.
pub(crate) async fn utc_after(client: &mut LedgerClient, time: Duration) -> Result<String, Error> {
    let seconds = time.as_secs();
    let query =
        format!("SELECT DATE_FORMAT(UTC_TIMESTAMP() + INTERVAL {seconds} SECOND, '%Y-%m-%d %H:%i:%s')");
    let time: Option<String> =
        client.ask("read the server's time", async |conn| conn.query_first(query).await).await?;
    time.ok_or_else(|| Error::Schema("the server does not say its time".into()))
}
