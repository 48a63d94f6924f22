//! Cancelling a run: rows `cancelled` for every job that has not ended.

use std::fmt::Write;

use mysql_async::prelude::Queryable;
use queryfleet_job::{LedgerState, RunId};

use crate::Error;
use crate::connect::LedgerClient;
use crate::error_code::{DEADLOCK, LOCK_WAIT};

/// Rows an INSERT: a million takes some 1.5 s in all.
const ROWS_AT_ONCE: u64 = 10_000;

impl LedgerClient {
    /// Closes a run: from now on its deliveries are acknowledged unrun. With `now` its running statements are ended
    /// too; otherwise they are awaited by [`cancel_jobs`](Self::cancel_jobs). A finished or purged run stays as it is.
    ///
    /// # Errors
    /// As connecting and querying can fail.
    pub async fn close_run(&mut self, id: RunId, now: bool) -> Result<(), Error> {
        let update = format!(
            "UPDATE {} SET state = 'cancelled', cancel_now = cancel_now OR {} WHERE id = {id} AND state <> 'purged'",
            self.database.tables.run,
            u8::from(now)
        );
        self.ask("cancel the run", async |conn| conn.query_drop(update).await).await
    }

    /// Writes `cancelled` for the jobs `first..=last` that have no ledger row, and answers how many. Waits for those
    /// that are running: their row is locked until they end.
    ///
    /// # Errors
    /// As connecting and querying can fail; calling it again goes on.
    pub async fn cancel_jobs(&mut self, id: RunId, first: u64, last: u64) -> Result<u64, Error> {
        let mut cancelled = 0;
        let mut from = first;
        while from <= last {
            let to = last.min(from.saturating_add(ROWS_AT_ONCE - 1));
            let insert = insert(&self.database.tables.ledger, id, from, to);
            let written = self
                .ask("write cancelled jobs", async |conn| {
                    conn.query_drop(&insert).await?;
                    Ok(conn.affected_rows())
                })
                .await;
            match written {
                Ok(rows) => {
                    cancelled += rows;
                    let Some(next) = to.checked_add(1) else { break };
                    from = next;
                }
                // A running job holds its row: wait on.
                Err(error) if matches!(error.code(), Some(LOCK_WAIT | DEADLOCK)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(cancelled)
    }
}

fn insert(ledger: &str, id: RunId, from: u64, to: u64) -> String {
    let state = LedgerState::Cancelled.as_str();
    // IGNORE is right here, and only here: a job that has ended stays as it ended.
    let mut text = format!("INSERT IGNORE INTO {ledger}(run,seq,state)VALUES");
    for seq in from..=to {
        let comma = if seq == from { "" } else { "," };
        // Writing into a String has no way to fail.
        let _ = write!(text, "{comma}({id},{seq},'{state}')");
    }
    text
}
