//! The connection for questions about runs, dead jobs and workers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::connect::Database;
use crate::error::Error;
use crate::own_mode;

/// How long a query about runs, dead jobs or workers may take: they are all short, on primary keys.
const QUERY_TIMEOUT: Duration = Duration::from_secs(60);
/// A connection that has been idle for longer is pinged before it is used. Well below `wait_timeout` of the init step
/// (60 s), at which the server ends it.
const PING_AFTER_IDLE: Duration = Duration::from_secs(5);

/// A connection for questions about runs, dead jobs and workers. Opens itself at the first question, and again after
/// an error; callers decide whether to ask once more.
///
/// Its methods are in views by subject, which borrow it: [`runs`](LedgerClient::runs), [`jobs`](LedgerClient::jobs),
/// [`dead_jobs`](LedgerClient::dead_jobs), [`ranges`](LedgerClient::ranges), [`workers`](LedgerClient::workers),
/// [`inspect`](LedgerClient::inspect).
pub struct LedgerClient {
    pub(crate) database: Arc<Database>,
    open: Option<Idle>,
}

/// A connection that no question uses now.
struct Idle {
    conn: Conn,
    answered: Instant,
}

impl LedgerClient {
    /// Connects to nothing yet.
    pub fn new(database: Arc<Database>) -> LedgerClient {
        LedgerClient { database, open: None }
    }

    /// Runs `work` on the connection, bounded in time. The connection is dropped after any error but a server's
    /// plain refusal: nobody knows what is still on its way.
    pub(crate) async fn ask<T>(
        &mut self,
        doing: &'static str,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T, mysql_async::Error>,
    ) -> Result<T, Error> {
        let mut conn = match self.take_open().await {
            Some(conn) => conn,
            None => self.connect().await?,
        };
        match tokio::time::timeout(QUERY_TIMEOUT, work(&mut conn)).await {
            Ok(Ok(value)) => {
                self.keep(conn);
                Ok(value)
            }
            Ok(Err(error)) => {
                if matches!(error, mysql_async::Error::Server(_)) && self.rolls_back(&mut conn).await {
                    self.keep(conn);
                } else {
                    self.database.lost();
                }
                Err(Error::query(doing)(error))
            }
            Err(_) => Err(self.database.timed_out(QUERY_TIMEOUT, doing)),
        }
    }

    fn keep(&mut self, conn: Conn) {
        self.open = Some(Idle { conn, answered: Instant::now() });
    }

    async fn rolls_back(&self, conn: &mut Conn) -> bool {
        let limit = self.database.connect_timeout;
        matches!(tokio::time::timeout(limit, conn.query_drop("ROLLBACK")).await, Ok(Ok(())))
    }

    /// A connection for our own statements: the configuration's session SQL may be a role that they need, or a mode under
    /// which they would mean something else.
    async fn connect(&self) -> Result<Conn, Error> {
        let (mut conn, _) = self.database.connect(None).await?;
        let limit = self.database.connect_timeout;
        match tokio::time::timeout(limit, conn.query_drop(own_mode::own_session())).await {
            Ok(Ok(())) => Ok(conn),
            Ok(Err(error)) => Err(Error::query("set up the session")(error)),
            Err(_) => Err(self.database.timed_out(limit, "connect")),
        }
    }

    /// The connection of the last question, if it still answers. Between two questions an input may be read for hours.
    async fn take_open(&mut self) -> Option<Conn> {
        let Idle { mut conn, answered } = self.open.take()?;
        if answered.elapsed() < PING_AFTER_IDLE {
            return Some(conn);
        }
        let pinged = tokio::time::timeout(self.database.connect_timeout, conn.ping()).await;
        if !matches!(pinged, Ok(Ok(()))) {
            self.database.lost();
            return None;
        }
        Some(conn)
    }
}
