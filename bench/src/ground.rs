//! What every side stands on: the private servers, and the programs.

use std::path::{Path, PathBuf};
use std::process::Command;

use queryfleet_devstack::{Options, Stack};

use crate::Fault;
use crate::sql::Sql;

/// Private servers with queryfleet's tables and queues, and the programs of all sides.
pub(crate) struct Ground {
    pub(crate) stack: Stack,
    pub(crate) sql: Sql,
    /// The folder of `bench`, with the peers in it.
    bench: PathBuf,
    /// The folder of our own programs.
    built: PathBuf,
}

impl Ground {
    pub(crate) fn start(bench: &Path) -> Result<Ground, Fault> {
        let stack = Stack::start(&Options { sleepy_broker: true, ..Options::default() })?;
        let sql = Sql::connect(&stack.mysql_url())?;
        let built = std::env::current_exe()?.parent().ok_or("this program is in no folder")?.to_owned();
        let ground = Ground { stack, sql, bench: bench.canonicalize()?, built };
        ground.queryfleet(&["setup"])?;
        Ok(ground)
    }

    pub(crate) fn stop(self) -> Result<(), Fault> {
        Ok(self.stack.stop()?)
    }

    /// A folder for scripts, which goes with the servers.
    pub(crate) fn folder(&self) -> &Path {
        self.stack.folder()
    }

    /// One of the programs that cargo built beside this one, with the environment that reaches the servers.
    pub(crate) fn built(&self, name: &str) -> Command {
        self.command(self.built.join(name))
    }

    /// A program of the peers' Python environment, in the folder of the peers.
    pub(crate) fn python(&self, name: &str) -> Command {
        let mut command = self.command(self.built.join("../bench-venv/bin").join(name));
        command.current_dir(self.bench.join("peers")).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// Any program, with the environment that reaches the servers.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(self.stack.env());
        command
    }

    /// User, password, host, port of the database, as the clients want them one by one.
    pub(crate) fn address(&self) -> Result<[String; 4], Fault> {
        let url = self.stack.mysql_url();
        let parts = url.trim_start_matches("mysql://").split(['@', ':', '/']).map(str::to_owned);
        let parts: Vec<String> = parts.take(4).collect();
        parts.try_into().map_err(|_| "the database's URL has another form".into())
    }

    /// Runs a command of queryfleet to its end.
    pub(crate) fn queryfleet(&self, arguments: &[&str]) -> Result<(), Fault> {
        let output = self.built("queryfleet").args(arguments).output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("queryfleet {}: {said}", arguments.join(" ")).into())
    }
}
