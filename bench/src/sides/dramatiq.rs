//! Dramatiq on a quorum queue.

use super::{Side, queue, queue_jobs};
use crate::Fault;
use crate::case::Task;
use crate::client::Read;
use crate::ground::Ground;
use crate::results::Sample;
use crate::workload::Workload;

pub(crate) struct Dramatiq {
    pub(crate) processes: usize,
}

impl Side for Dramatiq {
    fn name(&self) -> String {
        format!("Dramatiq, {} processes", self.processes)
    }

    fn jobs(&self, workload: Workload) -> Option<usize> {
        queue_jobs(workload, self.processes)
    }

    fn run(&self, ground: &Ground, task: &Task) -> Result<Sample, Fault> {
        let mut command = ground.python("dramatiq");
        command.args(["dramatiq_peer", "--threads", "1", "--processes", &self.processes.to_string()]);
        queue(ground, task, "dramatiq_peer.py", &mut command, Read::Errors)
    }
}
