//! This fleet: publish, then one worker drains the queue.

use std::process::Stdio;

use super::{Side, begun, drain, usual_jobs, whole};
use crate::Fault;
use crate::case::Task;
use crate::client::{Client, Read};
use crate::ground::Ground;
use crate::meter::peak_rss;
use crate::results::Sample;
use crate::workload::Workload;

pub(crate) struct Queryfleet {
    pub(crate) slots: usize,
    /// As `--chunk` takes it.
    pub(crate) chunk: &'static str,
}

impl Side for Queryfleet {
    fn name(&self) -> String {
        format!("queryfleet, {} slots, chunk {}", self.slots, self.chunk)
    }

    fn jobs(&self, workload: Workload) -> Option<usize> {
        match workload {
            // Enough messages for every slot.
            Workload::Update | Workload::Insert if self.chunk != "1" => Some(60_000),
            // It would be no other than one by one: a slot sleeps for all of its chunk.
            Workload::Sleep if self.chunk != "1" => None,
            Workload::Whole => None,
            _ => usual_jobs(workload, self.slots),
        }
    }

    fn run(&self, ground: &Ground, task: &Task) -> Result<Sample, Fault> {
        let published = publish(ground, task, self.chunk)?;
        let before = ground.sql.counter(task.workload.counter())?;
        // A job's ledger row is an INSERT, too; those of a chunk are two, and a worker's other rows are a few more. That
        // they are all done is what the ledger says.
        let rows = match self.chunk.parse() {
            Ok(1) => task.jobs,
            Ok(chunk) => 2 * task.jobs.div_ceil(chunk),
            Err(_) => 2 * task.jobs.div_ceil(super::driver::AUTO),
        };
        let all = task.jobs + if task.workload == Workload::Insert { rows } else { 0 };
        let worker = worker(ground, self.slots)?;
        let done = || match begun(ground, task.workload, before)? * task.jobs / all {
            begun if begun < task.jobs => Ok(begun),
            _ => {
                Ok(ground.sql.number("SELECT COUNT(*) FROM queryfleet_ledger WHERE state = 'done'")? as usize)
            }
        };
        let sample = drain(ground, worker.pid(), task.jobs, done)?;
        let rss = peak_rss(worker.pid());
        worker.terminate();
        Ok(Sample { rss: Some(rss), ..sample.after(&published) })
    }
}

/// Publishes the script. Measured is the whole life of the process.
pub(crate) fn publish(ground: &Ground, task: &Task, chunk: &str) -> Result<Sample, Fault> {
    let mut command = ground.built("queryfleet");
    command.arg("publish").arg(&task.script).args(["--again", "--chunk", chunk]);
    whole(ground, command.stdout(Stdio::null()).stderr(Stdio::null()), task.jobs)
}

/// Starts a worker, and returns when it has said that it runs.
pub(crate) fn worker(ground: &Ground, slots: usize) -> Result<Client, Fault> {
    let mut command = ground.built("queryfleet");
    command.args(["work", "--slots", &slots.to_string()]).env("QUERYFLEET_METRICS_LISTEN", "127.0.0.1:0");
    let mut client = Client::start(&mut command, Read::Errors)?;
    client.expect("metrics=")?;
    client.ignore();
    Ok(client)
}
