//! A worker process.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use queryfleet_devstack::scrape;
use rustix::process::{Pid, Signal, kill_process};

use crate::{eventually, http, output};

/// How long a worker may take to say something that it is about to say.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `queryfleet work`. Killed when it is dropped; its log is printed when the test fails.
pub struct Worker {
    child: Child,
    folder: PathBuf,
    name: String,
    secrets: Vec<String>,
}

impl Worker {
    pub(crate) fn start(command: Command, folder: PathBuf, name: String, secrets: Vec<String>) -> Worker {
        Worker { child: output::spawn(command, &folder, &name), folder, name, secrets }
    }

    /// All that it has logged so far.
    pub fn log(&self) -> String {
        output::read(&self.folder, &self.name, "err")
    }

    /// Waits until the log holds this text.
    pub fn wait_for(&self, text: &str) -> &Worker {
        eventually(PATIENCE, &format!("`{text}` in the worker's log"), || self.log().contains(text));
        self
    }

    /// Waits until it takes messages.
    pub fn serves(&self) -> &Worker {
        self.wait_for("worker serves")
    }

    /// Sends a signal to it.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the worker runs");
    }

    /// Ends it as a lost machine would, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended and answers its exit code; `None` after a signal.
    ///
    /// # Panics
    /// When it has not ended in time.
    pub fn wait_exit(&mut self, deadline: Duration) -> Option<i32> {
        let status = output::wait(&mut self.child, deadline);
        status.unwrap_or_else(|| panic!("the worker has not ended within {deadline:?}")).code()
    }

    /// Waits until it has ended; killed at the deadline. Its exit code, `None` after a signal.
    pub(crate) fn end(&mut self, deadline: Duration) -> Option<i32> {
        output::wait(&mut self.child, deadline)?.code()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGTERM, and the exit code of the drain.
    pub fn drain(&mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.wait_exit(PATIENCE)
    }

    /// Where it serves its metrics.
    pub fn metrics_address(&self) -> String {
        self.wait_for("metrics=");
        let log = self.log();
        let (_, after) = log.split_once("metrics=").expect("waited for");
        after.split_whitespace().next().expect("an address").to_owned()
    }

    /// GET of a path: status and body. Status 0 when nobody answers.
    pub fn get(&self, path: &str) -> (u16, String) {
        http::get(&self.metrics_address(), path)
    }

    /// The sum of all samples of the series `name` whose labels contain all of `labels`, such as `outcome="done"`.
    pub fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let (_, metrics) = self.get("/metrics");
        scrape::sum(&metrics, name, labels)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let log = self.log();
        if std::thread::panicking() {
            let lines: Vec<&str> = log.lines().collect();
            eprintln!(
                "--- {} logged last:\n{}",
                self.name,
                lines[lines.len().saturating_sub(40)..].join("\n")
            );
        } else {
            assert!(!self.secrets.iter().any(|secret| log.contains(secret)), "a password in the log:\n{log}");
            assert_eq!(output::said_twice(&log), None, "it says it twice");
        }
    }
}
