//! The one way to wait.

use std::time::{Duration, Instant};

/// The pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Polls until `condition` holds, for at most this time. Returns whether it did.
pub(crate) fn within(deadline: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !condition() {
        if began.elapsed() >= deadline {
            return false;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    true
}

/// Polls until `condition` holds.
///
/// # Panics
/// When it does not hold within `deadline`; `what` completes "not in time: …".
pub fn eventually(deadline: Duration, what: &str, condition: impl FnMut() -> bool) {
    assert!(within(deadline, condition), "not in time ({deadline:?}): {what}");
}
