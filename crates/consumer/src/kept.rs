//! The runs of which a job has changed what no rollback undoes.
//!
//! Their jobs share no packet any more, and none is tried again after a doubt. Another worker finds out by itself.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use queryfleet_job::RunId;

/// Those that this worker has met.
#[derive(Default)]
pub(crate) struct Kept {
    any: AtomicBool,
    runs: RwLock<HashSet<RunId>>,
}

impl Kept {
    /// Whether the run is one of them.
    pub(crate) fn has(&self, run: RunId) -> bool {
        // Nobody panics while holding this lock.
        self.any.load(Ordering::Relaxed)
            && self.runs.read().unwrap_or_else(PoisonError::into_inner).contains(&run)
    }

    /// Takes a run in, and tells it once.
    pub(crate) fn note(&self, run: RunId) {
        if self.runs.write().unwrap_or_else(PoisonError::into_inner).insert(run) {
            self.any.store(true, Ordering::Relaxed);
            tracing::warn!(
                %run,
                "a job has changed a table that is not transactional: the run goes on one job at a time, and what fails \
                 is not tried again"
            );
        }
    }
}
