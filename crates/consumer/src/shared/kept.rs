//! The runs of which a job has changed what no rollback undoes.
//!
//! Their jobs no longer share a packet, and none is tried again after a doubt. Each worker finds out for itself.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use queryfleet_job::RunId;

/// Those that this worker has met.
#[derive(Default)]
pub(crate) struct Kept {
    /// Almost always false: then no job takes the lock.
    is_any: AtomicBool,
    runs: RwLock<HashSet<RunId>>,
}

impl Kept {
    /// Whether the run is one of them.
    pub(crate) fn has(&self, run: RunId) -> bool {
        // Nobody panics while holding this lock.
        self.is_any.load(Ordering::Relaxed)
            && self.runs.read().unwrap_or_else(PoisonError::into_inner).contains(&run)
    }

    /// Adds a run, and logs it once.
    pub(crate) fn add(&self, run: RunId) {
        if self.runs.write().unwrap_or_else(PoisonError::into_inner).insert(run) {
            self.is_any.store(true, Ordering::Relaxed);
            tracing::warn!(
                %run,
                "a job has changed a table that is not transactional: the run continues one job at a time, and failed \
                 jobs are not retried"
            );
        }
    }
}
