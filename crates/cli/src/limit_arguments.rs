//! The arguments of `queryfleet limit`.

use clap::Args;
use queryfleet_operator::{LimitChange, MOST_PERMITS};

#[derive(Args)]
pub(crate) struct LimitArgs {
    /// At most so many slots of all workers together have a message; `off`: as many as there are
    #[arg(long, value_name = "NUMBER|off", value_parser = slots)]
    slots: Option<Limited<u32>>,
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
        LimitChange { slots: self.slots.map(|slots| slots.into()) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_or_off() {
        assert_eq!(slots("40"), Ok(Limited::To(40)));
        assert_eq!(slots("off"), Ok(Limited::Off));
        for wrong in ["0", "-1", "10001", "many", "", "4.5"] {
            assert!(slots(wrong).is_err(), "{wrong}");
        }
    }
}
