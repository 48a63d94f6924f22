//! A run as its row has it.

use mysql_async::Row;
use mysql_async::prelude::FromValue;
use queryfleet_job::{
    ExecutionSite, Manifest, NotAtomic, Outcome, RunId, StoredRun, Terms, UnsignedColumns, words,
};

use crate::row::read_column;

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
    pub chunk: u32,
    pub session_version: u32,
    pub session_sql: Option<String>,
    pub not_atomic: Option<NotAtomic>,
    pub cancel_now: bool,
    pub created: String,
    /// The bytes of its [`Manifest`]; `None` until it is published, and of a run that an older version has published.
    pub manifest: Option<Vec<u8>>,
    pub manifest_signature: Option<String>,
    /// How many jobs its manifest says.
    pub planned: Option<u64>,
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

/// What [`run`] reads, in its order.
pub(crate) const COLUMNS: &str = "id, name, queue, CAST(state AS CHAR), total, confirmed, digest, chunk, session_version, \
    session_sql, CAST(not_atomic AS CHAR), DATE_FORMAT(created, '%Y-%m-%d %H:%i:%s'), cancel_now, manifest, manifest_signature";

/// The run in a row of [`COLUMNS`].
pub(crate) fn run(row: Row) -> Result<Run, String> {
    fn column<T: FromValue>(row: &Row, index: usize) -> Result<T, String> {
        read_column(row, index, "a run")
    }
    let state: String = column(&row, 3)?;
    let not_atomic: Option<String> = column(&row, 10)?;
    let manifest: Option<Vec<u8>> = column(&row, 13)?;
    let planned = manifest.as_deref().and_then(|bytes| Manifest::from_bytes(bytes).ok()).map(|run| run.total);
    let total: Option<u64> = column(&row, 4)?;
    Ok(Run {
        id: RunId(column(&row, 0)?),
        name: column(&row, 1)?,
        queue: column(&row, 2)?,
        state: state.parse().map_err(|error| format!("unknown run state: {error}"))?,
        // The column says that all of it is published; how much that is its manifest has said from the first.
        total: total.map(|total| planned.unwrap_or(total)),
        confirmed: column(&row, 5)?,
        digest: column(&row, 6)?,
        chunk: column(&row, 7)?,
        session_version: column(&row, 8)?,
        session_sql: column(&row, 9)?,
        not_atomic: not_atomic
            .map(|word| word.parse())
            .transpose()
            .map_err(|error| format!("unknown mode of non-transactional statements: {error}"))?,
        created: column(&row, 11)?,
        cancel_now: column::<u8>(&row, 12)? != 0,
        manifest,
        manifest_signature: column(&row, 14)?,
        planned,
    })
}
