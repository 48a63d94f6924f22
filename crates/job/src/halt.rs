//! When a run has failed too often to continue: a pure function of how many of its jobs have ended and how many are dead.

use std::fmt;
use std::str::FromStr;

/// A share says nothing before so many jobs have ended.
const LEAST_ENDED: u64 = 20;

/// The dead jobs at which the queue of a run is held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Halt {
    /// So many.
    Jobs(u64),
    /// Per cent of those that have ended.
    Percent(f64),
}

/// How many jobs of a run have ended, and how many of them are dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that have ended.
    pub ended: u64,
    /// The dead ones.
    pub dead: u64,
}

impl Halt {
    /// Whether what has ended since `base`, when somebody has looked last, is too much.
    pub fn is_reached(self, base: Tally, now: Tally) -> bool {
        // A replay takes jobs back.
        let dead = now.dead.saturating_sub(base.dead);
        let ended = now.ended.saturating_sub(base.ended);
        match self {
            Halt::Jobs(jobs) => dead >= jobs,
            Halt::Percent(percent) => {
                ended >= LEAST_ENDED && dead > 0 && dead as f64 * 100.0 >= percent * ended as f64
            }
        }
    }
}

impl FromStr for Halt {
    type Err = String;

    fn from_str(text: &str) -> Result<Halt, String> {
        let wrong = || "a number of dead jobs such as 100, or a share such as 5%".to_owned();
        match text.strip_suffix('%') {
            Some(percent) => match percent.parse() {
                Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(Halt::Percent(percent)),
                _ => Err(wrong()),
            },
            None => match text.parse() {
                Ok(jobs) if jobs > 0 => Ok(Halt::Jobs(jobs)),
                _ => Err(wrong()),
            },
        }
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Halt::Jobs(jobs) => write!(f, "{jobs}"),
            Halt::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Tally {
    /// As a run's row has it.
    pub fn encode(self) -> String {
        format!("{}/{}", self.dead, self.ended)
    }

    /// Reads that; nothing, if it is something else.
    pub fn decode(text: &str) -> Tally {
        let numbers =
            text.split_once('/').and_then(|(dead, ended)| Some((dead.parse().ok()?, ended.parse().ok()?)));
        numbers.map(|(dead, ended)| Tally { ended, dead }).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_counts_from_the_first_and_a_share_from_some() {
        let none = Tally::default();
        for (halt, base, dead, ended, reached) in [
            ("3", none, 2, 1000, false),
            ("3", none, 3, 3, true),
            ("5%", none, 19, 19, false),
            ("5%", none, 1, 20, true),
            ("5%", none, 4, 100, false),
            ("5%", none, 5, 100, true),
            ("0.1%", none, 0, 100, false),
            // After somebody has looked only what follows counts.
            ("5%", Tally { ended: 100, dead: 50 }, 50, 1000, false),
            ("5%", Tally { ended: 100, dead: 50 }, 100, 1000, true),
            ("3", Tally { ended: 100, dead: 50 }, 52, 1000, false),
            // They were replayed.
            ("3", Tally { ended: 100, dead: 50 }, 3, 1000, false),
        ] {
            let halt: Halt = halt.parse().unwrap();
            assert_eq!(halt.is_reached(base, Tally { ended, dead }), reached, "{halt} {dead} {ended}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for text in ["100", "5%", "0.5%"] {
            assert_eq!(text.parse::<Halt>().unwrap().to_string(), text);
        }
        for wrong in ["", "0", "0%", "101%", "-1", "x", "5 %", "NaN%"] {
            assert!(wrong.parse::<Halt>().is_err(), "{wrong}");
        }
        let tally = Tally { ended: 7, dead: 2 };
        assert_eq!(Tally::decode(&tally.encode()), tally);
        assert_eq!(Tally::decode(""), Tally::default());
    }
}
