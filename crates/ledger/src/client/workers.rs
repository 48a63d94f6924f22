//! The rows of the workers: who serves, and whether anything is in flight.

use std::time::{Duration, Instant};

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Row, params};

use crate::Error;
use crate::connection::LedgerClient;
use crate::facts::SessionRef;
use crate::row;

/// For how many seconds a worker has been silent. Seconds since 1970 on both sides: in the nights of a time change a server
/// with a time zone of its own would have everybody an hour earlier or later. So would UNIX_TIMESTAMP(NOW(3)), in the hour
/// that comes twice.
pub(crate) const SILENT_S: &str = "(UNIX_TIMESTAMP() - UNIX_TIMESTAMP(seen))";

/// What a worker says of itself at each heartbeat.
pub struct Heartbeat<'a> {
    /// Drawn at its start; 32 hexadecimal digits.
    pub id: &'a str,
    /// host:pid, for people.
    pub name: &'a str,
    /// The queue that it serves.
    pub queue: &'a str,
    /// How many slots it has.
    pub slots: u32,
    /// How many of them hold a message.
    pub in_flight: u32,
    /// After so long it has seen a change of a run's state, or executes nothing more of the run.
    pub notice_within: Duration,
}

/// A worker as others see it.
#[derive(Clone, Debug, FromRow)]
pub struct WorkerRow {
    /// host:pid.
    pub name: String,
    /// How many slots it has.
    pub slots: u32,
    /// How many of them held a message at its last heartbeat.
    pub in_flight: u32,
    /// Seconds since its last heartbeat, by the server's clock.
    pub silent_s: u64,
}

/// A worker and all that its row says.
#[derive(Clone, Debug, FromRow)]
pub struct WorkerDetails {
    /// Drawn at its start.
    pub id: String,
    /// host:pid.
    pub name: String,
    /// How many slots it has.
    pub slots: u32,
    /// How many of them held a message at its last heartbeat.
    pub in_flight: u32,
    /// Since when it serves, in UTC.
    pub started: String,
    /// Seconds since its last heartbeat, by the server's clock.
    pub silent_s: u64,
    /// The ids of the holds that it obeys, between commas; `None` of a version that knows of none.
    pub holds: Option<String>,
    /// The version of the limit that it obeys; `None` of a version that knows of none.
    pub limit_version: Option<u32>,
    /// The permits that it owns.
    pub permits: u32,
}

/// The rows of workers; see [`LedgerClient::workers`].
pub struct Workers<'a> {
    pub(super) client: &'a mut LedgerClient,
}

