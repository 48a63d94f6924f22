//! Celery on a quorum queue.

use super::{Side, begun, drain, only_four, talk, usual_jobs};
use crate::Fault;
use crate::case::Task;
use crate::client::{Client, Read};
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
        // It publishes one by one, too.
        only_four(workload, self.processes)?;
        usual_jobs(workload, self.processes).map(|jobs| jobs.min(5000))
    }

    fn run(&self, ground: &Ground, task: &Task) -> Result<Sample, Fault> {
        let mut publish = ground.python("python");
        let published = talk(ground, publish.arg("celery_peer.py").arg(&task.script), task.jobs)?;
        let before = ground.sql.counter(task.workload.counter())?;
        let mut command = ground.python("celery");
        command
            .args([
                "-A",
                "celery_peer",
                "worker",
                "-c",
                &self.processes.to_string(),
                "-O",
                "fair",
                "-l",
                "ERROR",
            ])
            .args(["--without-gossip", "--without-mingle", "--without-heartbeat"])
            // It dislikes to run as root, and says so.
            .env("C_FORCE_ROOT", "1")
            .env("PYTHONWARNINGS", "ignore");
        let mut worker = Client::start(&mut command, Read::Output)?;
        worker.ignore();
        let sample = drain(ground, worker.pid(), task.jobs, || begun(ground, task.workload, before))?;
        worker.terminate();
        Ok(Sample { published: Some(published.value), ..sample })
    }
}
