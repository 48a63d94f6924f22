//! The init step of every connection: set, then read back.

use job::lexer::SqlMode;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};

use crate::{Database, Error, process_list};

/// Frees the locks of a frozen or cut-off worker after this long; idle slots ping well below it.
pub(crate) const WAIT_TIMEOUT_S: u64 = 60;

/// What a session is, as read from the server.
#[derive(Clone, Debug)]
pub struct Facts {
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
}

/// One SET for all, then SESSION_SQL, then the run's session SQL, then everything read back.
pub(crate) async fn init(
    conn: &mut Conn,
    database: &Database,
    session_sql: Option<&str>,
) -> Result<Facts, Error> {
    let query_error = |source| Error::Query { doing: "set up the session", source };
    let lock_wait = database.lock_wait.as_secs();
    // completion_type 1 or 2 would change what COMMIT means; metadata locks know only lock_wait_timeout.
    let set = format!(
        "SET autocommit=1, completion_type=0, wait_timeout={WAIT_TIMEOUT_S}, \
         innodb_lock_wait_timeout={lock_wait}, lock_wait_timeout={lock_wait}, NAMES utf8mb4"
    );
    conn.query_drop(set).await.map_err(query_error)?;
    for sql in [database.session_sql.as_deref(), session_sql].into_iter().flatten() {
        conn.query_drop(sql).await.map_err(Error::SessionSql)?;
    }
    let row: Option<Row> = conn.query_first(READ_BACK).await.map_err(query_error)?;
    let row = row.ok_or_else(|| Error::Schema("the server answered no row to the init step".into()))?;
    verify(&row, lock_wait)?;
    let mut facts = facts(&row);
    let host = process_list::host(conn, facts.connection_id).await.map_err(query_error)?;
    facts.host = host.unwrap_or_default();
    Ok(facts)
}

const READ_BACK: &str = "SELECT CAST(@@autocommit + 0 AS CHAR), CAST(@@completion_type AS CHAR), \
    CAST(@@wait_timeout AS CHAR), CAST(@@innodb_lock_wait_timeout AS CHAR), CAST(@@lock_wait_timeout AS CHAR), \
    @@character_set_client, @@sql_mode, CONCAT(@@hostname, ':', @@port, ':', @@server_id), \
    CONNECTION_ID(), @@version, @@max_allowed_packet";

fn text(row: &Row, column: usize) -> String {
    row.get_opt(column).and_then(Result::ok).unwrap_or_default()
}

fn number(row: &Row, column: usize) -> u64 {
    row.get_opt(column).and_then(Result::ok).unwrap_or_default()
}

fn verify(row: &Row, lock_wait: u64) -> Result<(), Error> {
    let lock_wait = lock_wait.to_string();
    let wait_timeout = WAIT_TIMEOUT_S.to_string();
    let wanted: [(&'static str, &str); 6] = [
        ("autocommit", "1"),
        ("completion_type", "NO_CHAIN"),
        ("wait_timeout", &wait_timeout),
        ("innodb_lock_wait_timeout", &lock_wait),
        ("lock_wait_timeout", &lock_wait),
        ("character_set_client", "utf8mb4"),
    ];
    for (column, (name, wanted)) in wanted.into_iter().enumerate() {
        let found = text(row, column);
        if found != wanted {
            return Err(Error::Init { name, wanted: wanted.to_owned(), found });
        }
    }
    Ok(())
}

fn facts(row: &Row) -> Facts {
    Facts {
        sql_mode: SqlMode::from_server(&text(row, 6)),
        sql_mode_words: text(row, 6),
        server: text(row, 7),
        connection_id: number(row, 8),
        version: text(row, 9),
        max_allowed_packet: number(row, 10),
        host: String::new(),
    }
}
