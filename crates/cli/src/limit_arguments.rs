//! The arguments of `queryfleet limit`.

use clap::Args;
use queryfleet_operator::{LimitChange, MOST_PERMITS};

#[derive(Args)]
pub(crate) struct LimitArgs {
    /// At most so many slots of all workers together have a message; `off`: as many as there are
    #[arg(long, value_name = "NUMBER|off", value_parser = slots)]
    slots: Option<Limited<u32>>,
    /// At most so many jobs begin on all workers together, such as 500/s, 100/min or 20/h; `off`: as fast as they can
    #[arg(long, value_name = "RATE|off", value_parser = rate)]
    rate: Option<Limited<f64>>,
    /// Why, for whoever finds the queue limited
    #[arg(long, value_name = "REASON")]
    pub(crate) because: Option<String>,
    /// Who limits it; the login name unless it is said
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// Print data as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A limit, or none.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Limited<T> {
    To(T),
    Off,
}

impl LimitArgs {
    /// Whether nothing is to be changed.
    pub(crate) fn only_shows(&self) -> bool {
        self.change().is_none()
    }

    pub(crate) fn change(&self) -> LimitChange {
        LimitChange { slots: self.slots.map(Into::into), rate: self.rate.map(Into::into) }
    }
}

impl<T> From<Limited<T>> for Option<T> {
    fn from(limited: Limited<T>) -> Option<T> {
        match limited {
            Limited::To(limit) => Some(limit),
            Limited::Off => None,
        }
    }
}

fn slots(text: &str) -> Result<Limited<u32>, String> {
    match text.parse() {
        _ if text == "off" => Ok(Limited::Off),
        Ok(0) => Err("a fleet without slots is held: queryfleet pause".to_owned()),
        Ok(slots) if slots <= MOST_PERMITS => Ok(Limited::To(slots)),
        _ => Err(format!("a number from 1 to {MOST_PERMITS}, or off")),
    }
}

/// The units of a rate, and their seconds.
const UNITS: [(&str, f64); 3] = [("s", 1.0), ("min", 60.0), ("h", 3600.0)];
/// The slowest and the fastest rate: what is slower is a hold, and nothing is faster.
const RATES: std::ops::RangeInclusive<f64> = 0.001..=1_000_000.0;

fn rate(text: &str) -> Result<Limited<f64>, String> {
    if text == "off" {
        return Ok(Limited::Off);
    }
    let wrong =
        || "jobs per time, from 0.001/s to 1000000/s, such as 500/s, 100/min or 20/h; or off".to_owned();
    let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
    let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    let rate = number.parse::<f64>().map_err(|_| wrong())? / seconds;
    if rate == 0.0 {
        return Err("a fleet at rate 0 is held: queryfleet pause".to_owned());
    }
    if RATES.contains(&rate) { Ok(Limited::To(rate)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_its_unit() {
        for (text, expected) in [("500/s", 500.0), ("30/min", 0.5), ("36/h", 0.01), ("0.5/s", 0.5)] {
            assert_eq!(rate(text), Ok(Limited::To(expected)), "{text}");
        }
        assert_eq!(rate("off"), Ok(Limited::Off));
        for wrong in ["500", "0/s", "-1/s", "x/s", "5/day", "NaN/s", "inf/s", "1e9/s", ""] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_limit_is_a_number_or_off() {
        assert_eq!(slots("40"), Ok(Limited::To(40)));
        assert_eq!(slots("off"), Ok(Limited::Off));
        for wrong in ["0", "-1", "10001", "many", "", "4.5"] {
            assert!(slots(wrong).is_err(), "{wrong}");
        }
    }
}
