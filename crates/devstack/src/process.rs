//! One process of a stack: started, killed, frozen, started again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::command::process_file;
use crate::programs::Program;
use crate::{Error, bounded_wait};

/// The number of log lines that an error quotes: enough to see why a server did not come up.
const QUOTED_LOG_LINES: usize = 20;

/// A process of a stack. It ends with the stack at the latest, together with all processes that it has started. Its
/// output goes to the file `NAME.log` of the folder; its process id is in `run/NAME`.
pub struct Process {
    name: &'static str,
    folder: PathBuf,
    /// `None` if it does not run. As long as the child is here, its process id is not given to another process.
    child: Mutex<Option<Child>>,
}

impl Process {
    pub(crate) fn new(name: &'static str, folder: &Path) -> Self {
        Self { name, folder: folder.to_owned(), child: Mutex::new(None) }
    }

    /// Starts `program` with the arguments and variables that `configure` adds, and returns when `answers` returns true.
    /// It inherits nothing of our environment. If it still runs, it is killed first.
    ///
    /// # Errors
    /// [`Error::NotUp`] if it ends, or does not answer within 2 minutes; it may still run then.
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
        match bounded_wait::until(|| (!runs() || answers()).then(runs)) {
            Some(true) => Ok(()),
            Some(false) => Err(Error::NotUp { server: self.name, why: "has ended", log: self.end_of_log() }),
            None => Err(Error::NotUp { server: self.name, why: "does not answer", log: self.end_of_log() }),
        }
    }

    fn spawn(&self, mut command: Command) -> std::io::Result<()> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        *self.running() = Some(child);
        Ok(())
    }

    /// The process, unless it has ended: then its process id may soon be another's and must not be used.
    fn running(&self) -> MutexGuard<'_, Option<Child>> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None))) {
            *child = None;
            // Deleted already if the stack has been stopped.
            let _ = fs::remove_file(process_file(&self.folder, self.name));
        }
        child
    }

    /// The process id; `None` if it does not run.
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
        // A frozen process takes the signal only when it is resumed.
        self.end(&[Signal::TERM, Signal::CONT])
    }

    fn end(&self, signals: &[Signal]) -> Result<(), Error> {
        signals.iter().for_each(|&signal| self.signal(signal));
        bounded_wait::until(|| self.running().is_none().then_some(()))
            .ok_or(Error::NotEnded { server: self.name })
    }

    /// Sends `signal` to all of its group, if it runs.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(child) = self.running().as_ref() {
            // It fails if the process has ended at this very moment; then there is nothing to do.
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
        lines[lines.len().saturating_sub(QUOTED_LOG_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // As a rule the watchdog has killed it by now; then this only collects the child's status.
        let _ = self.kill();
    }
}
