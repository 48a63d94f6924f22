//! Whether jobs of a queue may begin: one pure function of the holds on it and of the worker's permits.

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
    /// Jobs begin on so many of the worker's slots, those with the lowest numbers.
    Limited {
        /// How many.
        slots: u32,
    },
    /// No job begins. Running statements end by themselves, or are ended with `ends_running`.
    Held {
        /// Whether they are ended.
        ends_running: bool,
    },
}

/// What these holds, all of those in force, and so many valid permits let a worker do; `permits` is `None` where the slots
/// of the fleet are not limited. Each hold counts for itself: two people may hold a queue for two reasons.
pub fn gate(holds: &[Hold], permits: Option<u32>) -> Gate {
    if !holds.is_empty() {
        return Gate::Held { ends_running: holds.iter().any(|hold| hold.ends_running) };
    }
    permits.map_or(Gate::Open, |slots| Gate::Limited { slots })
}

impl Gate {
    /// Whether a slot of the worker, counted from 0, may take messages and begin their jobs.
    pub fn admits(self, slot: u32) -> bool {
        match self {
            Gate::Open => true,
            Gate::Limited { slots } => slot < slots,
            Gate::Held { .. } => false,
        }
    }
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
        for (holds, permits, expected) in [
            (vec![], None, Gate::Open),
            (vec![], Some(2), Gate::Limited { slots: 2 }),
            (vec![hold(1, false)], None, Gate::Held { ends_running: false }),
            (vec![hold(1, false), hold(2, true)], Some(2), Gate::Held { ends_running: true }),
        ] {
            assert_eq!(gate(&holds, permits), expected, "{holds:?}");
        }
        let admitted = |gate: Gate| (0..3).filter(|slot| gate.admits(*slot)).count();
        assert_eq!(admitted(Gate::Open), 3);
        assert_eq!(admitted(Gate::Limited { slots: 2 }), 2);
        assert_eq!(admitted(Gate::Held { ends_running: false }), 0);
        assert_eq!(hold(3, false).to_string(), "hold 3 by a: replicas lag");
    }
}
