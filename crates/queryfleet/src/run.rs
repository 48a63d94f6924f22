//! How a run stands, and how it ends.

use std::fmt;
use std::time::Duration;

use queryfleet_ledger::Standing;
use queryfleet_producer::{Ended, Patience};

use crate::waits_for::WaitsFor;

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunState {
    /// The end of its statements is not published yet.
    Publishing,
    /// All of it is published, and some jobs have not ended.
    Running,
    /// Every job is done.
    Done,
    /// Every job has ended, and some are dead.
    Finished,
    /// Every job has ended, and the dead ones were discarded, or replaced by another run.
    Repaired,
    /// It was cancelled.
    Cancelled,
    /// What was known of its jobs is deleted.
    Purged,
}

impl RunState {
    /// Its word, as `queryfleet status` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Publishing => "publishing",
            RunState::Running => "running",
            RunState::Done => "done",
            RunState::Finished => "finished",
            RunState::Repaired => "repaired",
            RunState::Cancelled => "cancelled",
            RunState::Purged => "purged",
        }
    }
}

impl RunState {
    fn of(status: queryfleet_ledger::RunStatus) -> RunState {
        use queryfleet_ledger::RunStatus as Status;
        match status {
            Status::Publishing => RunState::Publishing,
            Status::Running => RunState::Running,
            Status::Done => RunState::Done,
            Status::Finished => RunState::Finished,
            Status::Repaired => RunState::Repaired,
            Status::Cancelled => RunState::Cancelled,
            Status::Purged => RunState::Purged,
        }
    }
}

/// How a run stands. All numbers are counted in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunStatus {
    /// Its id, which no other run of this database ever has.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its queue.
    pub queue: String,
    /// Its state.
    pub state: RunState,
    /// Its jobs; `None` until all of them are known.
    pub total: Option<u64>,
    /// Whether all of its jobs are published.
    pub is_published: bool,
    /// Jobs that the broker has confirmed.
    pub published: u64,
    /// Jobs that took effect.
    pub done: u64,
    /// Jobs that failed for good; see [`DeadJob`](crate::DeadJob).
    pub dead: u64,
    /// Jobs that a cancel has ended before they began.
    pub cancelled: u64,
    /// Jobs that are not atomic, have begun and not ended.
    pub started: u64,
    /// When it was made, in UTC: `2026-11-23T10:15:00Z`.
    pub created: String,
    /// Of the dead jobs, those that nobody wants back; known once the run has ended.
    pub given_up: GivenUp,
}

/// Dead jobs that nobody wants back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GivenUp {
    /// How many were discarded, those that another run replaces included.
    pub jobs: u64,
    /// The runs that replace some of them.
    pub replaced_by: Vec<String>,
    /// Those of these runs that have dead jobs themselves which wait for a decision.
    pub dead_again: Vec<String>,
    /// Those that are cancelled, or whose jobs have not all ended.
    pub unfinished: Vec<String>,
}

impl RunStatus {
    /// Jobs that have ended.
    pub fn ended(&self) -> u64 {
        self.done + self.dead + self.cancelled
    }
}

#[doc(hidden)]
impl From<&Standing> for RunStatus {
    fn from(standing: &Standing) -> RunStatus {
        let Standing { run, counts, given_up } = standing;
        RunStatus {
            id: run.id.0,
            name: run.name.clone(),
            queue: run.queue.clone(),
            state: RunState::of(standing.status()),
            total: run.total.or(run.planned),
            is_published: run.total.is_some(),
            published: run.confirmed,
            done: counts.done,
            dead: counts.dead,
            cancelled: counts.cancelled,
            started: counts.started,
            created: run.created.clone(),
            given_up: GivenUp {
                jobs: given_up.jobs,
                replaced_by: given_up.replaced_by.clone(),
                dead_again: given_up.dead_again.clone(),
                unfinished: given_up.unfinished.clone(),
            },
        }
    }
}

/// How waiting for a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// Every job is done.
    Done,
    /// Every job has ended, and some are dead.
    Dead,
    /// Every job has ended, and the dead ones were discarded, or replaced by another run.
    Repaired,
    /// The run was cancelled.
    Cancelled,
    /// Its canary has ended, and nobody has approved the rest.
    Unapproved,
    /// The queue is held because too many of its jobs are dead.
    Halted,
    /// The time that was given to the wait has passed. The run continues.
    TimedOut,
    /// Jobs are neither in the ledger nor with the broker nor with a worker: publish them again.
    Missing,
}

