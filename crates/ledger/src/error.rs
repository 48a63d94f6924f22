//! What can go wrong outside of an attempt.

use mysql_async::ServerError;
use queryfleet_job::{Failure, Outcome, RunId};

use crate::error_code;
use crate::error_code::OwnError;
use crate::session_sql::Fault;

/// What the driver or the server said. Opaque, so that the driver can change; the server's code is [`Error::code`].
type Source = Box<dyn std::error::Error + Send + Sync>;

/// An error of connecting, of the init step, or of a query of our own. What the driver or the server said is in `source()`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The driver does not take the URL.
    #[error("QUERYFLEET_MYSQL_URL is not usable ({0}): expected mysql://USER:PASSWORD@HOST:3306/DATABASE")]
    Url(String),
    /// A variable is missing, or one of the TLS files is not usable.
    #[error(transparent)]
    Config(#[from] queryfleet_config::Error),
    /// The server cannot be reached or refuses the account.
    #[error("cannot connect to the database at {server}")]
    Connect {
        /// host:port, without user or password.
        server: String,
        /// What the driver or the server said.
        source: Source,
    },
    /// The server and we cannot agree on TLS, or it refuses an account that may have to show a certificate.
    #[error("cannot connect to the database at {server}: {fault}")]
    Tls {
        /// host:port, without user or password.
        server: String,
        /// Why, and the variable to look at.
        fault: Box<queryfleet_config::TlsFault>,
        /// What the driver or the server said.
        source: Source,
    },
    /// No answer in time.
    #[error("cannot {doing}: the database at {server} did not answer within {seconds} s")]
    Timeout {
        /// host:port.
        server: String,
        /// The limit that passed, at least 1.
        seconds: u64,
        /// What was being done, as a verb with its object.
        doing: &'static str,
    },
    /// A session variable has another value than the init step has set, or than every job's ledger row needs.
    #[error(
        "session has {name} = {found} where queryfleet needs {wanted}: look at QUERYFLEET_SESSION_SQL and the run's \
         session SQL"
    )]
    Init {
        /// The session variable.
        name: &'static str,
        /// What was set, or is needed.
        wanted: String,
        /// What was read back.
        found: String,
    },
    /// The server refused the session SQL of the configuration.
    #[error("session SQL failed")]
    SessionSql(#[source] Source),
    /// A session SQL that is more than SETs of harmless variables.
    #[error("{0}")]
    SessionSqlFault(Fault),
    /// The server refused the session SQL of a run.
    #[error("session SQL of the run failed")]
    RunSql(#[source] Source),
    /// The tables are missing, incomplete, of another version, or hold what this version cannot read.
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
    /// A query about runs, jobs, workers or the server failed.
    #[error("cannot {doing}")]
    Query {
        /// What was being done, as a verb with its object.
        doing: &'static str,
        /// What the driver or the server said.
        source: Source,
    },
    /// A row of our own could not be written: of the ledger, or of a dead job. Never the job's fault.
    #[error("cannot {doing}")]
    Write {
        /// What was being done, as a verb with its object.
        doing: &'static str,
        /// What the driver or the server said.
        source: Source,
    },
    /// Another run has this name.
    #[error(
        "run name `{0}` is taken: choose another name, or publish the same input under it to resume that run"
    )]
    NameTaken(String),
    /// A name of one run that is also the id of another one.
    #[error(
        "`{given}` is the name of run {id} and the id of run `{name}`: say which of them by `{id}` or by `{name}`"
    )]
    Ambiguous {
        /// What was asked for.
        given: String,
        /// The id of the run with this name.
        id: RunId,
        /// The name of the run with this id.
        name: String,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random(#[from] getrandom::Error),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        Error::SessionSqlFault(fault)
    }
}

impl Error {
    /// Makes an [`Error::Query`] of what the driver says.
    pub(crate) fn query(doing: &'static str) -> impl Fn(mysql_async::Error) -> Error {
        move |error| Error::Query { doing, source: error.into() }
    }

    /// Makes an [`Error::Write`] of what the driver says.
    pub(crate) fn write(doing: &'static str) -> impl Fn(mysql_async::Error) -> Error {
        move |error| Error::Write { doing, source: error.into() }
    }

    /// The server's error code; `None` when the error does not come from the server.
    pub fn code(&self) -> Option<u16> {
        self.server_error().map(|error| error.code)
    }

    fn server_error(&self) -> Option<&ServerError> {
        let source = match self {
            Error::Connect { source, .. }
            | Error::Tls { source, .. }
            | Error::SessionSql(source)
            | Error::RunSql(source)
            | Error::Query { source, .. }
            | Error::Write { source, .. } => source,
            _ => return None,
        };
        match source.downcast_ref()? {
            mysql_async::Error::Server(error) => Some(error),
            _ => None,
        }
    }

