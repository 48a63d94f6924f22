//! Why a run cannot be published or waited for.

use std::path::{Path, PathBuf};

use queryfleet_ledger::{NotReplaced, RunStatus};
use queryfleet_sql::SplitError;

use crate::location::Location;
use crate::problem::Problem;

/// An error of publishing or waiting. Whatever it is, what was confirmed stays confirmed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An input that can be read only once cannot be copied to a temporary file.
    #[error(
        "cannot keep {} in a temporary file in {}: set TMPDIR to a folder that exists, is writable, and has room for \
         all of it", path.display(), folder.display()
    )]
    Spool {
        /// The input.
        path: PathBuf,
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// An input did not arrive whole, or is another one than was meant.
    #[error(
        "{} has {bytes} bytes with the SHA-256 {found}, and another SHA-256 was expected: it did not come whole, or is not \
         the file that was meant; nothing was published", path.display()
    )]
    Checksum {
        /// The input.
        path: PathBuf,
        /// How many bytes it has.
        bytes: u64,
        /// Their SHA-256.
        found: String,
    },
    /// A file that is none of the kinds of input.
    #[error("{} {what}; nothing was published", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is, and what to do.
        what: String,
        /// Whether it is, or can become, the rows of a template ([`Source::Rows`](crate::Source::Rows)).
        suits_rows: bool,
    },
    /// No job in the whole input.
    #[error("{} holds no statement and no row: nothing was published", .0.display())]
    Empty(PathBuf),
    /// A script that cannot be split into statements.
    #[error("{}:{source}; nothing was published", path.display())]
    Split {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: SplitError,
    },
    /// A statement, row or template that gives no job. What follows it can still be read.
    #[error("{at}: {problem}; nothing was published")]
    Statement {
        /// Where it stands.
        at: Location,
        /// What is wrong with it.
        #[source]
        problem: Problem,
    },
    /// The input is not the one that was published under this name.
    #[error(
        "input differs from what run {name} was begun with{place} ({confirmed} of its jobs are published): give the same \
         input to resume it, or publish the new one under another name"
    )]
    Changed {
        /// The run.
        name: String,
        /// Where the inputs part, as a part of a sentence; empty where it is not known.
        place: String,
        /// How many of its jobs are confirmed.
        confirmed: u64,
    },
    /// The input changed between the two passes over it.
    #[error("{} changed while it was being read: once it is stable, publish it again under the name {name}", path.display())]
    Moving {
        /// The file.
        path: PathBuf,
        /// The run.
        name: String,
    },
    /// The same input is published once more while its run has not ended.
    #[error("run {0} of the same input has not ended; nothing was published")]
    Unfinished(String),
    /// The same input is published once more after its run.
    #[error("run {name} of the same input {end}; nothing was published")]
    Repeated {
        /// The run.
        name: String,
        /// How it ended.
        end: PastEnd,
    },
    /// A run that was cancelled takes no more jobs.
    #[error("run {0} is cancelled already")]
    CancelledBefore(String),
    /// A run that was purged has ended long ago, and nothing of its jobs is left.
    #[error("run {0} is purged already")]
    Purged(String),
    /// Somebody cancelled the run while it was being published.
    #[error("run {0} was cancelled while it was being published")]
    Cancelled(String),
    /// A run that was begun with other options.
    #[error("run {name} was begun with {option} {before}: give the same to resume it")]
    Option {
        /// The run.
        name: String,
        /// The option that differs.
        option: RunOption,
        /// Its value before.
        before: String,
    },
    /// The broker refuses a statement because of its size.
    #[error(
        "{place}: its message of {bytes} bytes is above the broker's max_message_size{limit}: raise that in rabbitmq.conf, \
         then publish again under the name {name}; what stands before it is published"
    )]
    TooLarge {
        /// The file, line and column, where known.
        place: String,
        /// The size of its message in bytes.
        bytes: usize,
        /// ` of N`, where the broker says it.
        limit: String,
        /// The run.
        name: String,
        /// What the broker said.
        source: Box<queryfleet_broker::Error>,
    },
    /// A run that was begun as something else.
    #[error(
        "run {name} cannot be resumed: {why} in its manifest (queryfleet_run); nothing was published; publish the input \
         under another name"
    )]
    Manifest {
        /// The run.
        name: String,
        /// What differs.
        why: String,
    },
    /// A name that no new run may have.
    #[error("`{}` cannot be the name of a run: it {why}; nothing was published", name.escape_debug())]
    Name {
        /// The name.
        name: String,
        /// Why not.
        why: String,
    },
    /// [`PublishRequest::chunk`](crate::PublishRequest::chunk) is out of its bounds.
    #[error("chunk is {0}: it must be from 1 to {max} jobs per message", max = crate::LARGEST_CHUNK)]
    Chunk(usize),
    /// [`PublishRequest::replaces`](crate::PublishRequest::replaces) names a run whose dead jobs cannot be replaced.
    #[error("the dead jobs of run {name} cannot be replaced: {why}; nothing was published")]
    Replaces {
        /// That run.
        name: String,
        /// Why not.
        why: Unreplaceable,
    },
    /// [`PublishRequest::missing`](crate::PublishRequest::missing) without the name of a run.
    #[error("missing jobs are those of an earlier run: give its name")]
    MissingOfNoRun,
    /// The run is not in this ledger.
    #[error("run {0} is not in this ledger")]
    NoRun(String),
    /// The broker.
    #[error(transparent)]
    Broker(#[from] queryfleet_broker::Error),
    /// The database.
    #[error(transparent)]
    Ledger(#[from] queryfleet_ledger::Error),
}

/// How the jobs of a run have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PastEnd {
    /// Each of them by itself.
    Ended {
        /// When the last one did: `2026-11-23T10:15:00Z`.
        at: String,
        /// Jobs that took effect.
        done: u64,
        /// Jobs that are dead.
        dead: u64,
    },
    /// With the run, by a cancel.
    Cancelled {
        /// Jobs that had taken effect.
        done: u64,
    },
    /// Nobody knows how: their ledger rows are deleted.
    Purged,
}

