//! The bare driver loop: the limit.

use super::{Side, talk, usual_jobs};
use crate::Fault;
use crate::case::Task;
use crate::ground::Ground;
use crate::results::Sample;
use crate::workload::Workload;

/// As many as `--chunk auto` puts into a message of single-row UPDATEs.
pub(crate) const AUTO: usize = 480;

pub(crate) struct Driver {
    pub(crate) connections: usize,
    /// Jobs a packet; 0: no packet.
    pub(crate) chunk: usize,
}

impl Side for Driver {
    fn name(&self) -> String {
        let what = match self.chunk {
            0 => "plain statements".into(),
            1 => "our packet".into(),
            chunk => format!("our packet of {chunk}"),
        };
        format!("bare driver, {} connections, {what}", self.connections)
    }

    fn jobs(&self, workload: Workload) -> Option<usize> {
        match workload {
            Workload::Whole => None,
            Workload::Sleep if self.chunk > 1 => None,
            Workload::Insert if self.connections > 4 => None,
            Workload::Update | Workload::Insert if self.chunk > 1 => Some(60_000),
            _ => usual_jobs(workload, self.connections),
        }
    }

    fn run(&self, ground: &Ground, task: &Task) -> Result<Sample, Fault> {
        let mut command = ground.built("driver");
        command.args([&self.connections.to_string(), &self.chunk.to_string()]).arg(&task.script);
        talk(ground, &mut command, task.jobs)
    }
}
