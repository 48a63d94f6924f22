//! Which slots have their connections.

use std::sync::atomic::{AtomicBool, Ordering};

use queryfleet_metrics::Dependency;

/// What has changed when a slot notes whether it is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    /// Nothing: it was so before.
    Unchanged,
    /// Its first connection.
    Connected,
    /// A connection after a lost one.
    Reconnected,
    /// It had a connection, and has none any more.
    Lost,
}

/// The connections of all slots to one server.
struct PerSlot {
    slots: Vec<SlotConnection>,
}

/// Only its own slot writes it; the other slots only read `is_up`.
#[derive(Default)]
struct SlotConnection {
    is_up: AtomicBool,
    /// A connection that never was cannot be lost.
    was_up: AtomicBool,
}

impl PerSlot {
    fn new(slots: usize) -> PerSlot {
        PerSlot { slots: (0..slots).map(|_| SlotConnection::default()).collect() }
    }

    fn note(&self, slot: usize, is_up: bool) -> Transition {
        let connection = &self.slots[slot];
        let before = connection.is_up.swap(is_up, Ordering::Relaxed);
        if before == is_up {
            return Transition::Unchanged;
        }
        if !is_up {
            return Transition::Lost;
        }
        if connection.was_up.swap(true, Ordering::Relaxed) {
            return Transition::Reconnected;
        }
        Transition::Connected
    }
}

/// The connections of all slots to both servers.
pub(crate) struct Connections {
    broker: PerSlot,
    database: PerSlot,
}

impl Connections {
    pub(crate) fn new(slots: usize) -> Connections {
        Connections { broker: PerSlot::new(slots), database: PerSlot::new(slots) }
    }

    /// Notes whether a slot, counted from 0, is connected to a server.
    pub(crate) fn note(&self, dependency: Dependency, slot: usize, is_up: bool) -> Transition {
        self.to(dependency).note(slot, is_up)
    }

    /// Whether any slot is connected to a server.
    pub(crate) fn is_any_up(&self, dependency: Dependency) -> bool {
        self.to(dependency).slots.iter().any(|connection| connection.is_up.load(Ordering::Relaxed))
    }

    fn to(&self, dependency: Dependency) -> &PerSlot {
        match dependency {
            Dependency::Broker => &self.broker,
            Dependency::Database => &self.database,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Dependency::{Broker, Database};

    #[test]
    fn a_connection_is_first_made_then_lost_then_made_again() {
        let connections = Connections::new(2);
        for (is_up, expected) in [
            (false, Transition::Unchanged),
            (true, Transition::Connected),
            (true, Transition::Unchanged),
            (false, Transition::Lost),
            (false, Transition::Unchanged),
            (true, Transition::Reconnected),
        ] {
            assert_eq!(connections.note(Database, 1, is_up), expected, "{is_up}");
        }
        assert_eq!(connections.note(Broker, 1, true), Transition::Connected);
        assert_eq!(connections.note(Database, 0, true), Transition::Connected);
    }

    #[test]
    fn a_worker_is_connected_while_any_slot_is() {
        let connections = Connections::new(2);
        assert!(!connections.is_any_up(Broker));
        connections.note(Broker, 0, true);
        connections.note(Broker, 1, true);
        connections.note(Broker, 0, false);
        assert!(connections.is_any_up(Broker) && !connections.is_any_up(Database));
        connections.note(Broker, 1, false);
        assert!(!connections.is_any_up(Broker));
    }
}