impl std::fmt::Display for PastEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PastEnd::Ended { at, done, dead: 0 } => write!(f, "ended at {at} with {done} done"),
            PastEnd::Ended { at, done, dead } => write!(f, "ended at {at} with {done} done, {dead} dead"),
            PastEnd::Cancelled { done } => write!(f, "was cancelled with {done} done"),
            PastEnd::Purged => f.write_str("has ended and was purged"),
        }
    }
}

/// An option that a run keeps from its first publish on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOption {
    /// The queue of the configuration.
    Queue,
    /// [`PublishRequest::session_sql`](crate::PublishRequest::session_sql).
    SessionSql,
    /// [`PublishRequest::not_atomic`](crate::PublishRequest::not_atomic).
    NotAtomic,
}

impl std::fmt::Display for RunOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            RunOption::Queue => "QUERYFLEET_QUEUE",
            RunOption::SessionSql => "session SQL",
            RunOption::NotAtomic => "non-transactional statements:",
        })
    }
}

impl Error {
    /// What is wrong at a byte of `text`, which begins on this line of the input.
    pub(crate) fn at_byte(path: &Path, first_line: u64, text: &[u8], offset: usize, why: String) -> Error {
        Error::Statement {
            at: Location::of_byte(path, first_line, text, offset),
            problem: Problem::Malformed(why),
        }
    }
}

/// Why the dead jobs of a run cannot be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreplaceable {
    /// It is the run that would replace them.
    Itself,
    /// It may still have more of them, or is closed.
    Open(RunStatus),
    /// The input names a job of another run.
    OtherRun {
        /// The job.
        seq: u64,
        /// What begins with the name of its run.
        run: String,
    },
    /// As the ledger has it.
    Job(NotReplaced),
}

impl std::fmt::Display for Unreplaceable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unreplaceable::Itself => f.write_str("it is this run"),
            Unreplaceable::Open(status) => {
                write!(f, "it is {status}, and only of a run that has ended they can be")
            }
            Unreplaceable::OtherRun { seq, run } => write!(
                f,
                "the input names job {seq} of another run in a comment ({}): what is of another run is for a file of its own",
                run.chars().take(80).collect::<String>()
            ),
            Unreplaceable::Job(why) => match why {
                NotReplaced::NoDeadJobs => f.write_str("it has none"),
                NotReplaced::NotDead(seq) => {
                    write!(f, "the input names job {seq} in a comment, and that one is not dead")
                }
                NotReplaced::Replaying(seq) => {
                    write!(
                        f,
                        "a replay of job {seq} is under way, or was left in the middle: let it end, or repeat it"
                    )
                }
                NotReplaced::Replayed(seq) => write!(
                    f,
                    "job {seq} was replayed meanwhile: take its statement out of the input, with its comment"
                ),
                NotReplaced::Replaced(seq, by) => write!(
                    f,
                    "job {seq} is replaced by run {by} already: take its statement out of the input, with its comment"
                ),
                NotReplaced::OldTables => {
                    f.write_str("the tables are of an older version: run `queryfleet setup`")
                }
            },
        }
    }
}
