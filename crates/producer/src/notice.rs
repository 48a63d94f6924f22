//! A line for a person, where something may go wrong a thousand times an hour: the first time at once, then how often
//! it was every ten seconds.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time between two lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// What is told of one thing that a producer waits for.
#[derive(Default)]
pub(crate) struct Notice(Mutex<Told>);

#[derive(Default)]
struct Told {
    since: Option<Instant>,
    /// How often it was not told since.
    kept: u64,
}

impl Notice {
    /// Whether it is time for a line, and how often the same has not been told: as words to append, or nothing.
    pub(crate) fn due(&self) -> Option<String> {
        // A poisoned lock holds whole values.
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.since.is_some_and(|since| since.elapsed() < INTERVAL) {
            told.kept += 1;
            return None;
        }
        told.since = Some(Instant::now());
        match std::mem::take(&mut told.kept) {
            0 => Some(String::new()),
            kept => Some(format!(" ({kept} times more since the last line)")),
        }
    }

    /// Tells that something is waited for, when it is time for a line.
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
    fn of_a_flood_the_first_is_told_and_the_others_are_counted() {
        let notice = Notice::default();
        assert_eq!(notice.due().as_deref(), Some(""));
        (0..300).for_each(|_| assert_eq!(notice.due(), None));
        notice.0.lock().unwrap().since = None;
        assert_eq!(notice.due().as_deref(), Some(" (300 times more since the last line)"));
        assert_eq!(notice.due(), None);
    }
}
