//! Why something that an operator asked for was not done.

use queryfleet_ledger::RunStatus;

/// An error of looking at runs and dead jobs, or of changing them. Exhaustive, so that each has its exit code.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A run that is not in this ledger.
    #[error("run {0} is not in this ledger")]
    NoRun(String),
    /// A run that cannot be cancelled any more.
    #[error("run {name} is {status} already")]
    Closed {
        /// The run.
        name: String,
        /// How it ended.
        status: &'static str,
    },
    /// A run that still has jobs to do cannot be purged.
    #[error("run {name} is {status}: only a run that has ended can be purged")]
    NotEnded {
        /// The run.
        name: String,
        /// How it stands.
        status: RunStatus,
    },
    /// A run that has ended too short a time ago to be purged.
    #[error(
        "run {name} ended {hours} h ago: it can be purged {purge_after_h} h after its end, when no message of it is on its way \
         any more"
    )]
    TooEarly {
        /// The run.
        name: String,
        /// Hours since its end.
        hours: u64,
        /// Hours that have to pass.
        purge_after_h: u64,
    },
    /// A job that is not among the dead ones.
    #[error("job {seq} of run {run} is not dead")]
    NotDead {
        /// The run, as it was given.
        run: String,
        /// The job's place in the run.
        seq: u64,
    },
    /// All dead jobs of all runs, without having said so.
    #[error("no filter is given")]
    NoFilter,
    /// The tables were made by a version without holds.
    #[error("the tables of queryfleet have no holds yet: run `queryfleet setup`")]
    NoHolds,
    /// A run that was published without a canary.
    #[error("run {0} has no canary to approve")]
    NoCanary(String),
    /// A canary that has not ended cannot be approved.
    #[error("the canary of run {name} has not ended yet: {ended} of {jobs} jobs")]
    CanaryRuns {
        /// The run.
        name: String,
        /// Jobs that have ended.
        ended: u64,
        /// Jobs of the canary.
        jobs: u64,
    },
    /// The tables were made by a version without limits.
    #[error("the tables of queryfleet have no limits yet: run `queryfleet setup`")]
    NoLimits,
    /// The limit was changed by somebody else at the same time.
    #[error("somebody else has changed the limit at the same time")]
    LimitChanged,
    /// A check of a limit cannot be made.
    #[error("a check cannot be made: {0}")]
    Check(String),
    /// The row of the limit cannot be read.
    #[error("the limit of the queue cannot be read")]
    Limit(#[from] queryfleet_job::LimitError),
    /// A hold that has ended before it begins.
    #[error("the hold would have ended already, by the database's clock")]
    Past,
    /// There is no hold with this id.
    #[error("hold {0} is not in force")]
    NoHold(u64),
    /// Which of these holds is lifted has not been said.
    #[error("several holds are in force: {}", .0.join("; "))]
    SeveralHolds(Vec<String>),
    /// The broker.
    #[error(transparent)]
    Broker(#[from] queryfleet_broker::Error),
    /// The database.
    #[error(transparent)]
    Ledger(#[from] queryfleet_ledger::Error),
}
