//! The sessions of the worker's slots, written down before they execute anything under a permit: when the worker is gone,
//! others see by them whether its statements are.
//!
//! A statement outlives its session, too: the server may execute it on after the connection broke, or undo it for longer than
//! its killer waits. Such a former session stays with its slot, which begins nothing under a limit until the server lists
//! it no longer.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use queryfleet_ledger::{Error, LedgerClient, ListedSessions, SessionFacts, SessionRef};

/// The sessions as they are, and as the worker's row has them.
pub(crate) struct Sessions {
    known: Mutex<Known>,
}

struct Known {
    slots: Vec<OfSlot>,
    /// The number of changes so far, and the one that the worker's row is known to have; `None` if it is not known.
    changes: u64,
    written: Option<u64>,
}

#[derive(Clone, Default)]
struct OfSlot {
    now: Option<SessionRef>,
    /// Those before it that the server may list still.
    former: Vec<SessionRef>,
}

impl Known {
    /// Those that the slots have now, and those before them.
    fn all(&self) -> impl Iterator<Item = &SessionRef> {
        self.slots.iter().flat_map(|of| of.now.iter().chain(&of.former))
    }
}

impl Sessions {
    pub(crate) fn new(slots: usize) -> Sessions {
        let slots = vec![OfSlot::default(); slots];
        Sessions { known: Mutex::new(Known { slots, changes: 0, written: None }) }
    }

    /// Notes the session of a slot, counted from 0.
    pub(crate) fn note(&self, slot: usize, facts: &SessionFacts) {
        let SessionFacts { connection_id, host, server, .. } = facts;
        let mut known = self.lock();
        let of_slot = &mut known.slots[slot];
        if of_slot.now.as_ref().is_some_and(|known| {
            known.id == *connection_id && known.client == *host && known.server == *server
        }) {
            return;
        }
        let session = SessionRef { id: *connection_id, client: host.clone(), server: server.clone() };
        of_slot.former.extend(of_slot.now.replace(session));
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

    /// The slots that have a former session.
    pub(crate) fn with_former(&self) -> BTreeSet<usize> {
        let known = self.lock();
        known.slots.iter().enumerate().filter(|(_, of)| !of.former.is_empty()).map(|(slot, _)| slot).collect()
    }

    /// Forgets the former sessions that have ended.
    pub(crate) fn forget_ended(&self, listed: &ListedSessions) {
        for of_slot in &mut self.lock().slots {
            of_slot.former.retain(|session| !listed.has_ended(session));
        }
    }

    /// Whether none of them executes anything any more, those that slots have had last among them.
    pub(crate) fn have_ended(&self, listed: &ListedSessions) -> bool {
        let known = self.lock();
        known.all().all(|session| listed.has_ended(session))
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
            (known.all().cloned().collect::<Vec<SessionRef>>(), known.changes)
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
