//! The exit codes, all from one place.

use std::process::ExitCode;

/// How a command has ended; the number is the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every job is done, or the command did what it was asked to.
    AllDone = 0,
    /// It could not start, or the input is unusable, which is what `plan` tells; a check of `doctor` has failed.
    CouldNotStart = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The run has ended with dead jobs.
    Dead = 3,
    /// The run was cancelled.
    Cancelled = 4,
    /// `--timeout` has passed.
    TimedOut = 5,
    /// Jobs are missing: neither ended, nor with the broker, nor with a worker.
    Missing = 6,
    /// Interrupted by Ctrl-C or SIGTERM.
    Interrupted = 130,
}

/// The table of `queryfleet --help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    all done
  1    could not start, or unusable input
  2    wrong command line
  3    the run has ended with dead jobs
  4    the run was cancelled
  5    --timeout has passed
  6    jobs are missing
  130  interrupted

Configuration comes from the environment: QUERYFLEET_AMQP_URL and QUERYFLEET_MYSQL_URL say where the servers are;
docs/environment.md lists all variables.";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

impl From<queryfleet_producer::Ended> for Exit {
    fn from(ended: queryfleet_producer::Ended) -> Exit {
        match ended {
            queryfleet_producer::Ended::Done => Exit::AllDone,
            queryfleet_producer::Ended::Dead => Exit::Dead,
            queryfleet_producer::Ended::Cancelled => Exit::Cancelled,
            queryfleet_producer::Ended::TimedOut => Exit::TimedOut,
            queryfleet_producer::Ended::Missing => Exit::Missing,
        }
    }
}
