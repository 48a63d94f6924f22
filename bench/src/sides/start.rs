//! How soon a worker that is started takes its first job: topology declared, the job waits.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::queryfleet::{publish, worker};
use super::{LOOK, PATIENCE, Side};
use crate::Fault;
use crate::case::Task;
use crate::ground::Ground;
use crate::results::Sample;
use crate::workload::Workload;

pub(crate) struct Start;

impl Side for Start {
    fn name(&self) -> String {
        "queryfleet work, 4 slots".into()
    }

    fn jobs(&self, workload: Workload) -> Option<usize> {
        (workload == Workload::Start).then_some(1)
    }

    fn run(&self, ground: &Ground, task: &Task) -> Result<Sample, Fault> {
        publish(ground, task, "1")?;
        let since = Instant::now();
        let started = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
        let worker = worker(ground, 4)?;
        // The statement itself writes down when it was executed, by the clock of this machine.
        let taken = loop {
            let taken = ground.sql.number("SELECT IFNULL(UNIX_TIMESTAMP(taken), 0) + 0e0 FROM t")?;
            if taken > 0.0 {
                break taken;
            }
            if since.elapsed() > PATIENCE {
                return Err("the job was not executed".into());
            }
            std::thread::sleep(LOOK);
        };
        worker.terminate();
        Ok(Sample { value: (taken - started) * 1000.0, ..Sample::default() })
    }
}
