//! How runs stand, in tuples.

use queryfleet::{RunEnd, RunStatus};

/// id, name, queue, state, total, published, done, dead, cancelled, started.
pub(crate) type Status = (u64, String, String, &'static str, Option<u64>, u64, u64, u64, u64, u64);

pub(crate) fn status(status: RunStatus) -> Status {
    let state = status.state.as_str();
    let RunStatus { id, name, queue, total, published, done, dead, cancelled, started, .. } = status;
    (id, name, queue, state, total, published, done, dead, cancelled, started)
}

pub(crate) fn ended(ended: RunEnd) -> (&'static str, Status) {
    (ended.end.as_str(), status(ended.status))
}
