//! What a slot spends on a delivery: tries at a job, and time under pressure.

use std::time::{Duration, Instant};

use queryfleet_job::{Outcome, Spent};

/// Counters of one delivery. Tries at a conflict and waits under pressure are counted apart.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    at_this_job: u32,
    pressed_since: Option<Instant>,
}

impl Tries {
    /// The next job of the delivery has its own tries; the database's pressure is the same.
    pub(crate) fn next_job(&mut self) {
        self.at_this_job = 0;
    }

    /// Records an attempt that has ended with `outcome`, and returns what is spent. `attempts` are the counted ones of
    /// earlier deliveries.
    pub(crate) fn record(&mut self, outcome: &Outcome, attempts: u32) -> Spent {
        let is_pressed = matches!(outcome, Outcome::Pressure(_) | Outcome::NotSent(_));
        self.at_this_job += 1;
        if is_pressed != self.pressed_since.is_some() {
            self.at_this_job = 1;
            self.pressed_since = is_pressed.then(Instant::now);
        }
        let held = self.pressed_since.map_or(Duration::ZERO, |since| since.elapsed());
        Spent { attempts, tries_here: self.at_this_job, held }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use queryfleet_job::Failure;

    #[test]
    fn conflicts_and_pressure_are_counted_apart() {
        let conflict = Outcome::Conflict(Failure::said("1213"));
        let pressure = Outcome::Pressure(Failure::said("1040"));
        let mut tries = Tries::default();
        assert_eq!(tries.record(&conflict, 4), Spent { attempts: 4, tries_here: 1, held: Duration::ZERO });
        assert_eq!(tries.record(&conflict, 4).tries_here, 2);
        assert_eq!(tries.record(&pressure, 4).tries_here, 1);
        let first = tries.record(&pressure, 4);
        assert_eq!(first.tries_here, 2);
        tries.next_job();
        let next = tries.record(&pressure, 4);
        assert!(next.tries_here == 1 && next.held >= first.held, "the pressure lasts: {next:?}");
        assert_eq!(tries.record(&conflict, 4), Spent { attempts: 4, tries_here: 1, held: Duration::ZERO });
    }
}
