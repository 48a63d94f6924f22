//! The exit codes, all from one place.

use std::process::ExitCode;

use queryfleet::{End, ErrorKind, RunFault};

/// How a command has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every job is done, or the command did what it was asked to.
    Success,
    /// It could not start or continue, or the input is unusable, which is what `plan` reports; a check of `doctor` has failed.
    Failed,
    /// The command line is wrong.
    Usage,
    /// The run has ended with dead jobs.
    Dead,
    /// The run was cancelled.
    Cancelled,
    /// `--timeout` has passed.
    TimedOut,
    /// Jobs are missing: neither ended, nor with the broker, nor with a worker.
    Missing,
    /// A guard waits for a person: a canary has ended, and nobody has approved the rest; or too many jobs are dead.
    Waits,
    /// The run was purged: it ended long ago, and nothing tells any more how.
    Purged,
    /// Interrupted by Ctrl-C or SIGTERM.
    Interrupted,
    /// The exit code of the command that `dev` has run.
    External(u8),
}

impl Exit {
    /// Every one that has a meaning of its own.
    pub(crate) const ALL: [Exit; 10] = [
        Exit::Success,
        Exit::Failed,
        Exit::Usage,
        Exit::Dead,
        Exit::Cancelled,
        Exit::TimedOut,
        Exit::Missing,
        Exit::Waits,
        Exit::Purged,
        Exit::Interrupted,
    ];

    /// The exit code of the process. A contract: a number keeps its meaning.
    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Dead => 3,
            Exit::Cancelled => 4,
            Exit::TimedOut => 5,
            Exit::Missing => 6,
            Exit::Waits => 7,
            Exit::Purged => 8,
            Exit::Interrupted => 130,
            Exit::External(code) => code,
        }
    }

    /// What `--help` says of it.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Exit::Success => "all done",
            Exit::Failed => "could not start, or unusable input",
            Exit::Usage => "wrong command line",
            Exit::Dead => "the run has ended with dead jobs",
            Exit::Cancelled => "the run was cancelled",
            Exit::TimedOut => "--timeout has passed",
            Exit::Missing => "jobs are missing",
            Exit::Waits => "a canary or a halt waits for a person",
            Exit::Purged => "the run was purged",
            Exit::Interrupted => "interrupted",
            Exit::External(_) => "the exit code of COMMAND",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

impl From<End> for Exit {
    fn from(end: End) -> Exit {
        match end {
            End::Done | End::Repaired => Exit::Success,
            End::Dead => Exit::Dead,
            End::Cancelled => Exit::Cancelled,
            End::TimedOut => Exit::TimedOut,
            End::Missing => Exit::Missing,
            End::Unapproved | End::Halted => Exit::Waits,
            // One that is new and has no number yet is no success.
            _ => Exit::Failed,
        }
    }
}

impl From<&ErrorKind> for Exit {
    fn from(kind: &ErrorKind) -> Exit {
        match kind {
            ErrorKind::Run { fault: RunFault::Cancelled, .. } => Exit::Cancelled,
            ErrorKind::Run { fault: RunFault::Purged, .. } => Exit::Purged,
            _ => Exit::Failed,
        }
    }
}

impl From<&queryfleet_operator::Error> for Exit {
    fn from(error: &queryfleet_operator::Error) -> Exit {
        use queryfleet_operator::Error;
        match error {
            Error::NoFilter | Error::SeveralHolds(_) => Exit::Usage,
            Error::NoRun(_)
            | Error::Closed { .. }
            | Error::NotEnded { .. }
            | Error::TooEarly { .. }
            | Error::NotDead { .. }
            | Error::NoHolds
            | Error::NoLimits
            | Error::NoCanary(_)
            | Error::CanaryRuns { .. }
            | Error::LimitChanged
            | Error::Check(_)
            | Error::Limit(_)
            | Error::Past
            | Error::NoHold(_)
            | Error::Broker(_)
            | Error::Ledger(_) => Exit::Failed,
        }
    }
}
