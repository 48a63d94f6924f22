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
    fresh: Duration,
}

#[derive(Default)]
struct Known {
    ledger: Option<LedgerId>,
    runs: HashMap<RunId, Entry>,
}

struct Entry {
    /// Slots hold it while they execute jobs of the run, so that its count tells whether there are any.
    run: Arc<Run>,
    /// As it was last read.
    state: RunState,
    cancel_now: bool,
    read: Instant,
    /// When a message made it known.
    since: Instant,
}

impl Runs {
    /// Of which a reading counts for `fresh`.
    pub(crate) fn new(database: Arc<Database>, fresh: Duration) -> Runs {
        Runs {
            control: Mutex::new(Control::new(database)),
            known: RwLock::default(),
            refreshed: Notify::new(),
            fresh,
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
        let (run, state) = match self.known_run(chunk)? {
            Some(known) => known,
            None => self.look_up(chunk).await?,
        };
        match state {
            RunState::Publishing | RunState::Published => Ok(run),
            RunState::Cancelled => Err(Outcome::EndedBefore(LedgerState::Cancelled)),
            RunState::Purged => Err(Outcome::Stale),
        }
    }

    /// The run, when it was read not long ago: a purge waits for as long before it deletes ledger rows.
    fn known_run(&self, chunk: &Chunk) -> Result<Option<(Arc<Run>, RunState)>, Outcome> {
        // Nothing panics while holding this lock; its data is whole in any case.
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &known.ledger {
            Some(ledger) if *ledger != chunk.ledger => return Err(Outcome::UnknownRun),
            Some(_) => {}
            None => return Ok(None),
        }
        let fresh = known.runs.get(&chunk.run).filter(|entry| entry.read.elapsed() < self.fresh);
        Ok(fresh.map(|entry| (entry.run.clone(), entry.state)))
    }

    async fn look_up(&self, chunk: &Chunk) -> Result<(Arc<Run>, RunState), Outcome> {
        let mut control = self.control.lock().await;
        // Another slot may have asked meanwhile.
        if let Some(known) = self.known_run(chunk)? {
            return Ok(known);
        }
        let (id, asked) = (chunk.run, Instant::now());
        let found = control.runs(&[id]).await.map_err(|error| error.outcome())?;
        let Some(run) = found.into_iter().next() else { return Err(Outcome::UnknownRun) };
        let (state, cancel_now) = (run.state, run.cancel_now);
        let mut known = self.write();
        let entry = known.runs.entry(id).or_insert_with(|| Entry {
            run: Arc::new(run),
            state,
            cancel_now,
            read: asked,
            since: asked,
        });
        (entry.state, entry.cancel_now, entry.read) = (state, cancel_now, asked);
        Ok((entry.run.clone(), state))
    }

    /// Reads the state of every known run anew.
    pub(crate) async fn refresh(&self) -> Result<(), Error> {
        let ids: Vec<RunId> = {
            let mut known = self.write();
            known
                .runs
                .retain(|_, entry| Arc::strong_count(&entry.run) > 1 || entry.since.elapsed() < FORGET_AFTER);
            known.runs.keys().copied().collect()
        };
        let mut control = self.control.lock().await;
        let asked = Instant::now();
        let runs = control.runs(&ids).await?;
        // Still with the connection: what was asked later is not overwritten.
        self.replace(&ids, &runs, asked);
        self.refreshed.notify_waiters();
        Ok(())
    }

    fn replace(&self, ids: &[RunId], runs: &[Run], asked: Instant) {
        let mut known = self.write();
        for id in ids.iter().filter(|id| !runs.iter().any(|run| run.id == **id)) {
            known.runs.remove(id);
        }
        for run in runs {
            if let Some(entry) = known.runs.get_mut(&run.id) {
                (entry.state, entry.cancel_now, entry.read) = (run.state, run.cancel_now, asked);
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

    /// Whether it is.
    pub(crate) fn is_ended_now(&self, id: RunId) -> bool {
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.runs.get(&id).is_some_and(|entry| entry.state == RunState::Cancelled && entry.cancel_now)
    }

    /// The connection for the worker's own row.
    pub(crate) fn control(&self) -> &Mutex<Control> {
        &self.control
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
