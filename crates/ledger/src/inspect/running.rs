//! Statements of a run that the server executes now, as far as this account may see them.

use mysql_async::Row;
use mysql_async::prelude::{FromRow, Queryable};
use queryfleet_job::RunId;

use crate::Error;
use crate::connection::LedgerClient;

/// A statement of a job that is being executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningStatement {
    /// The job's run.
    pub run: RunId,
    /// The job's place in its run.
    pub seq: u64,
    /// The server's id of its connection.
    pub connection: u64,
    /// Host and port of the worker, as the server sees them.
    pub client: String,
    /// For how many seconds.
    pub seconds: u64,
    /// How it begins: what the server's list of sessions has of it, on one line.
    pub text: String,
    /// The connection that holds a row lock which it waits for, if it does and this account may see that.
    pub blocked_by: Option<u64>,
}

/// A row of SHOW PROCESSLIST, of which `Info` has the first 100 characters: the comment before a job's statement is
/// shorter.
#[derive(FromRow)]
struct Process {
    #[mysql(rename = "Id")]
    id: u64,
    #[mysql(rename = "Host")]
    client: Option<String>,
    #[mysql(rename = "Time")]
    seconds: Option<i64>,
    #[mysql(rename = "Info")]
    info: Option<String>,
}

/// The statements of jobs that are being executed, the longest first. An account without PROCESS sees only its own
/// sessions. What each waits for is not looked up.
pub(crate) async fn running(client: &mut LedgerClient) -> Result<Vec<RunningStatement>, Error> {
    let rows: Vec<Row> =
        client.ask("read the running statements", async |conn| conn.query("SHOW PROCESSLIST").await).await?;
    let running = rows.into_iter().filter_map(|row| {
        let Process { id, client, seconds, info } = Process::from_row_opt(row).ok()?;
        let (run, seq, text) = job_of(&info?)?;
        let seconds = u64::try_from(seconds?).ok()?;
        let client = client.unwrap_or_default();
        Some(RunningStatement { run, seq, connection: id, client, seconds, text, blocked_by: None })
    });
    let mut running: Vec<RunningStatement> = running.collect();
    running.sort_by_key(|running| std::cmp::Reverse(running.seconds));
    Ok(running)
}

/// The statement of a run that has been running for longest. An account without PROCESS sees only its own sessions.
pub(crate) async fn longest_running(
    client: &mut LedgerClient,
    run: RunId,
) -> Result<Option<RunningStatement>, Error> {
    let mut of_run = running(client).await?.into_iter().filter(|running| running.run == run);
    let Some(longest) = of_run.next() else { return Ok(None) };
    let blocked_by = blocker(client, longest.connection).await;
    Ok(Some(RunningStatement { blocked_by, ..longest }))
}

/// The run and the seq in the comment that the packet puts before a job's statement, and the statement.
fn job_of(info: &str) -> Option<(RunId, u64, String)> {
    let (job, statement) = info.strip_prefix("/* queryfleet ")?.split_once(" */")?;
    let (run, seq) = job.split_once('/')?;
    let words: Vec<&str> = statement.split_whitespace().collect();
    Some((RunId(run.parse().ok()?), seq.parse().ok()?, words.join(" ")))
}

/// The connection that holds what another one waits for. Each server has its own tables, and a right to them; without
/// one nothing is known.
async fn blocker(client: &mut LedgerClient, waits: u64) -> Option<u64> {
    let mariadb = format!(
        "SELECT b.trx_mysql_thread_id FROM information_schema.innodb_lock_waits w \
         JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_trx_id \
         JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_trx_id \
         WHERE r.trx_mysql_thread_id = {waits} LIMIT 1"
    );
    let mysql = format!(
        "SELECT b.processlist_id FROM performance_schema.data_lock_waits w \
         JOIN performance_schema.threads b ON b.thread_id = w.blocking_thread_id \
         JOIN performance_schema.threads r ON r.thread_id = w.requesting_thread_id \
         WHERE r.processlist_id = {waits} LIMIT 1"
    );
    for query in [mariadb, mysql] {
        let found =
            client.ask("read what a statement waits for", async |conn| conn.query_first(query).await).await;
        if let Ok(Some(blocker)) = found {
            return Some(blocker);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_known_by_its_comment() {
        let known = |text: &str| Some((RunId(7), 12, text.to_owned()));
        assert_eq!(job_of("/* queryfleet 7/12 */ UPDATE t\n  SET n = 1\n"), known("UPDATE t SET n = 1"));
        assert_eq!(job_of("/* queryfleet 7/12 */ "), known(""));
        for other in
            ["/* queryfleet x/12 */ DO 1", "/* queryfleet doctor */ SELECT 1", "SHOW PROCESSLIST", ""]
        {
            assert_eq!(job_of(other), None, "{other}");
        }
    }
}
