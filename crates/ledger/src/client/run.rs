//! A run as its row has it.

use mysql_async::Row;
use mysql_async::prelude::FromRow;
use queryfleet_job::{
    ExecutionSite, Manifest, NotAtomic, Outcome, RunId, StoredRun, Terms, UnsignedColumns, words,
};

use crate::Error;
use crate::row;

words! {
    /// The state of a run's row. Whether its jobs have ended is counted in the ledger, never stored.
    RunState {
        /// The end of its input is not yet confirmed.
        Publishing = "publishing",
        /// All of it is in the queue, or past it.
        Published = "published",
        /// It was cancelled.
        Cancelled = "cancelled",
        /// Its ledger rows are gone; the row stays so that its id is never used again.
        Purged = "purged",
    }
}

/// A run's row.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // the columns of queryfleet_run, commented there
pub struct Run {
    pub id: RunId,
    pub name: String,
    pub queue: String,
    pub state: RunState,
    pub total: Option<u64>,
    pub confirmed: u64,
    pub digest: Vec<u8>,
    /// Maximum jobs per message; 0 if the publish chooses.
    pub chunk: u32,
    pub session_sql: Option<String>,
    pub not_atomic: Option<NotAtomic>,
    pub cancel_now: bool,
    pub created: String,
    /// The bytes of its [`Manifest`]; `None` until it is published, and of a run that an older version has published.
    pub manifest: Option<Vec<u8>>,
    pub manifest_signature: Option<String>,
    /// How many jobs its manifest says.
    pub planned: Option<u64>,
    /// How many of them are published before somebody approves the rest, as its manifest says.
    pub canary: Option<u64>,
}

impl Run {
    /// The seq of its last job, as far as that is known. What is behind it is no job of the run: it is not counted, not
    /// cancelled and not executed.
    pub fn last_seq(&self) -> u64 {
        self.total.or(self.planned).unwrap_or(self.confirmed)
    }

    /// What its messages are held against, and what they are executed under.
    ///
    /// # Errors
    /// The outcome of every message of this run here.
    pub fn terms(&self, here: &ExecutionSite) -> Result<Terms, Outcome> {
        let signature = self.manifest_signature.as_deref().unwrap_or_default();
        let unsigned = UnsignedColumns {
            queue: &self.queue,
            session_sql: self.session_sql.as_deref(),
            not_atomic: self.not_atomic,
            total: self.total,
        };
        let manifest = self.manifest.as_deref().map(|bytes| (bytes, signature));
        Terms::of(&StoredRun { run: self.id, manifest, unsigned }, here)
    }
}

/// The columns of [`RunRow`].
pub(crate) const COLUMNS: &str = "id, name, queue, CAST(state AS CHAR) AS state, total, confirmed, digest, chunk, session_sql, \
    CAST(not_atomic AS CHAR) AS not_atomic, cancel_now, DATE_FORMAT(created, '%Y-%m-%d %H:%i:%s') AS created, manifest, \
    manifest_signature";

/// A run's row, as it is read.
#[derive(FromRow)]
struct RunRow {
    id: u64,
    name: String,
    queue: String,
    state: String,
    total: Option<u64>,
    confirmed: u64,
    digest: Vec<u8>,
    chunk: u32,
    session_sql: Option<String>,
    not_atomic: Option<String>,
    cancel_now: bool,
    created: String,
    manifest: Option<Vec<u8>>,
    manifest_signature: Option<String>,
}

/// The run in a row of [`COLUMNS`].
pub(crate) fn run(row: Row) -> Result<Run, Error> {
    let row: RunRow = row::read(row, "queryfleet_run")?;
    let manifest = row.manifest.as_deref().and_then(|bytes| Manifest::from_bytes(bytes).ok());
    let planned = manifest.as_ref().map(|manifest| manifest.total);
    let canary = manifest.and_then(|manifest| manifest.canary);
    let state = row.state.parse().map_err(|error| Error::Schema(format!("unknown run state: {error}")))?;
    let not_atomic =
        row.not_atomic.map(|word| word.parse()).transpose().map_err(|error| {
            Error::Schema(format!("unknown mode of non-transactional statements: {error}"))
        })?;
    Ok(Run {
        id: RunId(row.id),
        name: row.name,
        queue: row.queue,
        state,
        // The column says that all of it is published; how much that is its manifest has said from the first.
        total: row.total.map(|total| planned.unwrap_or(total)),
        confirmed: row.confirmed,
        digest: row.digest,
        chunk: row.chunk,
        session_sql: row.session_sql,
        not_atomic,
        cancel_now: row.cancel_now,
        created: row.created,
        manifest: row.manifest,
        manifest_signature: row.manifest_signature,
        planned,
        canary,
    })
}
