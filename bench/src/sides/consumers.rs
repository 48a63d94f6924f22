//! Consumers that do nothing: the broker's limit at prefetch 1.

use super::{Side, queryfleet, talk};
use crate::Fault;
use crate::case::Task;
use crate::ground::Ground;
use crate::results::Sample;
use crate::workload::Workload;

pub(crate) struct Consumers(pub(crate) usize);

impl Side for Consumers {
    fn name(&self) -> String {
        format!("{} consumers that do nothing", self.0)
    }

    fn jobs(&self, workload: Workload) -> Option<usize> {
        (workload == Workload::Take).then_some(20_000)
    }

    fn run(&self, ground: &Ground, task: &Task) -> Result<Sample, Fault> {
        queryfleet::publish(ground, task, "1")?;
        let mut command = ground.built("consumers");
        command.args([self.0.to_string(), task.jobs.to_string()]);
        talk(ground, &mut command, task.jobs)
    }
}
