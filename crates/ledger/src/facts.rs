//! What a session is, as the server says it.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};
use queryfleet_sql::SqlMode;
use serde::{Deserialize, Serialize};

/// Which server it is, in SQL: [`SessionFacts::server`].
pub(crate) const SERVER: &str = "CONCAT(@@hostname, ':', @@port, ':', @@server_id)";

/// What a session is, as read from the server.
#[derive(Clone, Debug)]
pub struct SessionFacts {
    /// Where a string ends, by the sql_mode in force.
    pub sql_mode: SqlMode,
    /// The same in the server's words: what is set again after a statement of our own that ran under another mode.
    pub sql_mode_words: String,
    /// CONNECTION_ID(), the target of a KILL.
    pub connection_id: u64,
    /// hostname:port:server_id, as the server itself says them. A KILL goes to the same server or to none.
    pub server: String,
    /// Host and port of the client, as the server's process list shows this connection: connection ids start again when
    /// a server restarts, so an id alone may be somebody else's.
    pub host: String,
    /// @@version.
    pub version: String,
    /// @@max_allowed_packet in bytes.
    pub max_allowed_packet: u64,
    /// CURRENT_ROLE(), which a reset of the session leaves as it is.
    pub role: String,
}

/// A session that may execute a statement under a permit. Its id alone may be somebody else's: ids start again with the
/// server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRef {
    /// The server's id of the connection.
    pub id: u64,
    /// Host and port of the client, as the server's process list has them.
    pub client: String,
    /// hostname:port:server_id.
    pub server: String,
}

/// Host and port of the client of the session `id`; `None` when the server lists no such session.
///
/// By SHOW PROCESSLIST: MySQL's `information_schema.processlist` fails with 3854 as long as any session executes a text
/// that is not UTF-8, such as one with a bound digest.
pub(crate) async fn client_host(conn: &mut Conn, id: u64) -> Result<Option<String>, mysql_async::Error> {
    let sessions: Vec<Row> = conn.query("SHOW PROCESSLIST").await?;
    let own = sessions.iter().find(|row| row.get_opt("Id").and_then(Result::ok) == Some(id));
    Ok(own.and_then(|row| row.get_opt("Host").and_then(Result::ok)))
}
