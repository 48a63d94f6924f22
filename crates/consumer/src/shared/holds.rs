//! The holds on the worker's queue, as it has last read them.

use std::time::{Duration, Instant};

use queryfleet_job::{Failure, Gate, Hold, Outcome, gate};
use queryfleet_ledger::{Error, HoldRow, LedgerClient};
use tokio::sync::watch;

use crate::not_run::NotRun;

/// A reading counts for this many intervals between two of them: a job begins at most so long, and the time that reading
/// takes, after a hold was placed.
const COUNTS_FOR_INTERVALS: f64 = 1.5;

/// The holds that this worker obeys.
pub(crate) struct Holds {
    queue: String,
    counts_for: Duration,
    seen: watch::Sender<Seen>,
}

/// One reading.
#[derive(Clone)]
struct Seen {
    /// `None`: the ledger was set up by a version without holds.
    holds: Option<Vec<Hold>>,
    /// When it was asked for; `None` before the first.
    asked: Option<Instant>,
}

impl Seen {
    fn gate(&self) -> Gate {
        gate(self.holds.as_deref().unwrap_or_default())
    }
}

impl Holds {
    pub(crate) fn new(queue: &str, poll_interval: Duration) -> Holds {
        Holds {
            queue: queue.to_owned(),
            counts_for: poll_interval.mul_f64(COUNTS_FOR_INTERVALS),
            seen: watch::Sender::new(Seen { holds: None, asked: None }),
        }
    }

    /// Reads the holds in force.
    ///
    /// # Errors
    /// If the database cannot be asked. What was read before stays in force.
    pub(crate) async fn read(&self, client: &mut LedgerClient) -> Result<(), Error> {
        let asked = Instant::now();
        let rows = client.holds().in_force(&self.queue).await?;
        let holds = rows.map(|rows| rows.into_iter().map(|HoldRow { hold, .. }| hold).collect());
        self.seen.send_if_modified(|seen| {
            // One that was asked for later is here already.
            if seen.asked.is_some_and(|last| last > asked) {
                return false;
            }
            seen.asked = Some(asked);
            let is_news = seen.holds != holds;
            seen.holds = holds;
            is_news
        });
        Ok(())
    }

    /// The holds as they were last read; `None` if the ledger has no such table.
    pub(crate) fn known(&self) -> Option<Vec<Hold>> {
        self.seen.borrow().holds.clone()
    }

    /// Whether the last reading still counts.
    pub(crate) fn is_recent(&self) -> bool {
        self.seen.borrow().asked.is_some_and(|asked| asked.elapsed() < self.counts_for)
    }

    /// Whether no job may begin.
    pub(crate) fn is_held(&self) -> bool {
        self.seen.borrow().gate() != Gate::Open
    }

    /// Whether a job may begin, by the last reading.
    ///
    /// # Errors
    /// The queue is held; the job goes back to it.
    pub(crate) fn check(&self) -> Result<(), NotRun> {
        let seen = self.seen.borrow();
        match seen.holds.as_deref().and_then(<[Hold]>::first) {
            Some(hold) if seen.gate() != Gate::Open => {
                Err(NotRun(Outcome::Interrupted(Failure::said(format!("the queue is held: {hold}")))))
            }
            _ => Ok(()),
        }
    }

    /// Waits until the queue is held.
    pub(crate) async fn held(&self) {
        self.until(|gate| gate != Gate::Open).await;
    }

    /// Waits until jobs may begin.
    pub(crate) async fn released(&self) {
        self.until(|gate| gate == Gate::Open).await;
    }

    /// Waits until running statements have to end, except those that are not atomic.
    pub(crate) async fn must_end(&self) {
        self.until(|gate| gate == Gate::Held { ends_running: true }).await;
    }

    /// Whether running statements have to end, except those that are not atomic.
    pub(crate) fn is_now(&self) -> bool {
        self.seen.borrow().gate() == Gate::Held { ends_running: true }
    }

    async fn until(&self, wanted: impl Fn(Gate) -> bool) {
        // The sender is in `self`, so the channel is open as long as anybody waits.
        let _ = self.seen.subscribe().wait_for(|seen| wanted(seen.gate())).await;
    }
}
