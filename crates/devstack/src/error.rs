//! Why a server did not start, or did not do as it was told.

use std::io;
use std::path::PathBuf;

/// An error of a server, of one of its tools, or of the system.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A program of the servers is not installed. The text says what to install, and how to do without.
    #[error("{program} is not installed\n\n{REMEDY}")]
    Missing {
        /// The program that was looked for.
        program: &'static str,
    },
    /// The operating system refused something.
    #[error("could not {action}")]
    Io {
        /// What was tried.
        action: String,
        /// Its answer.
        source: io::Error,
    },
    /// A server ended at once, or did not answer within 2 minutes.
    #[error("{server} did not come up: it {why}; its log ends with:\n{log}")]
    NotUp {
        /// The server.
        server: &'static str,
        /// Which of the two.
        why: &'static str,
        /// The last lines of its log.
        log: String,
    },
    /// A server did not end within 2 minutes of being asked to.
    #[error("{server} did not end when it was told to; kill it instead")]
    NotEnded {
        /// The server.
        server: &'static str,
    },
    /// A command of a server failed, or took longer than 2 minutes.
    #[error("{program} failed: {output}")]
    Command {
        /// The program.
        program: String,
        /// What it wrote.
        output: String,
    },
    /// Servers or files remain.
    #[error("the servers' folder {} still exists; end the processes that use it and delete it", folder.display())]
    NotStopped {
        /// The folder.
        folder: PathBuf,
    },
}

impl Error {
    /// For `map_err`: `action` completes "could not …".
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}

/// deploy/install-servers.sh says the same where it cannot install; a test compares them.
const REMEDY: &str = "\
install both servers on Debian or Ubuntu:
  apt-get install rabbitmq-server mariadb-server
or run deploy/install-servers.sh, which does so without leaving a system service running.

Or run them in Docker, and use these in place of private servers:
  docker run -d -p 127.0.0.1:5672:5672 -e RABBITMQ_DEFAULT_USER=queryfleet -e RABBITMQ_DEFAULT_PASS=queryfleet rabbitmq:4
  docker run -d -p 127.0.0.1:3306:3306 -e MARIADB_ROOT_PASSWORD=queryfleet -e MARIADB_DATABASE=queryfleet mariadb:11
  export QUERYFLEET_AMQP_URL=amqp://queryfleet:queryfleet@127.0.0.1:5672/%2f
  export QUERYFLEET_MYSQL_URL=mysql://root:queryfleet@127.0.0.1:3306/queryfleet";

#[cfg(test)]
mod tests {
    use super::REMEDY;

    #[test]
    fn the_install_script_shows_the_same_way_out() {
        let script = include_str!("../../../deploy/install-servers.sh");
        for line in REMEDY.lines().filter(|line| line.starts_with("  ")) {
            assert!(script.contains(line), "{line:?} is not in deploy/install-servers.sh");
        }
    }
}
