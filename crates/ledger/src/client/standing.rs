//! How a run stands: its row, and what the ledger says of its jobs.

use std::fmt;

use crate::connect::LedgerClient;
use crate::{Counts, Error, Run, RunState};

/// How a run stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its row.
    pub run: Run,
    /// How many of its jobs are in each state.
    pub counts: Counts,
}

/// What a person calls the state of a run. It is counted, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// The end of its input is not yet confirmed.
    Publishing,
    /// All of it is published, and some of its jobs have not ended.
    Running,
    /// Every job took effect or was cancelled.
    Done,
    /// Every job has ended, and some of them are dead.
    Finished,
    /// It was cancelled.
    Cancelled,
    /// Its ledger rows were deleted.
    Purged,
}

impl RunStatus {
    /// The word in output.
    pub fn as_str(self) -> &'static str {
        match self {
            RunStatus::Publishing => "publishing",
            RunStatus::Running => "running",
            RunStatus::Done => "done",
            RunStatus::Finished => "finished",
            RunStatus::Cancelled => "cancelled",
            RunStatus::Purged => "purged",
        }
    }

    /// Whether no job of the run is left to do.
    pub fn is_over(self) -> bool {
        match self {
            RunStatus::Done | RunStatus::Finished | RunStatus::Cancelled | RunStatus::Purged => true,
            RunStatus::Publishing | RunStatus::Running => false,
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Standing {
    /// Whether every job has ended; never before the end of the input is confirmed.
    pub fn has_ended(&self) -> bool {
        self.run.total.is_some_and(|total| self.counts.ended() >= total)
    }

    /// The run's state as a person would name it.
    pub fn status(&self) -> RunStatus {
        match self.run.state {
            RunState::Purged => RunStatus::Purged,
            RunState::Cancelled => RunStatus::Cancelled,
            _ if self.has_ended() && self.counts.dead > 0 => RunStatus::Finished,
            _ if self.has_ended() => RunStatus::Done,
            RunState::Publishing => RunStatus::Publishing,
            RunState::Published => RunStatus::Running,
        }
    }
}

impl LedgerClient {
    /// How the run of this name or id stands now, counted afresh; `None` when it is not in this ledger.
    ///
    /// # Errors
    /// [`Error::Ambiguous`], or an error of connecting or of a query.
    pub async fn standing(&mut self, name_or_id: &str) -> Result<Option<Standing>, Error> {
        let Some(run) = self.find_run(name_or_id).await? else { return Ok(None) };
        let counts = self.count_run(&run).await?;
        Ok(Some(Standing { run, counts }))
    }
}
