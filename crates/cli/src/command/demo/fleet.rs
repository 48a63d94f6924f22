//! The demo's workers: processes of this same program, which end with the stack, whatever ends the demo.

use std::path::PathBuf;

use queryfleet_devstack::{Port, Process, Stack};

use crate::command::demo::counters::{self, Counters};
use crate::failure::Failure;
use crate::output;

/// How many statements each worker executes at once.
pub(crate) const SLOTS: u16 = 4;
/// A statement of the demo takes milliseconds.
const DRAIN_TIMEOUT: &str = "5s";

/// One worker.
pub(crate) struct Worker {
    process: Process,
    metrics: Port,
    /// Its process id.
    pub(crate) pid: u32,
    /// What its counters said last.
    pub(crate) counters: Counters,
    /// Whether it was killed.
    pub(crate) killed: bool,
}

/// The workers of the demo, in the order of their starts.
pub(crate) struct Fleet<'a> {
    stack: &'a Stack,
    program: PathBuf,
    workers: Vec<Worker>,
}

impl<'a> Fleet<'a> {
    /// Starts two workers, and returns when both are ready.
    pub(crate) fn start(stack: &'a Stack) -> Result<Fleet<'a>, Failure> {
        let mut fleet = Fleet { stack, program: std::env::current_exe()?, workers: Vec::new() };
        let first = fleet.add("worker-1")?;
        let second = fleet.add("worker-2")?;
        output::say(format_args!("two workers with {SLOTS} slots each: pid {first} and pid {second}"));
        Ok(fleet)
    }

    /// Starts one more worker and says its process id.
    fn add(&mut self, name: &'static str) -> Result<u32, Failure> {
        let process = self.stack.process(name);
        let metrics = Port::reserve()?;
        let port = metrics.number();
        process.start(
            self.program.as_path(),
            |command| {
                command.args(["work", "--slots", &SLOTS.to_string()]).envs(self.stack.env());
                command.env("QUERYFLEET_METRICS_LISTEN", format!("127.0.0.1:{port}"));
                command.env("QUERYFLEET_DRAIN_TIMEOUT", DRAIN_TIMEOUT);
            },
            || counters::is_ready(port),
        )?;
        let pid = process.pid().ok_or_else(|| Failure::new(format!("{name} has ended at once")))?;
        self.workers.push(Worker { process, metrics, pid, counters: Counters::default(), killed: false });
        Ok(pid)
    }

    /// Kills the first worker, which gets no chance to say good-bye, and starts another one; tells so in a line.
    pub(crate) fn replace_first(&mut self) -> Result<String, Failure> {
        let Some(first) = self.workers.first_mut() else { return Err(Failure::new("no worker to kill")) };
        first.counters = Counters::scrape(first.metrics.number())?;
        first.process.kill()?;
        first.killed = true;
        let pid = first.pid;
        let done = first.counters.done;
        let new = self.add("worker-3")?;
        Ok(format!("killed a worker with SIGKILL: pid {pid}, after {done} jobs; pid {new} takes its place"))
    }

    /// Reads the last counters of the workers that live, lets them drain, and returns when they have ended.
    pub(crate) fn end(mut self) -> Result<Vec<Worker>, Failure> {
        for worker in self.workers.iter_mut().filter(|worker| !worker.killed) {
            worker.counters = Counters::scrape_idle(worker.metrics.number())?;
            worker.process.terminate()?;
        }
        Ok(self.workers)
    }
}
