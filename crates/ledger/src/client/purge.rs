//! Purging: the rows of a run that ended long ago, in small steps. Its own row stays as a tombstone.

use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable;
use queryfleet_job::RunId;

use crate::connect::LedgerClient;
use crate::{Error, Run};

/// Rows a DELETE: locks and undo stay small beside production traffic.
const ROWS_AT_ONCE: u64 = 10_000;

impl LedgerClient {
    /// Hours since the last job of a run ended, 0 when that is yet to come by the server's clock; `None` while it has no
    /// ended job.
    ///
    /// # Errors
    /// As connecting and querying can fail.
    pub async fn hours_since_end(&mut self, run: &Run) -> Result<Option<u64>, Error> {
        let (id, mut newest) = (run.id, None);
        let mut before = 0;
        while let Some((first, last)) = self.step(run, before).await? {
            // Signed: a time ahead of the clock is not long ago.
            let query = format!(
                "SELECT CAST(TIMESTAMPDIFF(HOUR, MAX(time), CURRENT_TIMESTAMP) AS SIGNED) FROM {} \
                 WHERE run = {id} AND seq BETWEEN {first} AND {last}",
                self.database.tables.ledger
            );
            let hours: Option<Option<i64>> =
                self.ask("read when the run ended", async |conn| conn.query_first(query).await).await?;
            newest = newest.into_iter().chain(hours.flatten()).min();
            before = last;
        }
        Ok(newest.map(|hours| u64::try_from(hours).unwrap_or(0)))
    }

    /// Waits until every worker has seen what was written to a run's row before this call.
    ///
    /// # Errors
    /// As connecting and querying can fail.
    pub async fn workers_have_seen(&mut self, own: Duration) -> Result<(), Error> {
        let since = Instant::now();
        loop {
            // Asked once more after each pause: a worker that had begun before the call may have its row only now.
            let view = self.view_of_workers(own).await?;
            let Some(rest) = view.checked_sub(since.elapsed()).filter(|rest| !rest.is_zero()) else {
                return Ok(());
            };
            tokio::time::sleep(rest).await;
        }
    }

    /// Marks the run as purged, which makes its late messages stale, and when every worker has read that, which may take
    /// [`view_of_workers`](Self::view_of_workers) and at least `own`, deletes its ledger rows, dead jobs and ranges.
    /// Answers how many ledger rows went.
    ///
    /// # Errors
    /// As connecting and querying can fail; calling it again goes on.
    pub async fn purge(&mut self, id: RunId, own: Duration) -> Result<u64, Error> {
        let tables = &self.database.tables;
        let (run, ledger) = (tables.run.clone(), tables.ledger.clone());
        let (dead, range) = (tables.dead.clone(), tables.range.clone());
        // The state first: a worker that reads it never runs a job whose ledger row is gone.
        let mark = format!("UPDATE {run} SET state = 'purged' WHERE id = {id}");
        self.ask("mark the run as purged", async |conn| conn.query_drop(mark).await).await?;
        self.workers_have_seen(own).await?;
        let mut purged = 0;
        for table in [&ledger, &dead, &range] {
            let delete = format!("DELETE FROM {table} WHERE run = {id} LIMIT {ROWS_AT_ONCE}");
            loop {
                let rows = self
                    .ask("delete the run's rows", async |conn| {
                        conn.query_drop(&delete).await?;
                        Ok(conn.affected_rows())
                    })
                    .await?;
                purged += if table == &ledger { rows } else { 0 };
                if rows < ROWS_AT_ONCE {
                    break;
                }
            }
        }
        Ok(purged)
    }
}
