//! Rate-limited warnings, for what may go wrong a thousand times per hour: one line at the first time, then one line per
//! ten seconds that says how often it happened.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time between two lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// The warnings about one thing that a producer waits for.
#[derive(Default)]
pub(crate) struct Notice(Mutex<Logged>);

#[derive(Default)]
struct Logged {
    last: Option<Instant>,
    /// Warnings since then that were left out.
    left_out: u64,
}

impl Notice {
    /// The words to append to a line that is due now, which say how many were left out before it; `None` if none is due.
    pub(crate) fn due(&self) -> Option<String> {
        // A poisoned lock holds whole values.
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.last.is_some_and(|last| last.elapsed() < INTERVAL) {
            logged.left_out += 1;
            return None;
        }
        logged.last = Some(Instant::now());
        match std::mem::take(&mut logged.left_out) {
            0 => Some(String::new()),
            left_out => Some(format!(" ({left_out} times more since the last line)")),
        }
    }

    /// Warns that something is waited for, if a line is due.
    pub(crate) fn warn(&self, what: &str, error: &dyn std::error::Error) {
        if let Some(more) = self.due() {
            tracing::warn!("{what}: {}{more}", queryfleet_job::causes(error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_flood_the_first_is_logged_and_the_others_are_counted() {
        let notice = Notice::default();
        assert_eq!(notice.due().as_deref(), Some(""));
        (0..300).for_each(|_| assert_eq!(notice.due(), None));
        notice.0.lock().unwrap().last = None;
        assert_eq!(notice.due().as_deref(), Some(" (300 times more since the last line)"));
        assert_eq!(notice.due(), None);
    }
}
