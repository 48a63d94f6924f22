//! What can go wrong outside of an attempt.

use queryfleet_job::{Failure, Outcome};

use crate::error_code;
use crate::error_code::Own;
use crate::session_sql;

/// An error of connecting, of the init step, or of a query about runs. The server's own words are in `source()`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is none that the driver takes.
    #[error("QUERYFLEET_MYSQL_URL is not usable ({0}): expected mysql://USER:PASSWORD@HOST:3306/DATABASE")]
    Url(String),
    /// A variable that is missing.
    #[error(transparent)]
    Config(#[from] queryfleet_config::Error),
    /// A server that cannot be reached or does not let us in.
    #[error("cannot connect to the database at {server}")]
    Connect {
        /// host:port, without user or password.
        server: String,
        /// What the driver or the server said.
        source: mysql_async::Error,
    },
    /// The server and we cannot agree on TLS, or it refuses an account that may have to show a certificate.
    #[error("cannot connect to the database at {server}: {fault}")]
    Tls {
        /// host:port, without user or password.
        server: String,
        /// Why, and the variable to look at.
        fault: Box<queryfleet_config::TlsFault>,
        /// What the driver or the server said.
        source: mysql_async::Error,
    },
    /// No answer in time.
    #[error("database at {server} did not answer within {seconds} s while {doing}")]
    Timeout {
        /// host:port.
        server: String,
        /// The limit that passed.
        seconds: u64,
        /// What was being done.
        doing: &'static str,
    },
    /// The session does not have what the init step has set.
    #[error(
        "session has {name} = {found} where the init step has set {wanted}: see QUERYFLEET_SESSION_SQL and --session-sql"
    )]
    Init {
        /// The session variable.
        name: &'static str,
        /// What was set.
        wanted: String,
        /// What was read back.
        found: String,
    },
    /// The session SQL was refused by the server.
    #[error("session SQL failed")]
    SessionSql(#[source] mysql_async::Error),
    /// A session SQL that is none.
    #[error("{0}")]
    SessionSqlFault(session_sql::Fault),
    /// A run's own session SQL was refused by the server.
    #[error("session SQL of the run failed")]
    RunSql(#[source] mysql_async::Error),
    /// The tables are not there or not ours.
    #[error("{0}")]
    Schema(String),
    /// A table without a key that ranges can be cut by.
    #[error("table {table} cannot be cut into ranges: {why}")]
    Key {
        /// The table, with its database.
        table: String,
        /// Why not, and what to do.
        why: String,
    },
    /// A query about runs, dead jobs or workers failed.
    #[error("cannot {doing}")]
    Query {
        /// What was being done, as a verb with its object.
        doing: &'static str,
        /// What the driver or the server said.
        source: mysql_async::Error,
    },
    /// A row of our own could not be written: of the ledger, or of a dead job. Never the job's fault.
    #[error("cannot {doing}")]
    Write {
        /// What was being done, as a verb with its object.
        doing: &'static str,
        /// What the driver or the server said.
        source: mysql_async::Error,
    },
    /// The name of a run is taken.
    #[error(
        "run name `{0}` is taken: choose another one, or `publish --run {0}` with the same input to go on with it"
    )]
    NameTaken(String),
    /// A name that is the id of another run.
    #[error(
        "`{given}` is the name of run {id} and the id of run `{name}`: say which one by `{id}` or by `{name}`"
    )]
    Ambiguous {
        /// What was asked for.
        given: String,
        /// The id of the run of this name.
        id: queryfleet_job::RunId,
        /// The name of the run of this id.
        name: String,
    },
    /// The system has no random numbers.
    #[error("no random numbers from the system")]
    Random(#[from] getrandom::Error),
}

impl From<session_sql::Fault> for Error {
    fn from(fault: session_sql::Fault) -> Error {
        Error::SessionSqlFault(fault)
    }
}

impl Error {
    /// The server's error code, where a server said one.
    pub fn code(&self) -> Option<u16> {
        match self {
            Error::Connect { source, .. }
            | Error::Tls { source, .. }
            | Error::SessionSql(source)
            | Error::RunSql(source)
            | Error::Query { source, .. }
            | Error::Write { source, .. } => match source {
                mysql_async::Error::Server(server) => Some(server.code),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the server has rolled a transaction back because of another one: ask once more.
    pub fn is_deadlock(&self) -> bool {
        self.code() == Some(error_code::DEADLOCK)
    }

    /// Whether it is about TLS: a certificate, a file of it, or a server without. Of an account that was refused nobody
    /// knows.
    pub fn is_tls(&self) -> bool {
        match self {
            Error::Tls { .. } => self.code().is_none(),
            Error::Config(error) => error.is_tls(),
            _ => false,
        }
    }

    /// Whether waiting will not mend it: wrong credentials, certificate or host, a missing database, missing rights, missing tables.
    pub fn is_unfit(&self) -> bool {
        match self {
            Error::Tls { fault, .. } => fault.is_permanent,
            Error::Url(_)
            | Error::Config(_)
            | Error::Init { .. }
            | Error::SessionSql(_)
            | Error::SessionSqlFault(_)
            | Error::Schema(_) => true,
            Error::RunSql(_) => false,
            Error::Write { source: mysql_async::Error::Server(error), .. } => {
                error_code::of_our_own(error.code, &error.message) == Own::Unfit
            }
            _ => self.code().is_some_and(error_code::is_unfit_at_connect),
        }
    }

    /// Whether it is a run's own session SQL that is at fault, and neither this worker nor its database.
    pub fn is_of_run(&self) -> bool {
        matches!(self, Error::SessionSqlFault(_) | Error::RunSql(_))
            && !self.code().is_some_and(error_code::is_lost)
    }

    /// How an attempt has ended that could not even begin because of this error.
    pub fn outcome(&self) -> Outcome {
        let failure = Failure::of_server(self.code(), None, queryfleet_job::causes(self));
        match self.code() {
            // Its jobs hold no slot that other runs need.
            Some(_) if self.is_of_run() => Outcome::Unlisted(failure),
            None if self.is_of_run() => Outcome::Refused(failure),
            _ if self.is_unfit() => Outcome::Unfit(failure),
            Some(code) if error_code::is_pressure(code, &failure.message) => Outcome::Pressure(failure),
            _ => Outcome::NotSent(failure),
        }
    }
}
