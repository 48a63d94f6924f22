//! Celery on a quorum queue.

use std::process::Command;

use super::{Side, queue, queue_jobs};
use crate::Fault;
use crate::case::Task;
use crate::client::Read;
use crate::ground::Ground;
use crate::results::Sample;
use crate::workload::Workload;

pub(crate) struct Celery {
    pub(crate) processes: usize,
}

impl Side for Celery {
    fn name(&self) -> String {
        format!("Celery, {} processes", self.processes)
    }

    fn jobs(&self, workload: Workload) -> Option<usize> {
        queue_jobs(workload, self.processes)
    }

    fn run(&self, ground: &Ground, task: &Task) -> Result<Sample, Fault> {
        queue(ground, task, "celery_peer.py", &mut worker(ground, self.processes), Read::Output)
    }
}

/// A worker's command line.
pub(crate) fn worker(ground: &Ground, processes: usize) -> Command {
    let mut command = ground.python("celery");
    command
        .args(["-A", "celery_peer", "worker", "-c", &processes.to_string(), "-O", "fair", "-l", "ERROR"])
        .args(["--without-gossip", "--without-mingle", "--without-heartbeat"])
        // It dislikes to run as root, and says so.
        .env("C_FORCE_ROOT", "1")
        .env("PYTHONWARNINGS", "ignore");
    command
}
