//! Whether jobs of a queue may begin: one pure function of the holds on it.

/// A hold on a queue, as the workers that obey it need to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its number, by which it is lifted.
    pub id: u64,
    /// Who has placed it.
    pub by: String,
    /// Why.
    pub because: String,
    /// Whether running statements have to end as well, except those that are not atomic.
    pub ends_running: bool,
}

/// What a worker may do with the jobs of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Jobs begin.
    Open,
    /// No job begins. Running statements end by themselves, or are ended with `ends_running`.
    Held {
        /// Whether they are ended.
        ends_running: bool,
    },
}

/// What these holds, all of those in force, let a worker do. Each counts for itself: two people may hold a queue for two
/// reasons.
pub fn gate(holds: &[Hold]) -> Gate {
    if holds.is_empty() {
        return Gate::Open;
    }
    Gate::Held { ends_running: holds.iter().any(|hold| hold.ends_running) }
}

impl std::fmt::Display for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "hold {} by {}", self.id, self.by)?;
        if self.because.is_empty() { Ok(()) } else { write!(f, ": {}", self.because) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(id: u64, ends_running: bool) -> Hold {
        Hold { id, by: "a".into(), because: "replicas lag".into(), ends_running }
    }

    #[test]
    fn one_hold_is_enough_and_one_of_them_may_end_what_runs() {
        for (holds, expected) in [
            (vec![], Gate::Open),
            (vec![hold(1, false)], Gate::Held { ends_running: false }),
            (vec![hold(1, false), hold(2, true)], Gate::Held { ends_running: true }),
        ] {
            assert_eq!(gate(&holds), expected, "{holds:?}");
        }
        assert_eq!(hold(3, false).to_string(), "hold 3 by a: replicas lag");
    }
}
