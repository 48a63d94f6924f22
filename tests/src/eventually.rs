//! The one way to wait.

use std::time::{Duration, Instant};

/// The pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Polls until `condition` holds.
///
/// # Panics
/// When it does not hold within `deadline`; `what` completes "not in time: …".
pub fn eventually(deadline: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < deadline, "not in time ({deadline:?}): {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}
