//! Whether a chunk may run here: its run is in this ledger and neither purged nor cancelled, and the chunk belongs to
//! it.

use std::collections::HashMap;
use std::collections::hash_map;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use queryfleet_job::{Chunk, ExecutionSite, LedgerId, LedgerState, Outcome, RunId, Terms};
use queryfleet_ledger::{Error, LedgerClient, Run, RunState};
use tokio::sync::{Mutex, Notify};

use crate::not_run::NotRun;

/// A run that no message has named for this long is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(600);

/// What a worker knows of the runs that it serves; read again about once a second.
pub(crate) struct Runs {
    client: Arc<Mutex<LedgerClient>>,
    known: RwLock<Known>,
    /// Notified after every reading of the runs' states.
    refreshed: Notify,
    /// For how long a reading counts.
    counts_for: Duration,
    here: ExecutionSite,
}

#[derive(Default)]
struct Known {
    /// The identity of the ledger; `None` until it was read.
    ledger: Option<LedgerId>,
    runs: HashMap<RunId, Entry>,
}

struct Entry {
    /// Slots hold it while they execute jobs of the run, so its reference count tells whether there are any. Session
    /// SQL and mode are those of the manifest, whatever the row says beside it.
    run: Arc<Run>,
    /// What messages of the run must match, or why none of them may run.
    terms: Result<Arc<Terms>, NotRun>,
    /// As it was last read.
    state: RunState,
    cancel_now: bool,
    /// When the last reading was asked for.
    read: Instant,
    /// When a message made it known.
    since: Instant,
}

/// A copy of an entry, without a lock.
struct View {
    run: Arc<Run>,
    terms: Result<Arc<Terms>, NotRun>,
    state: RunState,
}

impl Runs {
    /// A reading of a run's state counts for `counts_for`.
    pub(crate) fn new(client: Arc<Mutex<LedgerClient>>, counts_for: Duration, here: ExecutionSite) -> Runs {
        Runs { client, known: RwLock::default(), refreshed: Notify::new(), counts_for, here }
    }

    /// Reads this ledger's identity, and forgets all runs if it is another one than before.
    pub(crate) async fn identify(&self) -> Result<(), Error> {
        let ledger = self.client.lock().await.identity().await?;
        let mut known = self.write();
        if known.ledger.as_ref() != Some(&ledger) {
            *known = Known { ledger: Some(ledger), runs: HashMap::new() };
        }
        Ok(())
    }

    /// The run of a chunk.
    ///
    /// # Errors
    /// None of the chunk's jobs may run.
    pub(crate) async fn admit(&self, chunk: &Chunk) -> Result<Arc<Run>, NotRun> {
        let view = self.recent(chunk).await?;
        is_open(view.state)?;
        if fits(&view, chunk).is_ok() {
            return Ok(view.run);
        }
        // A resumed publish may have written or renewed the manifest since that was read.
        let view = self.read_anew(&mut *self.client.lock().await, chunk).await?;
        is_open(view.state)?;
        fits(&view, chunk)?;
        Ok(view.run)
    }

    /// Whether a chunk that was admitted may still run: its slot may have held it for long, waiting for the database.
    /// The database is asked only if the last reading is too old. A purge waits for as long before it deletes ledger
    /// rows.
    ///
    /// # Errors
    /// None of its jobs may run any more.
    pub(crate) async fn still_open(&self, chunk: &Chunk) -> Result<(), NotRun> {
        is_open(self.recent(chunk).await?.state)
    }

    /// The run of a chunk, by a reading that still counts.
    async fn recent(&self, chunk: &Chunk) -> Result<View, NotRun> {
        if let Some(view) = self.view(chunk)? {
            return Ok(view);
        }
        let mut client = self.client.lock().await;
        // Another slot may have read it while this one waited for the connection.
        match self.view(chunk)? {
            Some(view) => Ok(view),
            None => self.read_anew(&mut client, chunk).await,
        }
    }

    /// The run of a chunk, if its last reading still counts.
    fn view(&self, chunk: &Chunk) -> Result<Option<View>, NotRun> {
        let known = self.read();
        match &known.ledger {
            Some(ledger) if *ledger != chunk.ledger => return Err(NotRun(Outcome::UnknownRun)),
            Some(_) => {}
            None => return Ok(None),
        }
        let entry = known.runs.get(&chunk.run).filter(|entry| entry.read.elapsed() < self.counts_for);
        Ok(entry.map(Entry::view))
    }

