//! Purging: the rows of a run that ended long ago, in small steps. Its own row stays as a tombstone.

use std::time::Duration;

use job::RunId;
use mysql_async::prelude::Queryable;

use crate::Error;
use crate::connect::Control;

/// Rows a DELETE: locks and undo stay small beside production traffic.
const ROWS_AT_ONCE: u64 = 10_000;

impl Control {
    /// Hours since the last job of a run ended; `None` while it has no ended job.
    ///
    /// # Errors
    /// As connecting and querying can fail.
    pub async fn hours_since_end(&mut self, id: RunId) -> Result<Option<u64>, Error> {
        let mut newest: Option<u64> = None;
        for (first, last) in self.steps(id).await? {
            let query = format!(
                "SELECT CAST(TIMESTAMPDIFF(HOUR, MAX(time), CURRENT_TIMESTAMP) AS UNSIGNED) FROM {} \
                 WHERE run = {id} AND seq BETWEEN {first} AND {last}",
                self.database.tables.ledger
            );
            let hours: Option<Option<u64>> =
                self.ask("read when the run ended", async |conn| conn.query_first(query).await).await?;
            newest = newest.into_iter().chain(hours.flatten()).min();
        }
        Ok(newest)
    }

    /// Marks the run as purged, which makes its late messages stale, and after `pause`, in which every worker has read
    /// that, deletes its ledger rows, dead jobs and ranges. Answers how many ledger rows went.
    ///
    /// # Errors
    /// As connecting and querying can fail; calling it again goes on.
    pub async fn purge(&mut self, id: RunId, pause: Duration) -> Result<u64, Error> {
        let tables = &self.database.tables;
        let (run, ledger) = (tables.run.clone(), tables.ledger.clone());
        let (dead, range) = (tables.dead.clone(), tables.range.clone());
        // The state first: a worker that reads it never runs a job whose ledger row is gone.
        let mark = format!("UPDATE {run} SET state = 'purged' WHERE id = {id}");
        self.ask("mark the run as purged", async |conn| conn.query_drop(mark).await).await?;
        tokio::time::sleep(pause).await;
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
