//! How a run stands: its row and the counts of its jobs, read together.

use crate::Error;
use crate::client::given_up::GivenUp;
use crate::client::jobs::Counts;
use crate::client::run::{Run, RunState};
use crate::connection::LedgerClient;

/// How a run stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its row.
    pub run: Run,
    /// The states of its jobs, as counted in the ledger.
    pub counts: Counts,
    /// What of its dead jobs was given up; only known of a run that has ended.
    pub given_up: GivenUp,
}

/// The state of a run as people see it. A contract: the words of [`as_str`](RunStatus::as_str) never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// The end of its input is not yet confirmed.
    Publishing,
    /// All of it is published, and some jobs have not ended.
    Running,
    /// Every job is done, or was cancelled.
    Done,
    /// Every job has ended, some of them dead.
    Finished,
    /// Every job has ended, and those that are dead were discarded, or replaced by another run that has no dead jobs.
    Repaired,
    /// It was cancelled.
    Cancelled,
    /// Its ledger rows are deleted.
    Purged,
}

impl LedgerClient {
    /// How a run whose jobs are counted stands.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn standing(&mut self, run: Run, counts: Counts) -> Result<Standing, Error> {
        let mut standing = Standing { run, counts, given_up: GivenUp::default() };
        if standing.status() == RunStatus::Finished {
            standing.given_up = self.dead_jobs().given_up(standing.run.id).await?;
        }
        Ok(standing)
    }
}

impl Standing {
    /// Whether every job has ended. Never before the end of the input is confirmed.
    pub fn has_ended(&self) -> bool {
        self.run.total.is_some_and(|total| self.counts.ended() >= total)
    }

    /// The state of the run, from its row and the counts.
    pub fn status(&self) -> RunStatus {
        match self.run.state {
            RunState::Purged => RunStatus::Purged,
            RunState::Cancelled => RunStatus::Cancelled,
            RunState::Publishing | RunState::Published if self.has_ended() => match self.counts.dead {
                0 => RunStatus::Done,
                dead if dead <= self.given_up.settled() => RunStatus::Repaired,
                _ => RunStatus::Finished,
            },
            RunState::Publishing => RunStatus::Publishing,
            RunState::Published => RunStatus::Running,
        }
    }
}

impl RunStatus {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            RunStatus::Publishing => "publishing",
            RunStatus::Running => "running",
            RunStatus::Done => "done",
            RunStatus::Finished => "finished",
            RunStatus::Repaired => "repaired",
            RunStatus::Cancelled => "cancelled",
            RunStatus::Purged => "purged",
        }
    }

    /// Every state, for whoever names one.
    pub const ALL: [RunStatus; 7] = [
        RunStatus::Publishing,
        RunStatus::Running,
        RunStatus::Done,
        RunStatus::Finished,
        RunStatus::Repaired,
        RunStatus::Cancelled,
        RunStatus::Purged,
    ];

    /// Whether no further job of it begins. Jobs of a cancelled run that have begun may still be running.
    pub fn is_over(self) -> bool {
        match self {
            RunStatus::Publishing | RunStatus::Running => false,
            RunStatus::Done
            | RunStatus::Finished
            | RunStatus::Repaired
            | RunStatus::Cancelled
            | RunStatus::Purged => true,
        }
    }
}

impl std::str::FromStr for RunStatus {
    type Err = String;

    fn from_str(word: &str) -> Result<RunStatus, String> {
        let found = RunStatus::ALL.into_iter().find(|status| status.as_str() == word);
        found.ok_or_else(|| RunStatus::ALL.map(RunStatus::as_str).join(", "))
    }
}

impl std::fmt::Display for RunStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use queryfleet_job::RunId;

    use super::*;

    fn standing(state: RunState, total: Option<u64>, done: u64, dead: u64, cancelled: u64) -> Standing {
        let run = Run {
            id: RunId(1),
            name: "nightly".into(),
            queue: "default".into(),
            state,
            total,
            confirmed: 3,
            digest: Vec::new(),
            chunk: 1,
            session_sql: None,
            not_atomic: None,
            cancel_now: false,
            created: String::new(),
            manifest: None,
            manifest_signature: None,
            planned: Some(3),
            canary: None,
        };
        Standing { run, counts: Counts { done, dead, cancelled, started: 0 }, given_up: GivenUp::default() }
    }

    #[test]
    fn the_status_follows_from_row_and_counts() {
        use RunState::{Cancelled, Published, Publishing, Purged};
        for (standing, status) in [
            (standing(Publishing, None, 0, 0, 0), RunStatus::Publishing),
            (standing(Publishing, None, 3, 0, 0), RunStatus::Publishing),
            (standing(Published, Some(3), 2, 0, 0), RunStatus::Running),
            (standing(Published, Some(3), 3, 0, 0), RunStatus::Done),
            (standing(Published, Some(3), 2, 0, 1), RunStatus::Done),
            (standing(Published, Some(3), 2, 1, 0), RunStatus::Finished),
            (standing(Published, Some(0), 0, 0, 0), RunStatus::Done),
            (standing(Cancelled, Some(3), 3, 0, 0), RunStatus::Cancelled),
            (standing(Cancelled, None, 1, 0, 0), RunStatus::Cancelled),
            (standing(Purged, Some(3), 0, 0, 0), RunStatus::Purged),
        ] {
            assert_eq!(standing.status(), status, "{standing:?}");
        }
    }

    #[test]
    fn a_run_is_repaired_when_nobody_wants_its_dead_jobs_back() {
        for (dead, given_up, dead_again, status) in [
            (2, 0, 0, RunStatus::Finished),
            (2, 1, 0, RunStatus::Finished),
            (2, 2, 0, RunStatus::Repaired),
            (2, 2, 1, RunStatus::Finished),
            // One was counted before it was replayed.
            (1, 2, 0, RunStatus::Repaired),
            (0, 2, 0, RunStatus::Done),
        ] {
            let mut standing = standing(RunState::Published, Some(3), 3 - dead, dead, 0);
            standing.given_up.jobs = given_up;
            standing.given_up.unsettled_jobs = dead_again;
            assert_eq!(standing.status(), status, "{dead} {given_up} {dead_again}");
        }
        let mut open = standing(RunState::Published, Some(3), 1, 1, 0);
        open.given_up.jobs = 1;
        assert_eq!(open.status(), RunStatus::Running);
    }

    #[test]
    fn a_started_job_has_not_ended() {
        let mut standing = standing(RunState::Published, Some(3), 2, 0, 0);
        standing.counts.started = 1;
        assert!(!standing.has_ended());
        assert_eq!(standing.status(), RunStatus::Running);
    }
}
