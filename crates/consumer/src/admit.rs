//! Whether a chunk may run here: its run is in this ledger, and neither purged nor cancelled, and the chunk is of it.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use queryfleet_job::{Chunk, Here, LedgerId, LedgerState, Outcome, RunId, Terms};
use queryfleet_ledger::{Database, Error, LedgerClient, Run, RunState};
use tokio::sync::{Mutex, Notify};

/// A run that no message has named for this long is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(600);

/// What a worker knows of the runs that it serves; read afresh about once a second.
pub(crate) struct Runs {
    control: Mutex<LedgerClient>,
    known: RwLock<Known>,
    /// Rings after every reading of the runs' states.
    refreshed: Notify,
    fresh: Duration,
    here: Here,
}

/// A run as an entry has it.
struct View {
    run: Arc<Run>,
    terms: Result<Arc<Terms>, Outcome>,
    state: RunState,
}

#[derive(Default)]
struct Known {
    ledger: Option<LedgerId>,
    runs: HashMap<RunId, Entry>,
}

struct Entry {
    /// Slots hold it while they execute jobs of the run, so that its count tells whether there are any. With what its
    /// manifest says, whatever is in the row beside that.
    run: Arc<Run>,
    /// What its messages are held against, or why none of them may run.
    terms: Result<Arc<Terms>, Outcome>,
    /// As it was last read.
    state: RunState,
    cancel_now: bool,
    read: Instant,
    /// When a message made it known.
    since: Instant,
}

impl Runs {
    /// Of which a reading counts for `fresh`.
    pub(crate) fn new(database: Arc<Database>, fresh: Duration, here: Here) -> Runs {
        Runs {
            control: Mutex::new(LedgerClient::new(database)),
            known: RwLock::default(),
            refreshed: Notify::new(),
            fresh,
            here,
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
        let (mut view, mut is_new) = match self.known_run(chunk)? {
            Some(known) => (known, false),
            None => (self.look_up(chunk, false).await?, true),
        };
        loop {
            is_open(view.state)?;
            let fits = view.terms.and_then(|terms| terms.fits(chunk));
            match fits {
                Ok(()) => return Ok(view.run),
                // A publish that goes on may have written or renewed the manifest since the last look.
                Err(_) if !is_new => (view, is_new) = (self.look_up(chunk, true).await?, true),
                Err(outcome) => return Err(outcome),
            }
        }
    }

    /// Whether a chunk that was admitted may still run: its slot may have held it for long, waiting for the database. Asks
    /// the database only when the last look is too old; a purge waits for as long before it deletes ledger rows.
    ///
    /// # Errors
    /// The outcome of its jobs when not.
    pub(crate) async fn still_open(&self, chunk: &Chunk) -> Result<(), Outcome> {
        let state = match self.known_run(chunk)? {
            Some(view) => view.state,
            None => self.look_up(chunk, false).await?.state,
        };
        is_open(state)
    }

    /// The run, when it was read not long ago.
    fn known_run(&self, chunk: &Chunk) -> Result<Option<View>, Outcome> {
        // Nothing panics while holding this lock; its data is whole in any case.
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &known.ledger {
            Some(ledger) if *ledger != chunk.ledger => return Err(Outcome::UnknownRun),
            Some(_) => {}
            None => return Ok(None),
        }
        let fresh = known.runs.get(&chunk.run).filter(|entry| entry.read.elapsed() < self.fresh);
        Ok(fresh.map(Entry::view))
    }

    /// Reads the run, though with `anew` it was read not long ago.
    async fn look_up(&self, chunk: &Chunk, anew: bool) -> Result<View, Outcome> {
        let mut control = self.control.lock().await;
        // Another slot may have asked meanwhile.
        if !anew && let Some(known) = self.known_run(chunk)? {
            return Ok(known);
        }
        let (id, asked) = (chunk.run, Instant::now());
        let found = control.runs().get(&[id]).await.map_err(|error| error.outcome())?;
        let Some(run) = found.into_iter().next() else { return Err(Outcome::UnknownRun) };
        let mut known = self.write();
        let entry = match known.runs.entry(id) {
            std::collections::hash_map::Entry::Occupied(entry) => {
                let entry = entry.into_mut();
                entry.update(run, asked, &self.here);
                entry
            }
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(Entry::new(run, asked, &self.here))
            }
        };
        Ok(entry.view())
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
        let runs = control.runs().get(&ids).await?;
        // Still with the connection: what was asked later is not overwritten.
        self.replace(&ids, runs, asked);
        self.refreshed.notify_waiters();
        Ok(())
    }

    fn replace(&self, ids: &[RunId], runs: Vec<Run>, asked: Instant) {
        let mut known = self.write();
        for id in ids.iter().filter(|id| !runs.iter().any(|run| run.id == **id)) {
            known.runs.remove(id);
        }
        for run in runs {
            if let Some(entry) = known.runs.get_mut(&run.id) {
                entry.update(run, asked, &self.here);
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
    pub(crate) fn control(&self) -> &Mutex<LedgerClient> {
        &self.control
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Whether jobs of a run in this state are executed.
fn is_open(state: RunState) -> Result<(), Outcome> {
    match state {
        RunState::Publishing | RunState::Published => Ok(()),
        RunState::Cancelled => Err(Outcome::EndedBefore(LedgerState::Cancelled)),
        RunState::Purged => Err(Outcome::Stale),
    }
}

impl Entry {
    fn new(mut run: Run, asked: Instant, here: &Here) -> Entry {
        let (state, cancel_now) = (run.state, run.cancel_now);
        let terms = run.terms(here).map(Arc::new);
        if let Ok(terms) = &terms {
            // Executed is what the manifest says.
            run.session_version = u32::from(terms.session_sql.is_some());
            (run.session_sql, run.not_atomic) = (terms.session_sql.clone(), terms.not_atomic);
        }
        Entry { run: Arc::new(run), terms, state, cancel_now, read: asked, since: asked }
    }

    /// Takes in what was read later. The manifest is verified again only when it is another one: that of a run is written
    /// once, before its first message.
    fn update(&mut self, run: Run, asked: Instant, here: &Here) {
        let is_same = self.terms.is_ok()
            && run.manifest == self.run.manifest
            && run.manifest_signature == self.run.manifest_signature
            && (run.manifest.is_some() || run.total == self.run.total);
        if is_same {
            (self.state, self.cancel_now, self.read) = (run.state, run.cancel_now, asked);
        } else {
            *self = Entry { since: self.since, ..Entry::new(run, asked, here) };
        }
    }

    fn view(&self) -> View {
        View { run: self.run.clone(), terms: self.terms.clone(), state: self.state }
    }
}
