//! Counting by kind and table.

use std::collections::HashMap;

use crate::plan::report::Counted;
use crate::seen::Seen;

/// How many tables are told apart: a plan stays small, whatever it reads.
const MAX_TABLES: usize = 1000;

#[derive(Default)]
pub(super) struct Tally {
    counts: HashMap<(String, Option<String>), Seen>,
}

impl Tally {
    pub(super) fn add(&mut self, kind: &str, table: Option<&str>, place: impl FnOnce() -> String) {
        let mut key = (kind.to_owned(), table.map(str::to_owned));
        if self.counts.len() >= MAX_TABLES && !self.counts.contains_key(&key) {
            key.1 = Some("(others)".into());
        }
        self.counts.entry(key).or_default().add(place);
    }

    /// The most first, equal ones by name.
    pub(super) fn sorted(self) -> Vec<Counted> {
        let mut all: Vec<Counted> =
            self.counts.into_iter().map(|((kind, table), seen)| Counted { kind, table, seen }).collect();
        all.sort_by(|a, b| {
            b.seen.count.cmp(&a.seen.count).then_with(|| (&a.kind, &a.table).cmp(&(&b.kind, &b.table)))
        });
        all
    }
}
