//! Whether a chunk's run may run here: it is in this ledger, and neither purged nor cancelled.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use job::{Chunk, LedgerId, LedgerState, Outcome, RunId};
use ledger::{Control, Database, Error, Run, RunState};
use tokio::sync::{Mutex, Notify};

/// A run that no message has named for this long is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(600);

/// What a worker knows of the runs that it serves; read afresh about once a second.
pub(crate) struct Runs {
    control: Mutex<Control>,
    known: RwLock<Known>,
    /// Rings after every reading of the runs' states.
    refreshed: Notify,
}

#[derive(Default)]
struct Known {
    ledger: Option<LedgerId>,
    runs: HashMap<RunId, (Arc<Run>, Instant)>,
}

impl Runs {
    pub(crate) fn new(database: Arc<Database>) -> Runs {
        Runs {
            control: Mutex::new(Control::new(database)),
            known: RwLock::default(),
            refreshed: Notify::new(),
        }
    }

    /// Reads this ledger's identity anew, and forgets all runs when it is another than before.
    pub(crate) async fn identify(&self) -> Result<(), Error> {
        let ledger = self.control.lock().await.identity().await?;
        let mut known = self.write();
        if known.ledger.as_ref() != Some(&ledger) {
            *known = Known { ledger: Some(ledger), runs: HashMap::new() };
        }
        Ok(())
    }

    /// The run of a chunk.
    ///
    /// # Errors
    /// The outcome of every job of the chunk, when none of them may run.
    pub(crate) async fn admit(&self, chunk: &Chunk) -> Result<Arc<Run>, Outcome> {
        let run = match self.known_run(chunk)? {
            Some(run) => run,
            None => self.look_up(chunk.run).await?,
        };
        match run.state {
            RunState::Publishing | RunState::Published => Ok(run),
            RunState::Cancelled => Err(Outcome::EndedBefore(LedgerState::Cancelled)),
            RunState::Purged => Err(Outcome::Stale),
        }
    }

    fn known_run(&self, chunk: &Chunk) -> Result<Option<Arc<Run>>, Outcome> {
        // Nothing panics while holding this lock; its data is whole in any case.
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &known.ledger {
            Some(ledger) if *ledger != chunk.ledger => Err(Outcome::UnknownRun),
            Some(_) => Ok(known.runs.get(&chunk.run).map(|(run, _)| run.clone())),
            None => Ok(None),
        }
    }

    async fn look_up(&self, id: RunId) -> Result<Arc<Run>, Outcome> {
        let found = self.control.lock().await.runs(&[id]).await.map_err(|error| error.outcome())?;
        let Some(run) = found.into_iter().next() else { return Err(Outcome::UnknownRun) };
        let run = Arc::new(run);
        self.write().runs.insert(id, (run.clone(), Instant::now()));
        Ok(run)
    }

    /// Reads the state of every known run anew.
    pub(crate) async fn refresh(&self) -> Result<(), Error> {
        let ids: Vec<RunId> = {
            let mut known = self.write();
            known.runs.retain(|_, (run, since)| Arc::strong_count(run) > 1 || since.elapsed() < FORGET_AFTER);
            known.runs.keys().copied().collect()
        };
        let runs = self.control.lock().await.runs(&ids).await?;
        self.replace(&ids, runs);
        self.refreshed.notify_waiters();
        Ok(())
    }

    fn replace(&self, ids: &[RunId], runs: Vec<Run>) {
        let mut known = self.write();
        for id in ids.iter().filter(|id| !runs.iter().any(|run| run.id == **id)) {
            known.runs.remove(id);
        }
        for run in runs {
            if let Some((old, _)) = known.runs.get_mut(&run.id) {
                *old = Arc::new(run);
            }
        }
    }

    /// Waits until the run is cancelled with `--now`: its running statements are to end.
    pub(crate) async fn ended_now(&self, id: RunId) {
        loop {
            let refreshed = self.refreshed.notified();
            tokio::pin!(refreshed);
            // Registered before looking: a reading in between is not missed.
            refreshed.as_mut().enable();
            if self.is_ended_now(id) {
                return;
            }
            refreshed.await;
        }
    }

    fn is_ended_now(&self, id: RunId) -> bool {
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.runs.get(&id).is_some_and(|(run, _)| run.state == RunState::Cancelled && run.cancel_now)
    }

    /// The connection for the worker's own row.
    pub(crate) fn control(&self) -> &Mutex<Control> {
        &self.control
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
