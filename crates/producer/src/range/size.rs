//! Learning how many rows a range may hold, from the first ranges of a table.

use std::time::Duration;

/// How long the statement for one range shall take.
const TARGET: Duration = Duration::from_millis(500);
/// A trial that took this long says enough.
const LONG_ENOUGH: Duration = Duration::from_millis(250);
/// Rows of the first trial.
pub(crate) const FIRST_SIZE: u64 = 100;
/// A small sample says little of a large range: from trial to trial a size grows by this factor at most.
const MAX_GROWTH: u64 = 10;
/// More rows per transaction are never learned, because of their locks and undo log.
const LARGEST_LEARNED: u64 = 100_000;

/// What a trial says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Learned {
    /// Too little: try again with this size.
    TryNext(u64),
    /// This is the size.
    Use(u64),
}

impl Learned {
    /// The size, whether it needs another trial or not.
    pub(crate) fn size(self) -> u64 {
        match self {
            Learned::TryNext(size) | Learned::Use(size) => size,
        }
    }
}

/// What to learn from a statement over `size` rows that took so long.
pub(crate) fn learn(size: u64, took: Duration) -> Learned {
    let ideal = (size as f64 * TARGET.as_secs_f64() / took.as_secs_f64().max(1e-6)) as u64;
    let next = ideal.clamp(1, LARGEST_LEARNED).min(size * MAX_GROWTH);
    let is_largest = next == LARGEST_LEARNED && size == LARGEST_LEARNED;
    if took >= LONG_ENOUGH || is_largest { Learned::Use(next) } else { Learned::TryNext(next) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_grows_until_its_statement_takes_long_enough() {
        for (size, took_ms, learned) in [
            (100, 1, Learned::TryNext(1000)),
            (1000, 100, Learned::TryNext(5000)),
            (5000, 600, Learned::Use(4166)),
            (100, 20_000, Learned::Use(2)),
            (1, 20_000, Learned::Use(1)),
            (100_000, 1, Learned::Use(100_000)),
        ] {
            assert_eq!(learn(size, Duration::from_millis(took_ms)), learned, "{size} rows, {took_ms} ms");
        }
    }
}