    /// Asks the database for the run of a chunk. The readings that are kept are in the order in which they were asked
    /// for, since whoever stores one holds the connection.
    async fn read_anew(&self, client: &mut LedgerClient, chunk: &Chunk) -> Result<View, NotRun> {
        let asked = Instant::now();
        let found = client.runs().get(&[chunk.run]).await.map_err(|error| NotRun(error.outcome()))?;
        let Some(run) = found.into_iter().next() else { return Err(NotRun(Outcome::UnknownRun)) };
        let mut known = self.write();
        let entry = match known.runs.entry(chunk.run) {
            hash_map::Entry::Occupied(entry) => {
                let entry = entry.into_mut();
                entry.update(run, asked, &self.here);
                entry
            }
            hash_map::Entry::Vacant(vacant) => vacant.insert(Entry::new(run, asked, &self.here)),
        };
        Ok(entry.view())
    }

    /// Reads the state of every known run again.
    pub(crate) async fn refresh(&self) -> Result<(), Error> {
        let ids = self.forget_unused();
        let mut client = self.client.lock().await;
        let asked = Instant::now();
        let runs = client.runs().get(&ids).await?;
        // Before the connection is let go: see `read_anew`.
        self.replace(&ids, runs, asked);
        drop(client);
        self.refreshed.notify_waiters();
        Ok(())
    }

    /// Forgets the runs of which there have been no messages for long, and returns the others.
    fn forget_unused(&self) -> Vec<RunId> {
        let mut known = self.write();
        known
            .runs
            .retain(|_, entry| Arc::strong_count(&entry.run) > 1 || entry.since.elapsed() < FORGET_AFTER);
        known.runs.keys().copied().collect()
    }

    fn replace(&self, ids: &[RunId], runs: Vec<Run>, asked: Instant) {
        let mut known = self.write();
        for id in ids {
            if !runs.iter().any(|run| run.id == *id) {
                known.runs.remove(id);
            }
        }
        for run in runs {
            if let Some(entry) = known.runs.get_mut(&run.id) {
                entry.update(run, asked, &self.here);
            }
        }
    }

    /// Waits until the run is cancelled with `--now`: its running statements have to end.
    pub(crate) async fn cancelled_now(&self, id: RunId) {
        loop {
            let refreshed = self.refreshed.notified();
            tokio::pin!(refreshed);
            // Registered before looking, so that a reading in between is not missed.
            refreshed.as_mut().enable();
            if self.is_cancelled_now(id) {
                return;
            }
            refreshed.await;
        }
    }

    /// Whether the run is cancelled with `--now`.
    pub(crate) fn is_cancelled_now(&self, id: RunId) -> bool {
        self.read().runs.get(&id).is_some_and(|entry| entry.state == RunState::Cancelled && entry.cancel_now)
    }

    // Nothing panics while it holds this lock, so the data is whole in any case.

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether jobs of a run in this state are executed.
fn is_open(state: RunState) -> Result<(), NotRun> {
    match state {
        RunState::Publishing | RunState::Published => Ok(()),
        RunState::Cancelled => Err(NotRun(Outcome::EndedBefore(LedgerState::Cancelled))),
        RunState::Purged => Err(NotRun(Outcome::Stale)),
    }
}

/// Whether a chunk is as its run was published.
fn fits(view: &View, chunk: &Chunk) -> Result<(), NotRun> {
    let terms = view.terms.as_ref().map_err(NotRun::clone)?;
    terms.fits(chunk).map_err(NotRun)
}

impl Entry {
    fn new(mut run: Run, asked: Instant, here: &ExecutionSite) -> Entry {
        let state = run.state;
        let cancel_now = run.cancel_now;
        let terms = run.terms(here).map(Arc::new).map_err(NotRun);
        if let Ok(terms) = &terms {
            // What is executed is what the manifest says.
            run.session_version = u32::from(terms.session_sql.is_some());
            run.session_sql = terms.session_sql.clone();
            run.not_atomic = terms.not_atomic;
        }
        Entry { run: Arc::new(run), terms, state, cancel_now, read: asked, since: asked }
    }

    /// Takes over a later reading. The manifest is verified again only if it is another one: that of a run is written
    /// once, before its first message.
    fn update(&mut self, run: Run, asked: Instant, here: &ExecutionSite) {
        let is_same = self.terms.is_ok()
            && run.manifest == self.run.manifest
            && run.manifest_signature == self.run.manifest_signature
            && (run.manifest.is_some() || run.total == self.run.total);
        if is_same {
            self.state = run.state;
            self.cancel_now = run.cancel_now;
            self.read = asked;
        } else {
            *self = Entry { since: self.since, ..Entry::new(run, asked, here) };
        }
    }

    fn view(&self) -> View {
        View { run: self.run.clone(), terms: self.terms.clone(), state: self.state }
    }
}
