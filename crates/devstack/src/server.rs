//! One server process: started, killed, frozen, started again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::command::process_file;
use crate::programs::Program;
use crate::{Error, wait};

/// So much of a log helps to see why a server did not come up.
const LOG_LINES: usize = 20;

/// A process of a stack, which ends with it at the latest, with everything that it has started. What it prints goes
/// to the file `NAME.log` of the folder; its process id is in `run/NAME`.
pub struct Server {
    name: &'static str,
    folder: PathBuf,
    /// `None` when it does not run. As long as the child is here its process id is not given to another process.
    child: Mutex<Option<Child>>,
}

impl Server {
    pub(crate) fn new(name: &'static str, folder: &Path) -> Self {
        Self { name, folder: folder.to_owned(), child: Mutex::new(None) }
    }

    /// Starts `program` as `configure` wants it and returns when `answers` says true. It gets nothing of our
    /// environment. When it still runs it is killed first.
    ///
    /// # Errors
    /// [`Error::NotUp`] when it has ended or does not answer within 2 minutes; it may be running then.
    pub fn start(
        &self,
        program: impl Into<Program>,
        configure: impl FnOnce(&mut Command),
        answers: impl Fn() -> bool,
    ) -> Result<(), Error> {
        self.kill()?;
        let program = program.into();
        let mut command = crate::command::command(&self.folder, self.name, &program);
        configure(&mut command);
        self.spawn(command).map_err(Error::io(format!("start {}", program.path.display())))?;
        let runs = || self.running().is_some();
        match wait::until(|| (!runs() || answers()).then(runs)) {
            Some(true) => Ok(()),
            _ => Err(Error::NotUp { server: self.name, log: self.end_of_log() }),
        }
    }

    fn spawn(&self, mut command: Command) -> std::io::Result<()> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        *self.running() = Some(child);
        Ok(())
    }

    /// The process, unless it has ended: its process id is another's soon, and must not be used any more.
    fn running(&self) -> MutexGuard<'_, Option<Child>> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None))) {
            *child = None;
            // Gone already when the stack has been stopped.
            let _ = fs::remove_file(process_file(&self.folder, self.name));
        }
        child
    }

    /// The process id; `None` when it does not run.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running().as_ref().map(Child::id)
    }

    /// Kills it (SIGKILL) and all of its group; nothing is left of it when this returns.
    ///
    /// # Errors
    /// [`Error::NotEnded`] after 2 minutes, which only a broken disk or kernel can cause.
    pub fn kill(&self) -> Result<(), Error> {
        self.end(&[Signal::KILL])
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    ///
    /// # Errors
    /// [`Error::NotEnded`] after 2 minutes.
    pub fn terminate(&self) -> Result<(), Error> {
        // A frozen process takes the signal only when it goes on.
        self.end(&[Signal::TERM, Signal::CONT])
    }

    fn end(&self, signals: &[Signal]) -> Result<(), Error> {
        signals.iter().for_each(|&signal| self.signal(signal));
        wait::until(|| self.running().is_none().then_some(())).ok_or(Error::NotEnded { server: self.name })
    }

    /// Sends `signal` to all of its group, when it runs.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(child) = self.running().as_ref() {
            // It fails when the process has ended this very moment, and then there is nothing to do.
            let _ = kill_process_group(Pid::from_child(child), signal);
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.join(self.name).with_extension("log")
    }

    fn end_of_log(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The watchdog has killed it by now, as a rule; then this only takes the child's last status.
        let _ = self.kill();
    }
}
