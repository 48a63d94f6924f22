//! The Python pool that this fleet grew out of.

use super::{Side, only_four, talk, usual_jobs};
use crate::Fault;
use crate::case::Task;
use crate::ground::Ground;
use crate::results::Sample;
use crate::workload::Workload;

pub(crate) struct Pool {
    pub(crate) processes: usize,
}

impl Side for Pool {
    fn name(&self) -> String {
        format!("Python pool, {} processes", self.processes)
    }

    fn jobs(&self, workload: Workload) -> Option<usize> {
        if workload == Workload::Whole {
            return None;
        }
        only_four(workload, self.processes)?;
        usual_jobs(workload, self.processes)
    }

    fn run(&self, ground: &Ground, task: &Task) -> Result<Sample, Fault> {
        let mut command = ground.python("python");
        command.args(["pool.py", &self.processes.to_string()]).arg(&task.script);
        talk(ground, &mut command, task.jobs)
    }
}
