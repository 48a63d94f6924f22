//! The processes of a side: started, talked with, ended.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::Fault;

/// How long a side may take to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(15);

/// A process with all that it starts, which is killed with them when this is dropped.
pub(crate) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Option<std::io::Lines<BufReader<Box<dyn std::io::Read + Send>>>>,
}

impl Client {
    /// Starts a command whose standard output, or standard error, is read line by line.
    pub(crate) fn start(command: &mut Command, read: Read) -> Result<Client, Fault> {
        match read {
            Read::Output => command.stdin(Stdio::piped()).stdout(Stdio::piped()),
            Read::Errors => command.stdin(Stdio::null()).stderr(Stdio::piped()),
            Read::Nothing => command,
        };
        let mut child = command
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let output = child.stdout.take().map(|output| Box::new(output) as Box<dyn std::io::Read + Send>);
        let errors = child.stderr.take().map(|errors| Box::new(errors) as Box<dyn std::io::Read + Send>);
        let lines = output.or(errors).map(|stream| BufReader::new(stream).lines());
        Ok(Client { stdin: child.stdin.take(), child, lines })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads lines until one of them holds `text`, and answers that.
    pub(crate) fn expect(&mut self, text: &str) -> Result<String, Fault> {
        let mut last = String::new();
        for line in self.lines.iter_mut().flatten() {
            let line = line?;
            if line.contains(text) {
                return Ok(line);
            }
            last = line;
        }
        Err(format!("it ended before it said `{text}`; its last line: {last}").into())
    }

    /// Sends an empty line.
    pub(crate) fn go(&mut self) -> Result<(), Fault> {
        Ok(self.stdin.as_mut().ok_or("it does not listen")?.write_all(b"\n")?)
    }

    /// From now on whatever it says is read and thrown away, so that it never has to wait.
    pub(crate) fn ignore(&mut self) {
        if let Some(lines) = self.lines.take() {
            std::thread::spawn(move || lines.for_each(drop));
        }
    }

    /// Whether it has not ended by itself.
    pub(crate) fn runs(&mut self) -> Result<bool, Fault> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Waits for its own end.
    ///
    /// # Errors
    /// When it failed.
    pub(crate) fn ended(&mut self) -> Result<(), Fault> {
        self.ignore();
        drop(self.stdin.take());
        let status: ExitStatus = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("it failed: {status}").into()) }
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn terminate(mut self) {
        self.ignore();
        if let Some(pid) = Pid::from_raw(self.pid().cast_signed()) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let since = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && since.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Which of its streams is read.
pub(crate) enum Read {
    Output,
    Errors,
    Nothing,
}

impl Drop for Client {
    fn drop(&mut self) {
        // The group may be gone already: then this says so, and nobody minds.
        if let Some(pid) = Pid::from_raw(self.pid().cast_signed()) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}
