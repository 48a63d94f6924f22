//! Whole commands, as a user starts them: from nothing to the last statement.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{PATIENCE, Side, begun, celery, drain, usual_jobs, whole};
use crate::Fault;
use crate::case::Task;
use crate::client::{Client, Read};
use crate::ground::Ground;
use crate::results::Sample;
use crate::workload::Workload;

/// Processes, or slots, of each.
const PARALLEL: usize = 4;

pub(crate) enum Whole {
    /// `queryfleet run`, with this `--chunk`: setup, check, publish, execute, wait.
    Run(&'static str),
    /// The whole script.
    Pool,
    /// From the first `apply_async` to the last statement, with a worker that is connected before.
    Celery,
}

/// All of them.
pub(crate) fn all() -> Vec<Box<dyn Side>> {
    let sides = [Whole::Run("auto"), Whole::Run("32"), Whole::Run("1"), Whole::Pool, Whole::Celery];
    sides.into_iter().map(|side| Box::new(side) as Box<dyn Side>).collect()
}

impl Side for Whole {
    fn name(&self) -> String {
        match self {
            Whole::Run(chunk) => format!("queryfleet run, {PARALLEL} slots, --chunk {chunk}"),
            Whole::Pool => format!("Python pool, {PARALLEL} processes"),
            Whole::Celery => format!("Celery, {PARALLEL} processes, from the first call to the last end"),
        }
    }

    fn jobs(&self, workload: Workload) -> Option<usize> {
        (workload == Workload::Whole).then_some(())?;
        let jobs = usual_jobs(workload, PARALLEL)?;
        Some(if matches!(self, Whole::Celery) { jobs / 4 } else { jobs })
    }

    fn run(&self, ground: &Ground, task: &Task) -> Result<Sample, Fault> {
        match self {
            Whole::Run(chunk) => {
                let mut command = ground.built("queryfleet");
                command.arg("run").arg(&task.script).args(["--again", "--chunk", chunk]);
                command.args(["--slots", &PARALLEL.to_string()]);
                whole(ground, command.stdout(Stdio::null()).stderr(Stdio::null()), task.jobs)
            }
            Whole::Pool => {
                let mut command = ground.python("python");
                command.args(["pool.py", &PARALLEL.to_string()]).arg(&task.script).arg("whole");
                whole(ground, &mut command, task.jobs)
            }
            Whole::Celery => {
                let connected = ground.sql.counter("Threads_connected")?;
                let mut worker = Client::start(&mut celery::worker(ground, PARALLEL), Read::Output)?;
                worker.ignore();
                let since = Instant::now();
                while ground.sql.counter("Threads_connected")? < connected + PARALLEL {
                    if since.elapsed() > PATIENCE {
                        return Err("Celery's worker does not connect".into());
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
                let mut publish = ground.python("python");
                let mut publisher =
                    Client::start(publish.arg("celery_peer.py").arg(&task.script), Read::Output)?;
                publisher.expect("ready")?;
                let before = ground.sql.counter(task.workload.counter())?;
                publisher.go()?;
                let sample = drain(ground, worker.pid(), task.jobs, || begun(ground, task.workload, before))?;
                publisher.expect("done")?;
                publisher.go()?;
                publisher.ended()?;
                worker.terminate();
                Ok(sample)
            }
        }
    }
}
