//! The governor of a queue: the one worker that makes the checks of its limit, by a lease without clocks.
//!
//! The holder of the lease moves its beat on. Whoever has seen no change for a while, by a clock of its own, takes over with
//! the next term. Every write of a holder names its worker and its term, so one that was frozen changes nothing when it
//! thaws. The same beat, read on a replica, tells the replica's lag.

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Row, params};

use crate::Error;
use crate::connection::LedgerClient;
use crate::row;

/// The row of a queue's governor.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct GovernorRow {
    /// The worker that holds the lease; empty before the first.
    pub worker: String,
    /// One more with each worker that takes over.
    pub term: i64,
    /// One more at each renewal.
    pub beat: i64,
    /// The slots that the checks allow; `None`: not known yet.
    pub allowed: Option<u32>,
    /// What allows no more, for people.
    pub reasons: Option<String>,
    /// JSON: each check with its value and its limit.
    pub checks: Option<String>,
    /// The server's time in UTC, as `YYYY-MM-DD HH:MM:SS`.
    pub now: String,
}

/// What the holder of the lease has found.
pub struct Verdict<'a> {
    /// The slots that the checks allow.
    pub allowed: u32,
    /// What allows no more, for people.
    pub reasons: &'a str,
    /// JSON: each check with its value and its limit.
    pub checks: &'a str,
}

/// The rows of governors; see [`LedgerClient::governors`].
pub struct Governors<'a> {
    pub(super) client: &'a mut LedgerClient,
}

impl Governors<'_> {
    /// Makes the row of a queue, unless it is there.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the row.
    pub async fn make(&mut self, queue: &str) -> Result<(), Error> {
        let insert =
            format!("INSERT IGNORE INTO {} (queue) VALUES (?)", self.client.database.tables.governor);
        self.client.ask("make the governor's row", async |conn| conn.exec_drop(insert, (queue,)).await).await
    }

    /// Forgets what was found by other checks than the next ones.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn reset(&mut self, queue: &str) -> Result<(), Error> {
        let update = format!(
            "UPDATE {} SET allowed = NULL, reasons = NULL, checks = NULL WHERE queue = ?",
            self.client.database.tables.governor
        );
        self.client.ask("reset the governor", async |conn| conn.exec_drop(update, (queue,)).await).await
    }

    /// The governor of a queue; `None` if it has never had checks.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn of_queue(&mut self, queue: &str) -> Result<Option<GovernorRow>, Error> {
        let query = format!(
            "SELECT worker, term, beat, allowed, reasons, checks, \
             DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%d %H:%i:%s') AS now FROM {} WHERE queue = ?",
            self.client.database.tables.governor
        );
        let found: Option<Row> =
            self.client.ask("read the governor", async |conn| conn.exec_first(query, (queue,)).await).await?;
        found.map(|found| row::read(found, "queryfleet_governor")).transpose()
    }

    /// Takes the lease over from the holder of this term and beat, for the next term. Returns false if it has changed
    /// meanwhile.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query. Whether the lease was taken is not known then.
    pub async fn take_over(
        &mut self,
        queue: &str,
        worker: &str,
        (term, beat): (i64, i64),
    ) -> Result<bool, Error> {
        let update = format!(
            "UPDATE {} SET worker = :worker, term = term + 1, beat = beat + 1 \
             WHERE queue = :queue AND term = :term AND beat = :beat",
            self.client.database.tables.governor
        );
        let values = params! { "worker" => worker, "queue" => queue, "term" => term, "beat" => beat };
        self.client
            .ask("take the governor's lease", async |conn| {
                conn.exec_drop(update, values).await?;
                Ok(conn.affected_rows() > 0)
            })
            .await
    }

    /// Renews the lease of a worker and a term, and writes what was found. Returns false if it is no longer theirs: nothing
    /// is written then.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query. Whether it was written is not known then.
    pub async fn renew(
        &mut self,
        queue: &str,
        worker: &str,
        term: i64,
        verdict: &Verdict<'_>,
    ) -> Result<bool, Error> {
        let update = format!(
            "UPDATE {} SET beat = beat + 1, allowed = :allowed, reasons = :reasons, checks = :checks \
             WHERE queue = :queue AND worker = :worker AND term = :term",
            self.client.database.tables.governor
        );
        let values = params! {
            "allowed" => verdict.allowed,
            "reasons" => verdict.reasons,
            "checks" => verdict.checks,
            "queue" => queue,
            "worker" => worker,
            "term" => term,
        };
        self.client
            .ask("renew the governor's lease", async |conn| {
                conn.exec_drop(update, values).await?;
                Ok(conn.affected_rows() > 0)
            })
            .await
    }
}
