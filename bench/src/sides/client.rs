//! The command-line client of MariaDB.

use std::process::{Command, Stdio};

use super::{Side, usual_jobs, whole};
use crate::Fault;
use crate::case::Task;
use crate::ground::Ground;
use crate::results::Sample;
use crate::workload::Workload;

pub(crate) enum Client {
    /// `mariadb < file`
    File,
    /// Four at a time, each with a part of the file.
    XargsFiles,
    /// Four at a time, each with one statement.
    XargsStatements,
}

impl Side for Client {
    fn name(&self) -> String {
        match self {
            Client::File => "mariadb < file",
            Client::XargsFiles => "xargs -P 4 mariadb, 500 statements each",
            Client::XargsStatements => "xargs -P 4 mariadb -e, one statement each",
        }
        .into()
    }

    fn jobs(&self, workload: Workload) -> Option<usize> {
        if workload == Workload::Whole && matches!(self, Client::XargsStatements) {
            return None;
        }
        let jobs = usual_jobs(workload, if matches!(self, Client::File) { 1 } else { 4 })?;
        // A process for each of them.
        Some(if matches!(self, Client::XargsStatements) { jobs.min(600) } else { jobs })
    }

    fn run(&self, ground: &Ground, task: &Task) -> Result<Sample, Fault> {
        let client = client(ground)?;
        let mut command = match self {
            Client::File => shell(ground, &format!("{client} <\"$0\""))?,
            Client::XargsFiles => {
                // As `split` names them.
                let parts = ground.folder().join("part.");
                let mut split = Command::new("split");
                split.args(["--lines", "500"]).arg(&task.script).arg(&parts);
                if !split.status()?.success() {
                    return Err("split failed".into());
                }
                let each = format!("xargs -P 4 -I {{}} sh -c '{client} <{{}}'");
                shell(ground, &format!("ls {}* | {each}; rm {0}*", parts.display()))?
            }
            Client::XargsStatements => {
                shell(ground, &format!("xargs -P 4 -d '\\n' -n 1 {client} -e <\"$0\""))?
            }
        };
        whole(ground, command.arg(&task.script).stdin(Stdio::null()), task.jobs)
    }
}

/// The client's command line, but for the password.
pub(crate) fn client(ground: &Ground) -> Result<String, Fault> {
    let [user, _, host, port] = ground.address()?;
    Ok(format!("mariadb --no-defaults --protocol=tcp --host={host} --port={port} --user={user} queryfleet"))
}

/// A shell with the password of the database in its environment.
pub(crate) fn shell(ground: &Ground, script: &str) -> Result<Command, Fault> {
    let [_, password, ..] = ground.address()?;
    let mut command = ground.command("sh");
    command.args(["-ec", script]).env("MYSQL_PWD", password);
    Ok(command)
}
