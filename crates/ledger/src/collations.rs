//! What SET NAMES makes of the connection's collation, which is the server's own decision.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::{Database, Error};

/// The connection's collation: of a session of the run, and after SET NAMES without COLLATE.
#[derive(Clone, Debug, Default)]
pub struct Collations {
    /// In a session with this session SQL.
    pub session: String,
    /// After SET NAMES utf8mb4.
    pub utf8mb4: String,
    /// After SET NAMES utf8.
    pub utf8: String,
    /// After SET NAMES utf8mb3; as utf8 on a server that does not know the name.
    pub utf8mb3: String,
}

impl Database {
    /// Asks the server, on a connection made for this question, with this session SQL.
    ///
    /// # Errors
    /// As connecting and querying can fail.
    pub async fn collations(&self, session_sql: Option<&str>) -> Result<Collations, Error> {
        let (mut conn, _) = self.connect(session_sql).await?;
        let asking = async {
            let session = collation(&mut conn).await?;
            let mut found = Collations { session, ..Collations::default() };
            conn.query_drop("SET NAMES utf8").await?;
            found.utf8 = collation(&mut conn).await?;
            // Where it is unknown, the session keeps what it had.
            let known = conn.query_drop("SET NAMES utf8mb3").await;
            if !matches!(known, Ok(()) | Err(mysql_async::Error::Server(_))) {
                known?;
            }
            found.utf8mb3 = collation(&mut conn).await?;
            conn.query_drop("SET NAMES utf8mb4").await?;
            found.utf8mb4 = collation(&mut conn).await?;
            Ok(found)
        };
        let asked = match tokio::time::timeout(self.connect_timeout, asking).await {
            Ok(asked) => asked.map_err(|source| Error::Query { doing: "read the collations", source }),
            Err(_) => Err(self.timed_out(self.connect_timeout, "reading the collations")),
        };
        let _ = tokio::time::timeout(self.connect_timeout, conn.disconnect()).await;
        asked
    }
}

async fn collation(conn: &mut Conn) -> Result<String, mysql_async::Error> {
    let found: Option<String> = conn.query_first("SELECT @@collation_connection").await?;
    Ok(found.unwrap_or_default())
}
