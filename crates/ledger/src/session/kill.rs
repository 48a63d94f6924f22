//! The killer: ends a connection whose statement has passed its deadline.
//!
//! Always `KILL id`, the connection, never KILL QUERY: between two statements of a packet KILL QUERY leaves the
//! server silent forever with the locks held, and `DO SLEEP(600)` swallows it and commits. The kill proves nothing
//! about the job: the ledger decides at the next attempt.

use std::time::Duration;

use mysql_async::prelude::Queryable;

use crate::connect::Database;
use crate::error::Error;
use crate::error_code::NO_SUCH_THREAD;
use crate::facts::{SessionFacts, client_host};

/// How often the process list is looked at while a killed connection rolls back.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

const DOING: &str = "kill a statement past its deadline";

impl Database {
    /// Kills the connection that `victim` describes, and answers once the server no longer lists it, or after
    /// `patience`. Nothing is killed when the side connection has reached another server than the victim's.
    ///
    /// # Errors
    /// When the side connection cannot be made, or reaches another server: the server's own wait_timeout frees the
    /// locks then.
    pub(crate) async fn kill(&self, victim: &SessionFacts, patience: Duration) -> Result<(), Error> {
        let (mut conn, facts) = self.connect(None).await?;
        if facts.server != victim.server {
            let text =
                format!("the killer reached {} where the statement runs on {}", facts.server, victim.server);
            return Err(Error::Schema(text));
        }
        let id = victim.connection_id;
        let killing = async {
            let listed = async |conn: &mut mysql_async::Conn| {
                let host = client_host(conn, id).await.map_err(Error::query(DOING))?;
                Ok::<_, Error>(host.is_some_and(|host| host == victim.host))
            };
            if !listed(&mut conn).await? {
                return Ok(());
            }
            match conn.query_drop(format!("KILL {id}")).await {
                Err(mysql_async::Error::Server(error)) if error.code == NO_SUCH_THREAD => return Ok(()),
                Err(error) => return Err(Error::query(DOING)(error)),
                Ok(()) => {}
            }
            while listed(&mut conn).await? {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
            Ok(())
        };
        match tokio::time::timeout(patience, killing).await {
            Ok(result) => result,
            Err(_) => Err(self.timed_out(patience, DOING)),
        }
    }
}
