//! What SETs of a character set make of the connection's collation, which is the server's own decision.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::{Database, Error};

/// The connection's collation: of a session of the run, and after SETs of a character set.
#[derive(Clone, Debug, Default)]
pub struct Collations {
    /// In a session with this session SQL.
    pub session: String,
    /// After SET NAMES without COLLATE.
    pub names: Defaults,
    /// After SET character_set_connection: MariaDB 11.8 gives another one then.
    pub alone: Defaults,
}

/// The collation that comes with a character set.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// With utf8mb4.
    pub utf8mb4: String,
    /// With utf8.
    pub utf8: String,
    /// With utf8mb3; as with utf8 on a server that does not know the name.
    pub utf8mb3: String,
}

impl Database {
    /// Asks the server, on a connection made for this question, with this session SQL.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn collations(&self, session_sql: Option<&str>) -> Result<Collations, Error> {
        let (mut conn, _) = self.connect(session_sql).await?;
        let asking = async {
            let session = collation(&mut conn).await?;
            let alone = defaults(&mut conn, "SET character_set_connection =").await?;
            let names = defaults(&mut conn, "SET NAMES").await?;
            Ok(Collations { session, names, alone })
        };
        let asked = match tokio::time::timeout(self.connect_timeout, asking).await {
            Ok(asked) => asked.map_err(Error::query("read the collations")),
            Err(_) => Err(self.timed_out(self.connect_timeout, "read the collations")),
        };
        let _ = tokio::time::timeout(self.connect_timeout, conn.disconnect()).await;
        asked
    }
}

async fn defaults(conn: &mut Conn, set: &str) -> Result<Defaults, mysql_async::Error> {
    conn.query_drop(format!("{set} utf8")).await?;
    let utf8 = collation(conn).await?;
    // Where it is unknown, the session keeps what it had.
    let known = conn.query_drop(format!("{set} utf8mb3")).await;
    if !matches!(known, Ok(()) | Err(mysql_async::Error::Server(_))) {
        known?;
    }
    let utf8mb3 = collation(conn).await?;
    conn.query_drop(format!("{set} utf8mb4")).await?;
    Ok(Defaults { utf8mb4: collation(conn).await?, utf8, utf8mb3 })
}

async fn collation(conn: &mut Conn) -> Result<String, mysql_async::Error> {
    let found: Option<String> = conn.query_first("SELECT @@collation_connection").await?;
    Ok(found.unwrap_or_default())
}
