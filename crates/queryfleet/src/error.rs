//! What can go wrong, by kind.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;

use queryfleet_producer::Location;

type Cause = Box<dyn StdError + Send + Sync>;

/// An error: of which kind it is, and the text for people. What a server or the system said is in `source()`. It holds no
/// secret.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    cause: Cause,
}

/// The kinds of error, with their facts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting that is missing, unknown, or not usable.
    Config,
    /// A statement that is refused. Nothing was published.
    Statement {
        /// Its place among all, from 0.
        index: u64,
    },
    /// A statement of a file that is refused. Nothing was published.
    Input {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column, from 1, in characters.
        column: u64,
    },
    /// What makes the statements has failed; [`Error::into_cause`] is its error. Nothing was published.
    Source {
        /// The place of the statement that was to come, from 0.
        index: u64,
    },
    /// There is no statement at all, or the request contradicts itself. Nothing was published.
    Request,
    /// The statements cannot be kept in a temporary file. Nothing was published.
    TemporaryFile,
    /// The run cannot be what was asked for.
    Run {
        /// Its name.
        name: String,
        /// Why not.
        fault: RunFault,
    },
    /// A server cannot be reached, or does not answer: worth another try.
    Unavailable(Server),
    /// A server refuses, or its tables or queues are missing: somebody has to do something.
    Server(Server),
    /// A job that was asked for is not among the dead ones.
    NotDead,
    /// The holds of the queue are others than was asked for.
    Hold,
    /// A private server did not start.
    Dev,
    /// The system, or a part of the program, failed.
    Internal,
}

/// Why a run cannot be what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunFault {
    /// It is not in this ledger.
    Unknown,
    /// It was begun with other statements or other options.
    Differs,
    /// This is a run of the same statements, and no name was given: give this one to resume it, or say
    /// [`again`](crate::Publish::again).
    Repeats,
    /// It was cancelled.
    Cancelled,
    /// It was purged.
    Purged,
    /// Its state does not allow that: it has ended, or has not.
    State,
    /// No run may have that name.
    Name,
}

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Server {
    /// RabbitMQ.
    Broker,
    /// MySQL or MariaDB.
    Database,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, cause: impl Into<Cause>) -> Error {
        Error { kind, cause: cause.into() }
    }

    /// What kind of error it is.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Its text with that of every cause, each once, in one line.
    pub fn report(&self) -> String {
        queryfleet_job::causes(self)
    }

    /// What caused it.
    pub fn into_cause(self) -> Box<dyn StdError + Send + Sync> {
        self.cause
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.source()
    }
}

fn ledger_kind(error: &queryfleet_ledger::Error) -> ErrorKind {
    use queryfleet_ledger::Error as Ledger;
    let run = |name: &String, fault| ErrorKind::Run { name: name.clone(), fault };
    match error {
        Ledger::Url(_) | Ledger::Config(_) | Ledger::SessionSqlFault(_) => ErrorKind::Config,
        Ledger::NameTaken(name) => run(name, RunFault::Differs),
        Ledger::Ambiguous { given, .. } => run(given, RunFault::Unknown),
        Ledger::Key { .. } => ErrorKind::Request,
        Ledger::Random(_) => ErrorKind::Internal,
        error if error.is_unfit() => ErrorKind::Server(Server::Database),
        _ => ErrorKind::Unavailable(Server::Database),
    }
}

fn broker_kind(error: &queryfleet_broker::Error) -> ErrorKind {
    use queryfleet_broker::Error as Broker;
    match error {
        Broker::Url | Broker::Config(_) | Broker::Identity { .. } | Broker::Tier => ErrorKind::Config,
        Broker::NoQueue { .. } | Broker::Unroutable { .. } | Broker::TooLarge { .. } => {
            ErrorKind::Server(Server::Broker)
        }
        error if error.is_unfit() => ErrorKind::Server(Server::Broker),
        _ => ErrorKind::Unavailable(Server::Broker),
    }
}

/// The errors of the parts. No From: what is public names nothing of theirs.
impl Error {
    pub(crate) fn of_config(error: queryfleet_config::Error) -> Error {
        Error::new(ErrorKind::Config, error)
    }

