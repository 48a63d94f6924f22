//! How many rows a range holds: as told, or learned from the first ranges.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What a statement shall take.
const TARGET: Duration = Duration::from_millis(500);
/// Near enough.
const ENOUGH: Duration = Duration::from_millis(250);
/// The size that is tried first.
pub(crate) const FIRST: u64 = 100;
/// A small sample says little of a large range: a size grows by this factor at a time.
const GROWTH: u64 = 10;
/// More rows a transaction are never learned, for their locks and undo log.
const MOST: u64 = 100_000;

/// Rows a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// So many.
    Rows(u64),
    /// As many as a statement does in half a second.
    Auto,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        match text.parse() {
            _ if text == "auto" => Ok(Size::Auto),
            Ok(rows @ 1..=1_000_000) => Ok(Size::Rows(rows)),
            _ => Err("expected auto or a number of rows from 1 to 1000000".into()),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Size::Rows(rows) => write!(f, "{rows}"),
            Size::Auto => f.write_str("auto"),
        }
    }
}

/// The size to go on with after a statement over `size` rows took so long, and whether it needs no further trial.
pub(crate) fn learn(size: u64, took: Duration) -> (u64, bool) {
    let ideal = (size as f64 * TARGET.as_secs_f64() / took.as_secs_f64().max(1e-6)) as u64;
    let next = ideal.clamp(1, MOST).min(size * GROWTH);
    (next, took >= ENOUGH || next == MOST && size == MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_grows_until_its_statement_takes_long_enough() {
        let ms = Duration::from_millis;
        assert_eq!(learn(100, ms(1)), (1000, false));
        assert_eq!(learn(1000, ms(100)), (5000, false));
        assert_eq!(learn(5000, ms(600)), (4166, true));
        assert_eq!(learn(100, ms(20_000)), (2, true));
        assert_eq!(learn(1, ms(20_000)), (1, true));
        assert_eq!(learn(100_000, ms(1)), (100_000, true));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        assert_eq!("auto".parse(), Ok(Size::Auto));
        assert_eq!("1000".parse(), Ok(Size::Rows(1000)));
        for text in ["0", "-1", "1000001", "Auto", ""] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
