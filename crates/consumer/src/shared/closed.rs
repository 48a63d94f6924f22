//! What the slots have met of closed runs: whether the sweeper is wanted.

use std::sync::atomic::{AtomicU32, Ordering};

use queryfleet_job::{LedgerState, Outcome};
use tokio::sync::Notify;

/// After so many messages of closed runs in a row, of all slots together, the rest of them are swept. A sweep may copy as
/// many messages of other runs as its window has.
const CLOSED_IN_A_ROW: u32 = 64;
/// Where messages are larger nothing is swept: what follows them may be as large.
const LARGEST_BYTES: usize = 64 << 10;

/// What the slots have met.
#[derive(Default)]
pub(crate) struct Sweep {
    closed_in_a_row: AtomicU32,
    wanted: Notify,
}

impl Sweep {
    /// Notes a message that a slot has met, of so many bytes, and whether its run is closed.
    pub(crate) fn note(&self, is_closed: bool, bytes: usize) {
        if !is_closed || bytes > LARGEST_BYTES {
            self.closed_in_a_row.store(0, Ordering::Relaxed);
        } else if self.closed_in_a_row.fetch_add(1, Ordering::Relaxed) + 1 == CLOSED_IN_A_ROW {
            self.wanted.notify_one();
        }
    }

    /// Waits until the slots have met nothing but messages of closed runs for a while.
    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
        self.closed_in_a_row.store(0, Ordering::Relaxed);
    }
}

/// Whether a message ends unrun since its run was cancelled or purged.
pub(crate) fn is_closed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::EndedBefore(LedgerState::Cancelled) | Outcome::Stale)
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn only_small_messages_of_closed_runs_in_a_row_are_swept() {
        let is_wanted = |sweep: &Sweep| {
            matches!(pin!(sweep.wanted()).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()))
        };
        let sweep = Sweep::default();
        (1..CLOSED_IN_A_ROW).for_each(|_| sweep.note(true, 100));
        assert!(!is_wanted(&sweep));
        sweep.note(false, 100);
        (1..CLOSED_IN_A_ROW).for_each(|_| sweep.note(true, 100));
        sweep.note(true, LARGEST_BYTES + 1);
        sweep.note(true, 100);
        assert!(!is_wanted(&sweep));
        (1..CLOSED_IN_A_ROW).for_each(|_| sweep.note(true, 100));
        assert!(is_wanted(&sweep));
        assert!(!is_wanted(&sweep), "once");
    }
}