    pub(crate) fn of_ledger(error: queryfleet_ledger::Error) -> Error {
        Error::new(ledger_kind(&error), error)
    }

    /// An error about statements that a program has made, of which each is a line of the temporary file.
    pub(crate) fn of_made(error: queryfleet_producer::Error) -> Error {
        match &error {
            queryfleet_producer::Error::Statement { at, problem } => {
                let index = at.line.saturating_sub(1);
                let text = format!("statement {index}: {problem}; nothing was published");
                Error::new(ErrorKind::Statement { index }, text)
            }
            _ => Error::of_producer(error),
        }
    }

    pub(crate) fn of_producer(error: queryfleet_producer::Error) -> Error {
        use queryfleet_producer::Error as Producer;
        let run = |name: &String, fault| ErrorKind::Run { name: name.clone(), fault };
        let kind = match &error {
            Producer::Statement { at: Location { input, line, column }, .. } => {
                ErrorKind::Input { file: input.clone(), line: *line, column: *column }
            }
            Producer::Spool { .. } | Producer::Read { .. } => ErrorKind::TemporaryFile,
            Producer::Empty(_)
            | Producer::Foreign { .. }
            | Producer::Split { .. }
            | Producer::Checksum { .. }
            | Producer::Chunk(_)
            | Producer::MissingOfNoRun => ErrorKind::Request,
            Producer::Changed { name, .. }
            | Producer::Moving { name, .. }
            | Producer::Option { name, .. }
            | Producer::Manifest { name, .. } => run(name, RunFault::Differs),
            Producer::Unfinished(name) | Producer::Repeated { name, .. } => run(name, RunFault::Repeats),
            Producer::CancelledBefore(name) | Producer::Cancelled(name) => run(name, RunFault::Cancelled),
            Producer::Purged(name) => run(name, RunFault::Purged),
            Producer::Name { name, .. } => run(name, RunFault::Name),
            Producer::Replaces { name, .. } => run(name, RunFault::State),
            Producer::NoRun(name) => run(name, RunFault::Unknown),
            Producer::TooLarge { .. } => ErrorKind::Server(Server::Broker),
            Producer::Broker(error) => broker_kind(error),
            Producer::Ledger(error) => ledger_kind(error),
        };
        Error::new(kind, error)
    }

    pub(crate) fn of_operator(error: queryfleet_operator::Error) -> Error {
        use queryfleet_operator::Error as Operator;
        let run = |name: &String, fault| ErrorKind::Run { name: name.clone(), fault };
        let kind = match &error {
            Operator::NoRun(name) => run(name, RunFault::Unknown),
            Operator::Closed { name, .. }
            | Operator::NotEnded { name, .. }
            | Operator::TooEarly { name, .. }
            | Operator::NoCanary(name)
            | Operator::CanaryRuns { name, .. } => run(name, RunFault::State),
            Operator::NotDead { .. } => ErrorKind::NotDead,
            Operator::NoHold(_) | Operator::SeveralHolds(_) | Operator::Past => ErrorKind::Hold,
            Operator::NoFilter | Operator::Check(_) | Operator::LimitChanged | Operator::Limit(_) => {
                ErrorKind::Request
            }
            Operator::NoHolds | Operator::NoLimits => ErrorKind::Server(Server::Database),
            Operator::Broker(error) => broker_kind(error),
            Operator::Ledger(error) => ledger_kind(error),
        };
        Error::new(kind, error)
    }

    pub(crate) fn of_consumer(error: queryfleet_consumer::Error) -> Error {
        use queryfleet_consumer::Error as Consumer;
        let kind = match &error {
            Consumer::Ledger(error) => ledger_kind(error),
            Consumer::Broker(error) => broker_kind(error),
            Consumer::Metrics(_) => ErrorKind::Config,
            Consumer::Random(_) => ErrorKind::Internal,
        };
        Error::new(kind, error)
    }
}

#[cfg(feature = "dev")]
impl Error {
    pub(crate) fn of_devstack(error: queryfleet_devstack::Error) -> Error {
        Error::new(ErrorKind::Dev, error)
    }
}
