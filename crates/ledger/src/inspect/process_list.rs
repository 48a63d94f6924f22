//! Sessions as the server lists them.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};

/// The client's host and port of the session `id`; `None` when the server lists no such session.
///
/// By SHOW PROCESSLIST: MySQL's `information_schema.processlist` fails with 3854 as long as any session executes a text
/// that is no UTF-8, such as one with a bound digest.
pub(crate) async fn host(conn: &mut Conn, id: u64) -> Result<Option<String>, mysql_async::Error> {
    let sessions: Vec<Row> = conn.query("SHOW PROCESSLIST").await?;
    let own = sessions.iter().find(|row| row.get_opt("Id").and_then(Result::ok) == Some(id));
    Ok(own.and_then(|row| row.get_opt("Host").and_then(Result::ok)))
}