impl Workers<'_> {
    /// Writes or renews a worker's row. Returns whether there was none.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn beat(&mut self, beat: &Heartbeat<'_>) -> Result<bool, Error> {
        let upsert = format!(
            "INSERT INTO {} (id, name, queue, slots, in_flight, view_ms) \
             VALUES (:id, :name, :queue, :slots, :in_flight, :view_ms) \
             ON DUPLICATE KEY UPDATE in_flight = VALUES(in_flight), seen = CURRENT_TIMESTAMP(3)",
            self.client.database.tables.worker
        );
        let values = params! {
            "id" => beat.id,
            "name" => beat.name,
            "queue" => beat.queue,
            "slots" => beat.slots,
            "in_flight" => beat.in_flight,
            "view_ms" => u64::try_from(beat.notice_within.as_millis()).unwrap_or(u64::MAX),
        };
        self.client
            .ask("write the worker's heartbeat", async |conn| {
                conn.exec_drop(upsert, values).await?;
                // 2 for one that was there.
                Ok(conn.affected_rows() == 1)
            })
            .await
    }

    /// Notes which sessions of a worker may execute a statement under a permit, and renews its row. Returns false if it has
    /// none.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn note_sessions(&mut self, worker: &str, sessions: &[SessionRef]) -> Result<bool, Error> {
        let update = format!(
            "UPDATE {} SET sessions = ?, account = CURRENT_USER(), seen = CURRENT_TIMESTAMP(3) WHERE id = ?",
            self.client.database.tables.worker
        );
        let find = format!("SELECT 1 FROM {} WHERE id = ?", self.client.database.tables.worker);
        // Numbers and texts only: serde_json has no reason to fail.
        let sessions = serde_json::to_string(sessions).unwrap_or_default();
        self.client
            .ask("note the worker's sessions", async |conn| {
                conn.exec_drop(update, (sessions, worker)).await?;
                if conn.affected_rows() > 0 {
                    return Ok(true);
                }
                // Nothing was changed: the same was written in this millisecond.
                let found: Option<u8> = conn.exec_first(find, (worker,)).await?;
                Ok(found.is_some())
            })
            .await
    }

    /// How long it takes until every worker has seen a change of a run's state: as each of them says of itself, and at
    /// least `own`. Workers of an older version do not say it; they are taken to be set up as whoever asks.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn longest_notice(&mut self, own: Duration) -> Result<Duration, Error> {
        // Of all that may still live: one that is cut off for now continues with what it has seen.
        let query = format!(
            "SELECT MAX(view_ms) FROM {} WHERE {SILENT_S} < 86400",
            self.client.database.tables.worker
        );
        let longest: Option<Option<u64>> = self
            .client
            .ask("read how often workers look at their runs", async |conn| conn.query_first(query).await)
            .await?;
        Ok(own.max(Duration::from_millis(longest.flatten().unwrap_or(0))))
    }

    /// Removes the rows of workers that were killed: silent for more than a day, or seen more than a day ahead of the
    /// clock, which was set back then.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn remove_silent(&mut self) -> Result<(), Error> {
        let worker = &self.client.database.tables.worker;
        let delete = format!("DELETE FROM {worker} WHERE {SILENT_S} NOT BETWEEN -86400 AND 86400");
        self.client.ask("remove rows of dead workers", async |conn| conn.query_drop(delete).await).await
    }

    /// Removes the row of a worker that has drained.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn remove(&mut self, id: &str) -> Result<(), Error> {
        let delete = format!("DELETE FROM {} WHERE id = ?", self.client.database.tables.worker);
        self.client.ask("remove the worker's row", async |conn| conn.exec_drop(delete, (id,)).await).await
    }

    /// The workers of a queue that have been heard of within the last `within_s` seconds.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn of_queue(&mut self, queue: &str, within_s: u64) -> Result<Vec<WorkerRow>, Error> {
        let query = format!(
            "SELECT name, slots, in_flight, \
             CAST(GREATEST({SILENT_S}, 0) AS SIGNED) AS silent_s \
             FROM {} WHERE queue = ? AND {SILENT_S} BETWEEN -{within_s} AND {within_s} ORDER BY name",
            self.client.database.tables.worker
        );
        let rows: Vec<Row> =
            self.client.ask("read the workers", async |conn| conn.exec(query, (queue,)).await).await?;
        rows.into_iter().map(|row| row::read(row, "queryfleet_worker")).collect()
    }

    /// All workers of a queue that have not said goodbye, those that have been silent for long among them.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn details(&mut self, queue: &str) -> Result<Vec<WorkerDetails>, Error> {
        let tables = &self.client.database.tables;
        let query = format!(
            "SELECT w.id, w.name, w.slots, w.in_flight, \
             DATE_FORMAT(CONVERT_TZ(w.started, @@session.time_zone, '+00:00'), '%Y-%m-%dT%H:%i:%sZ') AS started, \
             CAST(GREATEST({SILENT_S}, 0) AS SIGNED) AS silent_s, w.holds, \
             w.limit_version, (SELECT COUNT(*) FROM {} p WHERE p.owner = w.id) AS permits \
             FROM {} w WHERE w.queue = ? ORDER BY w.name",
            tables.permit, tables.worker
        );
        let rows: Vec<Row> =
            self.client.ask("read the workers", async |conn| conn.exec(query, (queue,)).await).await?;
        rows.into_iter().map(|row| row::read(row, "queryfleet_worker")).collect()
    }

    /// Waits until every worker has seen what was written to a run's row before this call.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn wait_until_seen(&mut self, own: Duration) -> Result<(), Error> {
        let since = Instant::now();
        loop {
            // Asked once more after each pause: a worker that had begun before the call may have its row only now.
            let notice = self.longest_notice(own).await?;
            let Some(rest) = notice.checked_sub(since.elapsed()).filter(|rest| !rest.is_zero()) else {
                return Ok(());
            };
            tokio::time::sleep(rest).await;
        }
    }
}
