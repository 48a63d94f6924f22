//! This fleet: publish, then one worker drains the queue.

use std::time::Instant;

use super::{Side, drain, usual_jobs};
use crate::Fault;
use crate::case::Task;
use crate::client::{Client, Read};
use crate::ground::Ground;
use crate::meter::peak_rss;
use crate::results::Sample;
use crate::scrape;
use crate::workload::Workload;

pub(crate) struct Queryfleet {
    pub(crate) slots: usize,
    pub(crate) chunk: usize,
}

impl Side for Queryfleet {
    fn name(&self) -> String {
        format!("queryfleet, {} slots, chunk {}", self.slots, self.chunk)
    }

    fn jobs(&self, workload: Workload) -> Option<usize> {
        match workload {
            // Enough messages for every slot.
            Workload::Update | Workload::Insert if self.chunk > 1 => Some(60_000),
            // It would be no other than one by one: a slot sleeps for all of its chunk.
            Workload::Sleep if self.chunk > 1 => None,
            _ => usual_jobs(workload, self.slots),
        }
    }

    fn run(&self, ground: &Ground, task: &Task) -> Result<Sample, Fault> {
        let published = publish(ground, task, self.chunk)?;
        let (worker, address) = worker(ground, self.slots)?;
        let done = || Ok(scrape::sum(&address, "queryfleet_jobs_total{")? as usize);
        let sample = drain(ground, worker.pid(), task.jobs, done)?;
        let rss = peak_rss(worker.pid());
        worker.terminate();
        Ok(Sample { published: Some(published), rss: Some(rss), ..sample })
    }
}

/// Publishes the script; answers statements a second, of the whole life of the process.
pub(crate) fn publish(ground: &Ground, task: &Task, chunk: usize) -> Result<f64, Fault> {
    let script = task.script.to_str().ok_or("the temporary folder's name is not UTF-8")?;
    let since = Instant::now();
    ground.queryfleet(&["publish", script, "--chunk", &chunk.to_string()])?;
    Ok(task.jobs as f64 / since.elapsed().as_secs_f64())
}

/// Starts a worker, and reads from its log where its metrics are.
pub(crate) fn worker(ground: &Ground, slots: usize) -> Result<(Client, String), Fault> {
    let mut command = ground.built("queryfleet");
    command.args(["work", "--slots", &slots.to_string()]).env("QUERYFLEET_METRICS_LISTEN", "127.0.0.1:0");
    let mut client = Client::start(&mut command, Read::Errors)?;
    let line = client.expect("metrics=")?;
    client.ignore();
    let address = line.split_once("metrics=").and_then(|(_, rest)| rest.split_whitespace().next());
    Ok((client, address.unwrap_or_default().to_owned()))
}
