//! The sessions of the worker's slots, written down before they execute anything under a permit: when the worker is gone,
//! others see by them whether its statements are.

use std::sync::{Mutex, MutexGuard, PoisonError};

use queryfleet_ledger::{Error, LedgerClient, SessionFacts, SessionRef};

/// The sessions as they are, and as the worker's row has them.
pub(crate) struct Sessions {
    known: Mutex<Known>,
}

struct Known {
    slots: Vec<Option<SessionRef>>,
    /// The number of changes so far, and the one that the worker's row is known to have; `None` if it is not known.
    changes: u64,
    written: Option<u64>,
}

impl Sessions {
    pub(crate) fn new(slots: usize) -> Sessions {
        Sessions { known: Mutex::new(Known { slots: vec![None; slots], changes: 0, written: None }) }
    }

    /// Notes the session of a slot, counted from 0.
    pub(crate) fn note(&self, slot: usize, facts: &SessionFacts) {
        let SessionFacts { connection_id, host, server, .. } = facts;
        let mut known = self.lock();
        if known.slots[slot].as_ref().is_some_and(|known| {
            known.id == *connection_id && known.client == *host && known.server == *server
        }) {
            return;
        }
        let session = SessionRef { id: *connection_id, client: host.clone(), server: server.clone() };
        known.slots[slot] = Some(session);
        known.changes += 1;
    }

    /// The worker's row may be another one now: what it has is not known.
    pub(crate) fn forget_written(&self) {
        self.lock().written = None;
    }

    /// Whether the worker's row has them all.
    pub(crate) fn are_written(&self) -> bool {
        let known = self.lock();
        known.written == Some(known.changes)
    }

    /// Writes them into the worker's row, unless they are there. Returns false if the worker has no row.
    ///
    /// # Errors
    /// If the database cannot be asked.
    pub(crate) async fn write(&self, client: &mut LedgerClient, worker_id: &str) -> Result<bool, Error> {
        let (sessions, changes) = {
            let known = self.lock();
            if known.written == Some(known.changes) {
                return Ok(true);
            }
            (known.slots.iter().flatten().cloned().collect::<Vec<SessionRef>>(), known.changes)
        };
        let has_row = client.workers().note_sessions(worker_id, &sessions).await?;
        if has_row {
            // What was noted meanwhile is not there yet.
            self.lock().written = Some(changes);
        }
        Ok(has_row)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // The lock guards assignments of whole values.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
