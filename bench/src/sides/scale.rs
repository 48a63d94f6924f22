//! More and more worker processes of one slot, on statements that only take time.

use super::queryfleet::{publish, worker};
use super::{Side, begun, drain};
use crate::Fault;
use crate::case::Task;
use crate::client::Client;
use crate::ground::Ground;
use crate::results::Sample;
use crate::workload::Workload;

pub(crate) struct Scale {
    pub(crate) workers: usize,
}

impl Side for Scale {
    fn name(&self) -> String {
        format!("queryfleet, {} x 1 slot", self.workers)
    }

    fn jobs(&self, workload: Workload) -> Option<usize> {
        (workload == Workload::Scale).then_some(250 * self.workers)
    }

    fn run(&self, ground: &Ground, task: &Task) -> Result<Sample, Fault> {
        let mut workers = Vec::new();
        for _ in 0..self.workers {
            workers.push(worker(ground, 1)?);
        }
        let before = ground.sql.counter(task.workload.counter())?;
        let published = publish(ground, task, "1")?;
        // What is metered is one of them; only the rate is looked at.
        let one = workers.first().map_or(0, Client::pid);
        let sample = drain(ground, one, task.jobs, || begun(ground, task.workload, before))?;
        Ok(sample.after(&published))
    }
}
