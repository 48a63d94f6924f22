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
use crate::shared::control::Control;
use crate::shared::pace::Pace;

/// A run that no message has named for this long is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(600);

/// What a worker knows of the runs that it serves; read again about once a second.
pub(crate) struct KnownRuns {
    /// For admissions, which wait for one another only. Opened at the start, so that no admission fails on a server that
    /// has no connection left.
    client: Mutex<LedgerClient>,
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
    /// The run's row as it was last read.
    row: Run,
    /// What messages of the run must match and what its jobs are executed under, or why none of them may run. Slots
    /// hold it while they execute jobs of the run, so its reference count tells whether there are any.
    terms: Result<Arc<Terms>, NotRun>,
    /// When the last reading was asked for.
    read: Instant,
    /// When a message made it known.
    since: Instant,
}

/// A copy of an entry, without a lock.
struct View {
    terms: Result<Arc<Terms>, NotRun>,
    state: RunState,
}

impl KnownRuns {
    /// A reading of a run's state counts for `counts_for`.
    pub(crate) fn new(client: LedgerClient, counts_for: Duration, here: ExecutionSite) -> KnownRuns {
        KnownRuns {
            client: Mutex::new(client),
            known: RwLock::default(),
            refreshed: Notify::new(),
            counts_for,
            here,
        }
    }

    /// Connects, and reads this ledger's identity and the holds: a worker that is started into a hold begins nothing.
    pub(crate) async fn connect(&self, control: &Control) -> Result<(), Error> {
        let mut client = self.client.lock().await;
        self.identify(&mut client).await?;
        control.read(&mut client).await
    }

    /// Keeps the server from ending the connection while there are no admissions.
    pub(crate) async fn keep_alive(&self) {
        // An admission that holds it keeps it alive as well. An error drops it: the next question opens another.
        if let Ok(mut client) = self.client.try_lock() {
            let _ = client.identity().await;
        }
    }

    /// Reads this ledger's identity, and forgets all runs if it is another one than before.
    pub(crate) async fn identify(&self, client: &mut LedgerClient) -> Result<(), Error> {
        let ledger = client.identity().await?;
        let mut known = self.write();
        if known.ledger.as_ref() != Some(&ledger) {
            *known = Known { ledger: Some(ledger), runs: HashMap::new() };
        }
        Ok(())
    }

    /// What the jobs of a chunk are executed under, as its run's manifest says.
    ///
    /// # Errors
    /// None of the chunk's jobs may run.
    pub(crate) async fn admit(&self, chunk: &Chunk) -> Result<Arc<Terms>, NotRun> {
        let view = self.recent(chunk).await?;
        is_open(view.state)?;
        if let Ok(terms) = view.terms_of(chunk) {
            return Ok(terms);
        }
        // A resumed publish may have written or renewed the manifest since that was read.
        let view = self.read_anew(&mut *self.client.lock().await, chunk).await?;
        is_open(view.state)?;
        view.terms_of(chunk)
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

    /// Reads the holds of the queue on the connection for admissions, when the heartbeat's reading is too old.
    ///
    /// # Errors
    /// None of the queue's jobs may begin.
    pub(crate) async fn read_control(&self, control: &Control) -> Result<(), NotRun> {
        let mut client = self.client.lock().await;
        // Another slot may have read them while this one waited for the connection.
        if control.is_recent() {
            return Ok(());
        }
        control.read(&mut client).await.map_err(|error| NotRun(error.outcome()))
    }

    /// Claims jobs under the rate of the queue, on the connection for admissions: see [`Pace::pay`].
    ///
    /// # Errors
    /// If the database cannot be asked.
    pub(crate) async fn pay(
        &self,
        pace: &Pace,
        queue: &str,
        rate: f64,
        jobs: u64,
    ) -> Result<Option<Duration>, NotRun> {
        pace.pay(&self.client, queue, rate, jobs).await.map_err(|error| NotRun(error.outcome()))
    }

    /// Claims ahead, on the same connection: see [`Pace::claim_ahead`]. Who then has to pay learns of an error.
    pub(crate) async fn claim_ahead(&self, pace: &Pace, queue: &str, rate: f64) {
        let _ = pace.claim_ahead(&self.client, queue, rate).await;
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

    /// Asks the database for the run of a chunk.
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

    /// Reads the state of every known run again, on a connection that no admission waits for.
    pub(crate) async fn refresh(&self, client: &mut LedgerClient) -> Result<(), Error> {
        let ids = self.forget_unused();
        let asked = Instant::now();
        let runs = client.runs().get(&ids).await?;
        self.replace(&ids, runs, asked);
        self.refreshed.notify_waiters();
        Ok(())
    }

    /// The runs of which there have been messages lately.
    pub(crate) fn known(&self) -> Vec<RunId> {
        self.read().runs.keys().copied().collect()
    }

    /// Forgets the runs of which there have been no messages for long, and returns the others.
    fn forget_unused(&self) -> Vec<RunId> {
        let mut known = self.write();
        known.runs.retain(|_, entry| entry.is_in_use());
        known.runs.keys().copied().collect()
    }

    fn replace(&self, ids: &[RunId], runs: Vec<Run>, asked: Instant) {
        let mut known = self.write();
        for id in ids {
            let is_gone = !runs.iter().any(|run| run.id == *id);
            if is_gone && known.runs.get(id).is_some_and(|entry| entry.read < asked) {
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
        self.read()
            .runs
            .get(&id)
            .is_some_and(|entry| entry.row.state == RunState::Cancelled && entry.row.cancel_now)
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

impl View {
    /// The terms of a chunk, if it is as its run was published.
    fn terms_of(&self, chunk: &Chunk) -> Result<Arc<Terms>, NotRun> {
        let terms = self.terms.clone()?;
        terms.fits(chunk).map_err(NotRun)?;
        Ok(terms)
    }
}

impl Entry {
    fn new(row: Run, asked: Instant, here: &ExecutionSite) -> Entry {
        let terms = row.terms(here).map(Arc::new).map_err(NotRun);
        Entry { row, terms, read: asked, since: asked }
    }

    /// Takes over a reading, unless one that was asked for later is here already: admissions and the heartbeat ask on
    /// connections of their own. The manifest is verified again only if it is another one: that of a run is written
    /// once, before its first message.
    fn update(&mut self, row: Run, asked: Instant, here: &ExecutionSite) {
        if asked < self.read {
            return;
        }
        let is_same = self.terms.is_ok()
            && row.manifest == self.row.manifest
            && row.manifest_signature == self.row.manifest_signature
            && (row.manifest.is_some() || row.total == self.row.total);
        if is_same {
            self.row = row;
            self.read = asked;
        } else {
            *self = Entry { since: self.since, ..Entry::new(row, asked, here) };
        }
    }

    /// Whether a slot executes jobs of the run, or a message has named it not long ago.
    fn is_in_use(&self) -> bool {
        let is_held = self.terms.as_ref().is_ok_and(|terms| Arc::strong_count(terms) > 1);
        is_held || self.since.elapsed() < FORGET_AFTER
    }

    fn view(&self) -> View {
        View { terms: self.terms.clone(), state: self.row.state }
    }
}