impl End {
    /// Its word: `done`, `dead`, `repaired`, `cancelled`, `unapproved`, `halted`, `timed out` or `missing`.
    pub fn as_str(self) -> &'static str {
        match self {
            End::Done => "done",
            End::Dead => "dead",
            End::Repaired => "repaired",
            End::Cancelled => "cancelled",
            End::Unapproved => "unapproved",
            End::Halted => "halted",
            End::TimedOut => "timed out",
            End::Missing => "missing",
        }
    }
}

impl End {
    pub(crate) fn of(ended: Ended) -> End {
        match ended {
            Ended::Done => End::Done,
            Ended::Dead => End::Dead,
            Ended::Repaired => End::Repaired,
            Ended::Cancelled => End::Cancelled,
            Ended::Unapproved => End::Unapproved,
            Ended::Halted => End::Halted,
            Ended::TimedOut => End::TimedOut,
            Ended::Missing => End::Missing,
        }
    }
}

/// A run at the end of a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunEnd {
    /// Why the wait has ended.
    pub end: End,
    /// How the run stands.
    pub status: RunStatus,
}

/// How far something has come.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Progress {
    /// The statements are looked at: nothing is published yet.
    Checking {
        /// Statements so far.
        jobs: u64,
        /// Bytes of the input that these were, of files that are compressed as they are.
        bytes_read: u64,
        /// Bytes of the whole input.
        bytes: u64,
    },
    /// Jobs are being published.
    Publishing {
        /// The run's name.
        run: String,
        /// Jobs that the broker has confirmed.
        confirmed: u64,
        /// All of them.
        total: u64,
        /// What it waits for, if it has for a second.
        waits_for: Option<WaitsFor>,
    },
    /// Jobs are being executed.
    Running {
        /// How the run stands.
        status: RunStatus,
        /// What it waits for, if it has not moved for a second.
        waits_for: Option<WaitsFor>,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits_for = match self {
            Progress::Checking { jobs, .. } => return write!(f, "checking: {jobs} jobs"),
            Progress::Publishing { run, confirmed, total, waits_for } => {
                write!(f, "run {run}: {confirmed} of {total} jobs published")?;
                waits_for
            }
            Progress::Running { status, waits_for } => {
                write!(f, "run {}: {} jobs ended", status.name, status.ended())?;
                if let Some(total) = status.total {
                    write!(f, " of {total}")?;
                }
                if status.dead > 0 {
                    write!(f, ", {} dead", status.dead)?;
                }
                waits_for
            }
        };
        match waits_for {
            Some(reason) => write!(f, "; {reason}"),
            None => Ok(()),
        }
    }
}

/// Which run to wait for, and how long.
#[derive(Clone, Debug)]
pub struct Wait {
    pub(crate) run: String,
    pub(crate) timeout: Option<Duration>,
    pub(crate) give_up_after: Option<Duration>,
}

impl Wait {
    /// Waits for the run with this name or id, for as long as it takes.
    pub fn new(run: impl Into<String>) -> Wait {
        Wait { run: run.into(), timeout: None, give_up_after: None }
    }

    /// Ends after this time, with [`End::TimedOut`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Wait {
        self.timeout = Some(timeout);
        self
    }

    /// Gives up, with an error, when the database has been unavailable for this time.
    #[must_use]
    pub fn give_up_after(mut self, time: Duration) -> Wait {
        self.give_up_after = Some(time);
        self
    }
}

impl Wait {
    pub(crate) fn patience(&self) -> Patience {
        Patience { timeout: self.timeout, give_up_after: self.give_up_after }
    }
}

impl<S: Into<String>> From<S> for Wait {
    fn from(run: S) -> Wait {
        Wait::new(run)
    }
}

#[cfg(test)]
mod tests {
    use queryfleet_ledger::RunStatus as Status;

    use super::*;

    #[test]
    fn the_words_of_states_are_those_of_the_commands() {
        use Status::{Cancelled, Done, Finished, Publishing, Purged, Repaired, Running};
        for status in [Publishing, Running, Done, Finished, Repaired, Cancelled, Purged] {
            assert_eq!(RunState::of(status).as_str(), status.as_str());
        }
    }
}
