//! Dramatiq on a quorum queue.

use super::{Side, begun, drain, only_four, talk, usual_jobs};
use crate::Fault;
use crate::case::Task;
use crate::client::{Client, Read};
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
        // It publishes one by one, too.
        only_four(workload, self.processes)?;
        usual_jobs(workload, self.processes).map(|jobs| jobs.min(5000))
    }

    fn run(&self, ground: &Ground, task: &Task) -> Result<Sample, Fault> {
        let mut publish = ground.python("python");
        let published = talk(ground, publish.arg("dramatiq_peer.py").arg(&task.script), task.jobs)?;
        let before = ground.sql.counter(task.workload.counter())?;
        let mut command = ground.python("dramatiq");
        command.args(["dramatiq_peer", "--threads", "1", "--processes", &self.processes.to_string()]);
        let mut worker = Client::start(&mut command, Read::Errors)?;
        worker.ignore();
        let sample = drain(ground, worker.pid(), task.jobs, || begun(ground, task.workload, before))?;
        worker.terminate();
        Ok(Sample { published: Some(published.value), ..sample })
    }
}