    /// What the driver or the server said; empty when the error is ours.
    pub(crate) fn source_text(&self) -> String {
        std::error::Error::source(self).map_or_else(String::new, ToString::to_string)
    }

    /// Whether a table of queryfleet is missing: `queryfleet setup` has not been run, or not since an upgrade.
    pub fn lacks_own_table(&self) -> bool {
        let error = self.server_error();
        error.is_some_and(|error| {
            error.code == error_code::NO_SUCH_TABLE && error.message.contains("queryfleet_")
        })
    }

    /// Whether the server has rolled a transaction back because of another one: ask once more.
    pub fn is_deadlock(&self) -> bool {
        self.code() == Some(error_code::DEADLOCK)
    }

    /// Whether it is about TLS: a certificate, a file of it, or a server without TLS. Not of an account that was
    /// refused: the reason may be another one.
    pub fn is_tls(&self) -> bool {
        match self {
            Error::Tls { .. } => self.code().is_none(),
            Error::Config(error) => error.is_tls(),
            _ => false,
        }
    }

    /// Whether waiting does not fix it: wrong credentials, certificate or host, a missing database, missing rights,
    /// missing tables.
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
            Error::Write { .. } => self.server_error().is_some_and(|error| {
                error_code::read_own_error(error.code, &error.message) == OwnError::Unfit
            }),
            _ => self.code().is_some_and(error_code::is_unfit_at_connect),
        }
    }

    /// Whether `queryfleet setup` or a GRANT fixes it: tables are missing or of another version, or the account has no
    /// rights to them yet.
    pub fn awaits_setup(&self) -> bool {
        matches!(self, Error::Schema(_)) || self.code().is_some_and(error_code::awaits_setup)
    }

    /// Whether a run's own session SQL is at fault, and neither this worker nor its database.
    pub fn is_of_run(&self) -> bool {
        matches!(self, Error::SessionSqlFault(_) | Error::RunSql(_))
            && !self.code().is_some_and(error_code::is_lost)
    }

    /// The outcome of an attempt that could not begin because of this error.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: u16) -> mysql_async::Error {
        mysql_async::Error::Server(ServerError { code, state: "HY000".into(), message: "no".into() })
    }

    #[test]
    fn the_code_is_the_servers_and_the_text_is_in_the_source() {
        let error = Error::query("read a run")(server(1213));
        assert_eq!(error.code(), Some(1213));
        assert!(error.is_deadlock());
        assert_eq!(error.to_string(), "cannot read a run");
        assert!(error.source_text().contains("1213"), "{}", error.source_text());
        let lost = Error::query("read a run")(mysql_async::Error::Other("the server is gone".into()));
        assert_eq!(lost.code(), None);
    }

    /// As the driver makes them of what the system says.
    #[test]
    fn what_the_driver_says_is_said_once() {
        for kind in [
            std::io::ErrorKind::ConnectionRefused,
            std::io::ErrorKind::ConnectionReset,
            std::io::ErrorKind::BrokenPipe,
            std::io::ErrorKind::UnexpectedEof,
        ] {
            let io = std::io::Error::from(kind);
            let why = io.to_string();
            let error = mysql_async::Error::Io(mysql_async::IoError::Io(io));
            let connect = Error::Connect { server: "db:3306".into(), source: error.into() };
            let text = queryfleet_job::causes(&connect);
            assert_eq!(text, format!("cannot connect to the database at db:3306: Input/output error: {why}"),);
        }
    }

    #[test]
    fn an_error_of_a_run_s_session_sql_is_the_run_s() {
        assert!(Error::RunSql(server(1193).into()).is_of_run());
        assert!(!Error::SessionSql(server(1193).into()).is_of_run());
        // The server went away while it ran.
        assert!(!Error::RunSql(server(1053).into()).is_of_run());
    }

    #[test]
    fn what_setup_and_grants_fix_is_told_from_wrong_credentials() {
        let connecting = |code| Error::Connect { server: "db".into(), source: server(code).into() };
        for code in [1044, 1142, 1143, 1146] {
            assert!(connecting(code).is_unfit() && connecting(code).awaits_setup(), "{code}");
        }
        for code in [1045, 1049, 1130, 1698] {
            assert!(connecting(code).is_unfit() && !connecting(code).awaits_setup(), "{code}");
        }
        assert!(Error::Schema("no tables".into()).awaits_setup());
        assert!(!Error::Url("no host".into()).awaits_setup());
    }

    #[test]
    fn a_row_of_our_own_that_the_server_refuses_makes_the_worker_unfit() {
        assert!(Error::write("write the ledger")(server(1142)).is_unfit());
        assert!(!Error::write("write the ledger")(server(1205)).is_unfit());
    }
}
