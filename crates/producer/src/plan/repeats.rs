//! Noticing jobs that change the same rows.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Conditions that are remembered: some 20 MB.
const MAX_CONDITIONS: usize = 1_000_000;

/// The conditions met so far. Two jobs with the same table and WHERE change the same rows; that others overlap is for
/// the server to know.
#[derive(Default)]
pub(super) struct Repeats {
    met: HashSet<u64>,
    left_out: bool,
}

impl Repeats {
    /// Whether a job before has changed this table under the same condition.
    pub(super) fn is_known(&mut self, table: Option<&str>, condition: u64) -> bool {
        let mut digest = DefaultHasher::new();
        (table, condition).hash(&mut digest);
        let digest = digest.finish();
        if self.met.len() >= MAX_CONDITIONS {
            self.left_out |= !self.met.contains(&digest);
            return self.met.contains(&digest);
        }
        !self.met.insert(digest)
    }

    /// Whether every condition was remembered.
    pub(super) fn is_complete(&self) -> bool {
        !self.left_out
    }
}
