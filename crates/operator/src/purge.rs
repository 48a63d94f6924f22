//! Purging a run: deleting what is kept of it, long after its end.

use std::time::Duration;

use crate::{Error, Operator};

/// Hours since the end of its last job after which a run can be purged: none of its messages is on its way then.
pub const PURGE_AFTER_H: u64 = 24;

/// What became of a purged run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purged {
    /// The run's name.
    pub name: String,
    /// Ledger rows that were deleted.
    pub ledger_rows: u64,
}

impl Operator {
    /// Deletes the ledger rows, dead jobs and ranges of a run that ended at least [`PURGE_AFTER_H`] hours ago. Its own row
    /// stays, so that its id is never used again. First it waits until every worker has seen that the run is purged;
    /// `waiting` is told how long that takes at most.
    ///
    /// # Errors
    /// [`Error::NoRun`], [`Error::NotEnded`], [`Error::TooEarly`], or [`Error::Ledger`] when the database fails; calling it
    /// again resumes.
    pub async fn purge(
        &mut self,
        name_or_id: &str,
        waiting: &mut (dyn FnMut(Duration) + Send),
    ) -> Result<Purged, Error> {
        let standing = self.status(name_or_id).await?;
        let status = standing.status();
        let name = standing.run.name.clone();
        if !status.is_over() {
            return Err(Error::NotEnded { name, status });
        }
        // Without a job that has ended nothing can be on its way.
        let hours = self.ledger.jobs().hours_since_end(&standing.run).await?.unwrap_or(PURGE_AFTER_H);
        if hours < PURGE_AFTER_H {
            return Err(Error::TooEarly { name, hours, purge_after_h: PURGE_AFTER_H });
        }
        let notice = self.ledger.workers().longest_notice(self.config.workers_notice_within()).await?;
        waiting(notice);
        let ledger_rows = self.ledger.runs().purge(standing.run.id, notice).await?;
        self.note("purge", Some(standing.run.id), &format!("{ledger_rows} jobs")).await;
        Ok(Purged { name, ledger_rows })
    }
}
