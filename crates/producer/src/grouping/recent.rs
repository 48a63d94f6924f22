//! The rows that the last jobs change, as far as their conditions tell.

use std::collections::HashMap;

/// Jobs that may be executed at the same time as one that is published now: some ten slots, each with a message.
const WINDOW: u64 = 4096;

/// Conditions, and the job that had each of them last.
#[derive(Default)]
pub(super) struct Recent {
    last: HashMap<u64, u64>,
    jobs: u64,
}

impl Recent {
    /// Notes the next job, and says whether a recent one had the same condition: one of another message, where the message
    /// that is being filled has `filled` jobs.
    pub(super) fn meets(&mut self, condition: Option<u64>, filled: u64) -> bool {
        self.jobs += 1;
        let Some(condition) = condition else { return false };
        if self.last.len() as u64 >= 2 * WINDOW {
            let oldest = self.jobs.saturating_sub(WINDOW);
            self.last.retain(|_, last| *last >= oldest);
        }
        let before = self.last.insert(condition, self.jobs);
        before.is_some_and(|before| self.jobs - before <= WINDOW && self.jobs - before > filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_another_message_may_still_change_counts() {
        let mut recent = Recent::default();
        assert!(!recent.meets(Some(1), 0));
        assert!(!recent.meets(Some(1), 1), "the same message");
        assert!(recent.meets(Some(1), 0), "the message before");
        assert!(!recent.meets(None, 0));
        for job in 0..3 * WINDOW {
            assert!(!recent.meets(Some(10 + job), 0));
        }
        assert!(!recent.meets(Some(1), 0), "it has long been done");
        assert!(recent.last.len() as u64 <= 2 * WINDOW);
    }
}
