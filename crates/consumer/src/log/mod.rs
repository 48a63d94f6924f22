//! What a worker logs about its jobs and slots: each event at debug, and at info and warn what [`LogThrottle`] lets
//! through.

mod throttle;

use queryfleet_job::{Outcome, RunId, Settlement};

pub(crate) use throttle::{Event, EventKind, LogThrottle};

/// A job as the log names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JobRef {
    pub(crate) run: RunId,
    pub(crate) seq: u64,
    /// The number of the slot that has it, from 1; `None` in the collector.
    pub(crate) slot: Option<usize>,
}

/// Logs what becomes of a job, once per delivery.
pub(crate) fn job_settled(worker: &str, job: JobRef, outcome: &Outcome, settlement: Settlement) {
    tracing::debug!(
        run = %job.run,
        seq = job.seq,
        slot = job.slot,
        worker,
        class = outcome.class().as_str(),
        error = outcome.failure().map(tracing::field::display),
        settlement = settlement.as_str(),
        "job settled"
    );
}

/// Logs a failed attempt that is followed by another one in the same delivery.
pub(crate) fn attempt_repeated(worker: &str, job: JobRef, outcome: &Outcome) {
    tracing::debug!(
        run = %job.run,
        seq = job.seq,
        slot = job.slot,
        worker,
        class = outcome.class().as_str(),
        error = outcome.failure().map(tracing::field::display),
        "attempt failed, and is repeated"
    );
}

/// Logs what becomes of a message that is not run.
pub(crate) fn message_settled(worker: &str, slot: usize, outcome: &Outcome, settlement: Settlement) {
    tracing::debug!(
        slot,
        worker,
        class = outcome.class().as_str(),
        error = outcome.failure().map(tracing::field::display),
        settlement = settlement.as_str(),
        "message settled"
    );
}

/// Logs why a slot cannot serve, each time.
pub(crate) fn slot_cannot_serve(worker: &str, slot: usize, dependency: &str, error: &str) {
    tracing::debug!(slot, worker, class = dependency, error, "slot cannot serve");
}
