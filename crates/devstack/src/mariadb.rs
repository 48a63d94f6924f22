//! A private MariaDB server; MySQL if MariaDB is not installed.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Signal, geteuid};

use crate::command::Tool;
use crate::programs::Database;
use crate::{Error, Port, Process, Tls, bounded_wait, random};

const USER: &str = "queryfleet";
/// The protocol version in a server's greeting: its first byte after the four of the packet's header.
const PROTOCOL_VERSION: u8 = 10;

/// A MariaDB or MySQL server whose commits are durable. A user with a password of its own reaches it over TCP, on
/// 127.0.0.1 only; root reaches it over the socket only, without a password, in a folder that is closed to other
/// users. It keeps its data and its port from one start to the next.
pub struct MariaDb {
    role: Role,
    server: Process,
    folder: PathBuf,
    programs: Database,
    password: String,
    port: Port,
    tls: Option<Tls>,
}

/// What a server is in its stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The only one.
    Alone,
    /// The one that another one replicates.
    Primary,
    /// That one.
    Replica,
}

impl Role {
    /// The name of its process, its data folder, its socket and its files.
    fn name(self) -> &'static str {
        match self {
            Role::Alone | Role::Primary => "mariadb",
            Role::Replica => "replica",
        }
    }
}

impl MariaDb {
    /// The database that exists from the start, empty.
    pub const DATABASE: &str = "queryfleet";

    pub(crate) fn start(
        folder: &Path,
        programs: Database,
        tls: Option<Tls>,
        role: Role,
    ) -> Result<Self, Error> {
        let database = Self {
            role,
            server: Process::new(role.name(), folder),
            folder: folder.to_owned(),
            programs,
            password: random::secret()?,
            port: Port::reserve()?,
            tls,
        };
        database.install()?;
        database.start_again()?;
        Ok(database)
    }

    /// Makes the data folder, and the file of statements that the server runs before it accepts clients.
    fn install(&self) -> Result<(), Error> {
        let mut tool = match &self.programs {
            Database::MariaDb { install, .. } => {
                let mut tool = Tool::new(&self.folder, install);
                tool.command.args(["--no-defaults", "--auth-root-authentication-method=normal"]);
                tool.command.args(["--skip-test-db", "--skip-name-resolve"]);
                tool
            }
            Database::MySql { server, .. } => {
                let mut tool = Tool::new(&self.folder, server);
                tool.command.args(["--no-defaults", "--initialize-insecure"]);
                tool
            }
        };
        self.add_common_arguments(&mut tool.command);
        tool.run("")?;
        fs::write(self.init_file(), self.init_statements())
            .map_err(Error::io("write the first statements of the database server"))
    }

    /// One statement per line, as `--init-file` expects. They run at every start, so each can be repeated.
    fn init_statements(&self) -> String {
        let database = Self::DATABASE;
        let password = &self.password;
        format!(
            "DROP USER IF EXISTS ''@'localhost', 'root'@'127.0.0.1', 'root'@'::1';\n\
             CREATE USER IF NOT EXISTS '{USER}'@'127.0.0.1' IDENTIFIED BY '{password}';\n\
             GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'127.0.0.1' WITH GRANT OPTION;\n\
             CREATE DATABASE IF NOT EXISTS `{database}`;\n"
        )
    }

    fn init_file(&self) -> PathBuf {
        self.file("sql")
    }

    fn file(&self, kind: &str) -> PathBuf {
        self.folder.join(format!("{}.{kind}", self.role.name()))
    }

    fn add_common_arguments(&self, command: &mut Command) {
        command.arg(option("--datadir", &self.folder.join(self.role.name())));
        if geteuid().is_root() {
            // The servers refuse to run as root unless they are told to.
            command.arg("--user=root");
        }
    }

    /// Starts the server with the data and the port that it had, and returns when it greets clients. A server that
    /// still runs is killed first.
    ///
    /// # Errors
    /// [`Error::NotUp`] if it does not answer within 2 minutes.
    pub fn start_again(&self) -> Result<(), Error> {
        let init_file = option("--init-file", &self.init_file());
        self.start_with(|command| {
            command.arg(init_file);
        })
    }

    /// As [`start_again`](Self::start_again), with further options such as `--innodb-read-only=1`.
    ///
    /// # Errors
    /// [`Error::NotUp`] if it does not answer within 2 minutes.
    pub fn start_again_with(&self, options: &[&str]) -> Result<(), Error> {
        self.start_with(|command| {
            command.args(options);
        })
    }

