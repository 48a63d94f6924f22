//! The commands that start the servers and their tools.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::programs::{self, Program};
use crate::{Error, bounded_wait};

/// The command for `program`, whose process the watchdog of `folder` finds by `name`. Every process of a stack is
/// started by this command, in a group of its own, so that Ctrl-C in a terminal does not reach it. It gets nothing
/// of our environment: a RABBITMQ_NODENAME or MYSQL_HOME that is meant for other servers would lead it astray.
pub(crate) fn command(folder: &Path, name: &str, program: &Program) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", include_str!("launch.sh")]).arg(process_file(folder, name));
    if let Some(root) = &program.root {
        command.arg("chroot").arg(&**root);
    }
    command.arg(&program.path);
    command.env_clear().env("PATH", programs::search_path()).env("LANG", "C.UTF-8");
    command.env("HOME", folder.join("home")).env("TMPDIR", folder.join("tmp"));
    command.current_dir(folder).process_group(0).stdin(Stdio::null());
    command
}

/// Where the process id of `name` is written down as long as it runs. A file that stayed longer would let the
/// watchdog kill a stranger to whom the system gave the same id.
pub(crate) fn process_file(folder: &Path, name: &str) -> PathBuf {
    folder.join("run").join(name)
}

/// A tool that runs to its end, in at most 2 minutes.
pub(crate) struct Tool {
    folder: PathBuf,
    name: String,
    program: PathBuf,
    pub(crate) command: Command,
}

impl Tool {
    pub(crate) fn new(folder: &Path, program: &Program) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("tool-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let command = command(folder, &name, program);
        Self { folder: folder.to_owned(), name, program: program.path.clone(), command }
    }

    /// Runs it with `input`, and returns what it wrote to standard output.
    pub(crate) fn run(mut self, input: &str) -> Result<String, Error> {
        let program = self.program.display().to_string();
        let (status, output, errors) = self.run_with(input).map_err(Error::io(format!("run {program}")))?;
        match status {
            Some(status) if status.success() => Ok(output),
            Some(_) => {
                let output = format!("{}\n{}", errors.trim(), output.trim()).trim().to_owned();
                Err(Error::Command { program, output })
            }
            None => Err(Error::Command { program, output: "it had not ended after 2 minutes".to_owned() }),
        }
    }

    fn run_with(&mut self, input: &str) -> io::Result<(Option<ExitStatus>, String, String)> {
        // Files, because a pipe that nobody reads would stop the tool.
        let file = || tempfile::tempfile_in(self.folder.join("tmp"));
        let mut stdin = file()?;
        let mut stdout = file()?;
        let mut stderr = file()?;
        stdin.write_all(input.as_bytes())?;
        stdin.rewind()?;
        self.command.stdin(stdin).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
        let mut child = self.command.spawn()?;
        let ended = bounded_wait::for_end(&mut child)?;
        if ended.is_none() {
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            child.wait()?;
        }
        // Gone already when the stack has been stopped meanwhile.
        let _ = fs::remove_file(process_file(&self.folder, &self.name));
        Ok((ended, read(&mut stdout)?, read(&mut stderr)?))
    }
}

fn read(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
