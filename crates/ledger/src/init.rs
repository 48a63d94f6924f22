//! The init step of every connection: set, then read back.

use std::time::Duration;

use mysql_async::prelude::{FromValue, Queryable};
use mysql_async::{Conn, Row};
use queryfleet_sql::SqlMode;

use crate::error::Error;
use crate::facts::{SERVER, SessionFacts};
use crate::session_sql;

/// `wait_timeout` of every session: after so long the server ends an idle connection, and frees the locks of a worker
/// that is frozen or cut off. Idle slots ping every 20 s (`IDLE_PING_INTERVAL` of the consumer).
const WAIT_TIMEOUT_S: u64 = 60;

/// What the init step sets, beside what it always sets.
pub(crate) struct InitStep<'a> {
    pub(crate) lock_wait: Duration,
    /// The session SQL of the configuration.
    pub(crate) fleet_sql: Option<&'a str>,
    /// The session SQL of the run.
    pub(crate) run_sql: Option<&'a str>,
}

impl InitStep<'_> {
    /// Runs it as one packet: one SET for all, the session SQL of the configuration, that of the run, and everything read
    /// back. For a new session or one that was reset. Leaves `host` of the facts empty.
    pub(crate) async fn run(&self, conn: &mut Conn) -> Result<SessionFacts, Error> {
        let lock_wait_s = self.lock_wait.as_secs();
        // On its own, and first: after a reset MySQL reads with the server's own character set. completion_type 1 or 2 would
        // change what COMMIT means; metadata locks know only lock_wait_timeout.
        let base = format!(
            "SET autocommit=1, completion_type=0, wait_timeout={WAIT_TIMEOUT_S}, \
             innodb_lock_wait_timeout={lock_wait_s}, lock_wait_timeout={lock_wait_s}"
        );
        let base = ["SET NAMES utf8mb4", &base];
        let fleet = session_sql::statements(self.fleet_sql)?;
        let run = session_sql::statements(self.run_sql)?;
        let statements = base.into_iter().chain(fleet.iter().chain(&run).map(String::as_str));
        // Whatever session SQL could have begun ends here.
        let end = (fleet.len() + run.len() > 0).then_some("COMMIT");
        let read_back = read_back();
        let statements: Vec<&str> = statements.chain(end).chain([read_back.as_str()]).collect();
        let row = match last_row(conn, &statements.join("\n;")).await {
            Ok(row) => row.ok_or_else(|| {
                Error::Schema("the server returned no row when the session was set up".into())
            })?,
            Err((statement, error)) => {
                let first_of_run = base.len() + fleet.len();
                let behind_run = first_of_run + run.len();
                return Err(match error {
                    mysql_async::Error::Server(_) if (base.len()..first_of_run).contains(&statement) => {
                        Error::SessionSql(error.into())
                    }
                    mysql_async::Error::Server(_) if (first_of_run..behind_run).contains(&statement) => {
                        Error::RunSql(error.into())
                    }
                    _ => Error::query("set up the session")(error),
                });
            }
        };
        match (verify(&row, lock_wait_s), self.run_sql) {
            (Ok(()), _) => Ok(facts(&row)),
            // Without it the same server has another session: the run is at fault.
            (Err(unlike), Some(text)) if !run.is_empty() => {
                Err(session_sql::Fault::of_run(text, &unlike).into())
            }
            (Err(unlike), _) => Err(unlike),
        }
    }
}

/// The row of the last of several statements. An error comes with the index of the statement that it belongs to.
async fn last_row(conn: &mut Conn, text: &str) -> Result<Option<Row>, (usize, mysql_async::Error)> {
    let mut statement = 0;
    let mut row = None;
    let mut result = conn.query_iter(text).await.map_err(|error| (statement, error))?;
    loop {
        // Also after the last answer: an error looks like one more that is empty.
        let last = result.is_empty();
        while let Some(next) = result.next().await.map_err(|error| (statement, error))? {
            row = Some(next);
        }
        if last {
            return Ok(row);
        }
        statement += 1;
    }
}

/// The comments are code to the one server or the other, which have these under different names, or not at all. No text in
/// it is empty: a mode of Oracle's takes that for NULL. Transactions that the whole server has as READ ONLY are none of
/// this session's: the first INSERT says so.
fn read_back() -> String {
    format!(
        "SELECT CAST(@@autocommit + 0 AS CHAR), CAST(@@completion_type AS CHAR), \
    CAST(@@wait_timeout AS CHAR), CAST(@@innodb_lock_wait_timeout AS CHAR), CAST(@@lock_wait_timeout AS CHAR), \
    @@character_set_client, @@character_set_connection, @@character_set_results, \
    LEFT(@@collation_connection, 8), \
    CONCAT('=' /*M! , @@tx_read_only > @@global.tx_read_only */ \
    /*!50720 , @@transaction_read_only > @@global.transaction_read_only */), \
    {USABLE_LOG}, @@sql_mode, {SERVER}, \
    CONNECTION_ID(), @@version, @@max_allowed_packet, \
    CONCAT('=' /*M! , IFNULL(CURRENT_ROLE(), 'NONE') */ /*!80000 , CURRENT_ROLE() */)"
    )
}

/// Under READ COMMITTED and below InnoDB writes nothing to a binary log of statements (error 1665), not even a ledger row.
const USABLE_LOG: &str = "CASE WHEN @@log_bin AND @@binlog_format = 'STATEMENT' \
    AND /*M! @@tx_isolation */ /*!50720 @@transaction_isolation */ LIKE 'READ-%' \
    THEN 'STATEMENT below REPEATABLE READ' ELSE 'ROW or MIXED' END";

/// A column of [`read_back`]. One that is missing or NULL is empty, or 0: an old server has no roles.
fn column<T: FromValue + Default>(row: &Row, index: usize) -> T {
    row.get_opt(index).and_then(Result::ok).unwrap_or_default()
}

fn verify(row: &Row, lock_wait_s: u64) -> Result<(), Error> {
    let lock_wait = lock_wait_s.to_string();
    let wait_timeout = WAIT_TIMEOUT_S.to_string();
    let wanted: [(&'static str, &str); 11] = [
        ("autocommit", "1"),
        ("completion_type", "NO_CHAIN"),
        ("wait_timeout", &wait_timeout),
        ("innodb_lock_wait_timeout", &lock_wait),
        ("lock_wait_timeout", &lock_wait),
        ("character_set_client", "utf8mb4"),
        ("character_set_connection", "utf8mb4"),
        ("character_set_results", "utf8mb4"),
        ("collation_connection", "utf8mb4_"),
        ("transaction_read_only", "=0"),
        ("binlog_format", "ROW or MIXED"),
    ];
    for (index, (name, wanted)) in wanted.into_iter().enumerate() {
        let found: String = column(row, index);
        if found != wanted {
            return Err(Error::Init { name, wanted: wanted.to_owned(), found });
        }
    }
    Ok(())
}

fn facts(row: &Row) -> SessionFacts {
    let sql_mode_words: String = column(row, 11);
    SessionFacts {
        sql_mode: SqlMode::from_server(&sql_mode_words),
        sql_mode_words,
        server: column(row, 12),
        connection_id: column(row, 13),
        version: column(row, 14),
        max_allowed_packet: column(row, 15),
        host: String::new(),
        role: column(row, 16),
    }
}
