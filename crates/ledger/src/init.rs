//! The init step of every connection: set, then read back.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};
use queryfleet_sql::SqlMode;

use crate::{Database, Error, session_sql};

/// Frees the locks of a frozen or cut-off worker after this long; idle slots ping well below it.
pub(crate) const WAIT_TIMEOUT_S: u64 = 60;

/// What a session is, as read from the server.
#[derive(Clone, Debug)]
pub struct SessionFacts {
    /// Where a string ends, by the sql_mode in force.
    pub sql_mode: SqlMode,
    /// The same as the server says it: what a statement of our own that ran under another one gives back.
    pub sql_mode_words: String,
    /// CONNECTION_ID(), the target of a KILL.
    pub connection_id: u64,
    /// hostname:port:server_id as the server itself says them. A KILL goes to the same server or to none.
    pub server: String,
    /// This connection as the server's process list shows it (host and port of the client): ids start again when a
    /// server restarts, so an id alone may be somebody else's.
    pub host: String,
    /// @@version.
    pub version: String,
    /// @@max_allowed_packet in bytes.
    pub max_allowed_packet: u64,
    /// CURRENT_ROLE(), which a reset of the session leaves as it is.
    pub role: String,
}

/// One packet: one SET for all, SESSION_SQL, the run's session SQL, and everything read back. For a new session or one
/// that was reset. Leaves `host` empty.
pub(crate) async fn init(
    conn: &mut Conn,
    database: &Database,
    session_sql: Option<&str>,
) -> Result<SessionFacts, Error> {
    let query_error = |source| Error::Query { doing: "set up the session", source };
    let lock_wait = database.lock_wait.as_secs();
    // On its own, and first: after a reset MySQL reads with the server's own character set. completion_type 1 or 2 would
    // change what COMMIT means; metadata locks know only lock_wait_timeout.
    let base = format!(
        "SET autocommit=1, completion_type=0, wait_timeout={WAIT_TIMEOUT_S}, \
         innodb_lock_wait_timeout={lock_wait}, lock_wait_timeout={lock_wait}"
    );
    let base = ["SET NAMES utf8mb4", &base];
    let fleet = session_sql::statements(database.session_sql.as_deref())?;
    let run = session_sql::statements(session_sql)?;
    let statements = base.into_iter().chain(fleet.iter().chain(&run).map(String::as_str));
    // Whatever session SQL could have begun ends here.
    let end = (fleet.len() + run.len() > 0).then_some("COMMIT");
    let statements: Vec<&str> = statements.chain(end).chain([READ_BACK]).collect();
    let row = match last_row(conn, &statements.join("\n;")).await {
        Ok(row) => row.ok_or_else(|| Error::Schema("the server answered no row to the init step".into()))?,
        Err((place, source)) => {
            let first = base.len() + fleet.len();
            return Err(match source {
                mysql_async::Error::Server(_) if (base.len()..first).contains(&place) => {
                    Error::SessionSql(source)
                }
                mysql_async::Error::Server(_) if (first..first + run.len()).contains(&place) => {
                    Error::RunSql(source)
                }
                source => query_error(source),
            });
        }
    };
    match verify(&row, lock_wait) {
        Ok(()) => Ok(facts(&row)),
        // Without it the same server has another session: it is the run's affair.
        Err(unlike) => match session_sql.filter(|_| !run.is_empty()) {
            Some(text) => Err(session_sql::Fault::of_run(text, &unlike).into()),
            None => Err(unlike),
        },
    }
}

/// The row of the last of several statements. An error comes with the number of the statement that it belongs to.
async fn last_row(conn: &mut Conn, text: &str) -> Result<Option<Row>, (usize, mysql_async::Error)> {
    let (mut place, mut row) = (0, None);
    let mut result = conn.query_iter(text).await.map_err(|error| (place, error))?;
    loop {
        // Also after the last answer: an error looks like one more that is empty.
        let last = result.is_empty();
        while let Some(next) = result.next().await.map_err(|error| (place, error))? {
            row = Some(next);
        }
        if last {
            return Ok(row);
        }
        place += 1;
    }
}

/// The comments are code to the one server or the other, which have these under different names, or not at all. No text in
/// it is empty: a mode of Oracle's takes that for NULL. Transactions that the whole server has as READ ONLY are none of
/// this session's: the first INSERT says so.
const READ_BACK: &str = "SELECT CAST(@@autocommit + 0 AS CHAR), CAST(@@completion_type AS CHAR), \
    CAST(@@wait_timeout AS CHAR), CAST(@@innodb_lock_wait_timeout AS CHAR), CAST(@@lock_wait_timeout AS CHAR), \
    @@character_set_client, @@character_set_connection, @@character_set_results, \
    LEFT(@@collation_connection, 8), \
    CONCAT('=' /*M! , @@tx_read_only > @@global.tx_read_only */ \
    /*!50720 , @@transaction_read_only > @@global.transaction_read_only */), \
    @@sql_mode, CONCAT(@@hostname, ':', @@port, ':', @@server_id), \
    CONNECTION_ID(), @@version, @@max_allowed_packet, \
    CONCAT('=' /*M! , IFNULL(CURRENT_ROLE(), 'NONE') */ /*!80000 , CURRENT_ROLE() */)";

fn text(row: &Row, column: usize) -> String {
    row.get_opt(column).and_then(Result::ok).unwrap_or_default()
}

fn number(row: &Row, column: usize) -> u64 {
    row.get_opt(column).and_then(Result::ok).unwrap_or_default()
}

fn verify(row: &Row, lock_wait: u64) -> Result<(), Error> {
    let lock_wait = lock_wait.to_string();
    let wait_timeout = WAIT_TIMEOUT_S.to_string();
    let wanted: [(&'static str, &str); 10] = [
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
    ];
    for (column, (name, wanted)) in wanted.into_iter().enumerate() {
        let found = text(row, column);
        if found != wanted {
            return Err(Error::Init { name, wanted: wanted.to_owned(), found });
        }
    }
    Ok(())
}

fn facts(row: &Row) -> SessionFacts {
    SessionFacts {
        sql_mode: SqlMode::from_server(&text(row, 10)),
        sql_mode_words: text(row, 10),
        server: text(row, 11),
        connection_id: number(row, 12),
        version: text(row, 13),
        max_allowed_packet: number(row, 14),
        host: String::new(),
        role: text(row, 15),
    }
}