    fn start_with(&self, more: impl FnOnce(&mut Command)) -> Result<(), Error> {
        let port = self.port.number();
        let answers =
            || bounded_wait::greeting(port, b"").is_some_and(|greeting| greeting[4] == PROTOCOL_VERSION);
        let arguments = |command: &mut Command| {
            self.add_server_arguments(command);
            more(command);
        };
        self.server.start(self.programs.server().clone(), arguments, answers)
    }

    fn add_server_arguments(&self, command: &mut Command) {
        command.arg("--no-defaults");
        self.add_common_arguments(command);
        command
            .arg(option("--socket", &self.socket()))
            .arg(option("--pid-file", &self.file("pid")))
            .arg(format!("--port={}", self.port.number()))
            .args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--max-connections=500"])
            .args(["--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=128M"])
            .arg("--character-set-server=utf8mb4");
        match self.role {
            Role::Alone => {}
            Role::Primary => {
                command.args(["--log-bin=binlog", "--binlog-format=ROW", "--server-id=1"]);
            }
            Role::Replica => {
                command.args(["--relay-log=relay", "--server-id=2", "--slave-net-timeout=60"]);
            }
        }
        if matches!(self.programs, Database::MySql { .. }) {
            // Its folder for LOAD DATA and its second protocol belong to the system's server. Its performance schema stays on, as
            // everywhere: who waits for whom is nowhere else.
            command.args(["--secure-file-priv=", "--mysqlx=OFF"]);
        }
        if let Some(tls) = &self.tls {
            command.arg(option("--ssl-ca", &tls.ca)).arg(option("--ssl-cert", &tls.cert));
            command.arg(option("--ssl-key", &tls.key));
        }
    }

    /// The URL of `database`, user and password included.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("mysql://{USER}:{}@127.0.0.1:{}/{database}", self.password, self.port.number())
    }

    /// The socket through which root reaches the server.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.file("sock")
    }

    /// Begins to replicate all that another server of the stack has ever written.
    ///
    /// # Errors
    /// [`Error::Command`] if the server refuses it.
    pub(crate) fn replicate(&self, primary: &MariaDb) -> Result<(), Error> {
        let (port, password) = (primary.port.number(), &primary.password);
        self.query(&match &self.programs {
            Database::MariaDb { .. } => format!(
                "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={port}, MASTER_USER='{USER}', \
                 MASTER_PASSWORD='{password}', MASTER_CONNECT_RETRY=1; START SLAVE"
            ),
            Database::MySql { .. } => format!(
                "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={port}, SOURCE_USER='{USER}', \
                 SOURCE_PASSWORD='{password}', SOURCE_CONNECT_RETRY=1, GET_SOURCE_PUBLIC_KEY=1; START REPLICA"
            ),
        })
        .map(drop)
    }

    /// Makes the database `name`, empty.
    ///
    /// # Errors
    /// [`Error::Command`] if a database of this name exists.
    pub fn create_database(&self, name: &str) -> Result<(), Error> {
        self.query(&format!("CREATE DATABASE `{}`", name.replace('`', "``"))).map(drop)
    }

    /// Runs `sql`, one statement or several, as root, without a default database, through the command-line client.
    /// Returns one line per row, with tabs between columns and no headings.
    ///
    /// # Errors
    /// [`Error::Command`] if a statement fails or the client has not ended after 2 minutes.
    pub fn query(&self, sql: &str) -> Result<String, Error> {
        let mut tool = Tool::new(&self.folder, self.programs.client());
        tool.command.args(["--no-defaults", "--user=root", "--batch", "--skip-column-names"]);
        tool.command.arg("--default-character-set=utf8mb4").arg(option("--socket", &self.socket()));
        tool.run(sql)
    }

    /// Kills the server (SIGKILL), in the middle of whatever it does, and returns when it is gone.
    ///
    /// # Errors
    /// [`Error::NotEnded`] after 2 minutes, which only a broken disk or kernel can cause.
    pub fn kill(&self) -> Result<(), Error> {
        self.server.kill()
    }

    /// Asks the server to end (SIGTERM) and returns when it has. A frozen server is thawed for it.
    ///
    /// # Errors
    /// [`Error::NotEnded`] after 2 minutes.
    pub fn terminate(&self) -> Result<(), Error> {
        self.server.terminate()
    }

    /// Suspends the server (SIGSTOP): connections stay open, and nobody answers on them.
    pub fn freeze(&self) {
        self.server.signal(Signal::STOP);
    }

    /// Resumes a frozen server (SIGCONT).
    pub fn thaw(&self) {
        self.server.signal(Signal::CONT);
    }

    /// The process id of the server; `None` if it does not run.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }
}

/// `--name=path`, whatever bytes the path has.
pub(crate) fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push("=");
    option.push(path);
    option
}
