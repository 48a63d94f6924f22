//! What is known of the statements of one shape.

use queryfleet_ledger::{Access, rows_read};

use crate::grouping::alone::Alone;

/// A statement that reads more rows holds locks for long.
const MANY_ROWS: u64 = 100;
/// What a statement by key takes in its chunk, in microseconds: measured on two cores for everything, with four slots.
const STATEMENT_US: u64 = 60;
/// What each row more takes.
const ROW_US: u64 = 10;
/// What a KiB of text and values takes: some ten rows of an INSERT.
const KIB_US: u64 = 50;

/// What is known of the statements of one shape.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Jobs of this shape so far.
    jobs: u64,
    /// Whether the server was asked about one of them.
    asked: bool,
    /// The longest statement that the server was asked about.
    longest: usize,
    /// The most rows that one of them reads.
    rows: u64,
    /// Why they are not grouped.
    alone: Option<Alone>,
    /// The first table that they write, as a digest.
    pub(super) table: u64,
}

impl Known {
    /// Counts a job of this many bytes, and says whether the server is to be asked about it: those of a shape are alike, but
    /// a range may become wider, and a list longer.
    pub(super) fn wants_explaining(&mut self, bytes: usize) -> bool {
        self.jobs += 1;
        !self.asked || self.alone.is_none() && (self.jobs.is_power_of_two() || bytes > 2 * self.longest)
    }

    /// Whether the server was asked about none of them.
    pub(super) fn is_new(&self) -> bool {
        !self.asked
    }

    /// Why they are not grouped.
    pub(super) fn alone(&self) -> Option<Alone> {
        if self.asked { self.alone } else { Some(Alone::NotExplained) }
    }

    /// They are not grouped, for this reason.
    pub(super) fn isolate(&mut self, alone: Alone) {
        self.asked = true;
        self.alone = Some(alone);
    }

    /// What the server says of a statement of this many bytes.
    pub(super) fn learn(&mut self, bytes: usize, accesses: &[Access]) {
        self.asked = true;
        self.longest = self.longest.max(bytes);
        self.rows = self.rows.max(rows_read(accesses));
        if accesses.iter().any(|access| access.all) {
            self.alone = Some(Alone::Scan);
        } else if self.rows > MANY_ROWS {
            self.alone = Some(Alone::ManyRows);
        }
    }

    /// What a statement of this many bytes takes, in microseconds.
    pub(super) fn time_us(&self, bytes: usize) -> u64 {
        STATEMENT_US + self.rows.saturating_sub(1) * ROW_US + bytes as u64 * KIB_US / 1024
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(rows: u64, all: bool) -> Access {
        Access { select: 1, table: "t".into(), all, rows }
    }

    #[test]
    fn the_worst_that_the_server_says_counts() {
        for (answers, alone, time_us) in [
            (vec![vec![]], None, 65),
            (vec![vec![access(1, false)]], None, 65),
            (vec![vec![access(11, false)], vec![access(1, false)]], None, 165),
            (vec![vec![access(10, false), access(10, false)]], None, 1055),
            (vec![vec![access(101, false)]], Some(Alone::ManyRows), 1065),
            (
                vec![vec![access(1, false)], vec![access(20, false), access(20, false)]],
                Some(Alone::ManyRows),
                4055,
            ),
            (vec![vec![access(3, true)]], Some(Alone::Scan), 85),
        ] {
            let mut known = Known::default();
            answers.iter().for_each(|accesses| known.learn(100, accesses));
            assert_eq!((known.alone(), known.time_us(115)), (alone, time_us), "{answers:?}");
        }
    }

    #[test]
    fn some_of_a_shape_are_asked_about_and_what_is_longer() {
        let mut known = Known::default();
        assert_eq!(known.alone(), Some(Alone::NotExplained));
        let asked: Vec<u64> = (1..=20)
            .filter(|job| {
                let bytes = if *job == 11 { 300 } else { 100 };
                let wants = known.wants_explaining(bytes);
                if wants {
                    known.learn(bytes, &[access(1, false)]);
                }
                wants
            })
            .collect();
        assert_eq!(asked, [1, 2, 4, 8, 11, 16]);
        known.isolate(Alone::Scan);
        assert!(!known.wants_explaining(10_000));
    }
}
