//! A run that goes on while its outcomes are taken.

use std::time::Duration;

use pyo3::prelude::*;
use queryfleet::{Error, ErrorKind, JobEnd, Outcome, Outcomes, Progress, RunEnd, Task};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use crate::interpreter::{block, runtime};
use crate::status::{Status, ended};

/// The pause between two looks at the ledger.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// Batches of outcomes that wait to be taken.
const BATCHES_KEPT: usize = 8;

/// A run that goes on in the background. Dropping it interrupts the run, which the same call resumes.
#[pyclass(frozen, module = "queryfleet._queryfleet")]
pub(crate) struct Running {
    outcomes: Mutex<mpsc::Receiver<Vec<Outcome>>>,
    run: Mutex<Option<JoinHandle<Result<RunEnd, Error>>>>,
}

impl Running {
    pub(crate) fn start(fleet: &queryfleet::Fleet, task: Task<RunEnd>) -> PyResult<Running> {
        let (sender, outcomes) = mpsc::channel(BATCHES_KEPT);
        let run = runtime()?.spawn(tell(fleet.clone(), task, sender));
        Ok(Running { outcomes: Mutex::new(outcomes), run: Mutex::new(Some(run)) })
    }
}

#[pymethods]
impl Running {
    /// Some jobs that have ended, as (index, word); waits for one. None once the run has ended.
    fn look(&self, py: Python<'_>) -> PyResult<Option<Vec<(u64, &'static str)>>> {
        let found = block(py, async { Ok(self.outcomes.lock().await.recv().await) })?;
        let word = |end| match end {
            JobEnd::Done => "done",
            JobEnd::Cancelled => "cancelled",
            _ => "dead",
        };
        Ok(found.map(|found| found.into_iter().map(|outcome| (outcome.index, word(outcome.end))).collect()))
    }

    /// How the run has ended; waits for that.
    fn end(&self, py: Python<'_>) -> PyResult<(&'static str, Status)> {
        let ended_run = block(py, async {
            let Some(run) = self.run.lock().await.take() else {
                return Ok(None);
            };
            match run.await {
                Ok(ended) => ended.map(Some),
                Err(_) => Ok(None),
            }
        })?;
        ended_run.map(ended).ok_or_else(|| pyo3::exceptions::PyValueError::new_err("the run was interrupted"))
    }

    /// Interrupts it.
    fn interrupt(&self) {
        if let Ok(run) = self.run.try_lock()
            && let Some(run) = run.as_ref()
        {
            run.abort();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.interrupt();
    }
}

/// Runs the task to its end, and tells the outcomes meanwhile.
async fn tell(
    fleet: queryfleet::Fleet,
    mut task: Task<RunEnd>,
    sender: mpsc::Sender<Vec<Outcome>>,
) -> Result<RunEnd, Error> {
    let mut outcomes: Option<Outcomes> = None;
    let mut looks = tokio::time::interval(LOOK_INTERVAL);
    loop {
        tokio::select! {
            report = task.next() => {
                let run = match report {
                    None => break,
                    Some(Progress::Publishing { run, .. }) => run,
                    Some(Progress::Running { status, .. }) => status.name,
                    Some(_) => continue,
                };
                if outcomes.is_none() {
                    outcomes = passing(fleet.outcomes(&run).await)?;
                }
            }
            _ = looks.tick(), if outcomes.is_some() => {
                let Some(outcomes) = &mut outcomes else { continue };
                let found = passing(outcomes.look().await)?.unwrap_or_default();
                if !found.is_empty() && sender.send(found).await.is_err() {
                    // Nobody takes them any more; the run goes on to its end, or is interrupted.
                    continue;
                }
            }
        }
    }
    let ended = task.await?;
    let mut outcomes = match outcomes {
        Some(outcomes) => outcomes,
        None => fleet.outcomes(&ended.status.name).await?,
    };
    loop {
        let rest = outcomes.look_everywhere().await?;
        // As above.
        if rest.is_empty() || sender.send(rest).await.is_err() {
            return Ok(ended);
        }
    }
}

/// A server that is unavailable for a while is asked again at the next look.
fn passing<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::Unavailable(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
