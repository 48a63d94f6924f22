//! Breadth-first over all states.

use std::collections::{HashSet, VecDeque};

use crate::world::World;

/// What the search has found.
#[derive(Debug)]
#[allow(dead_code)] // the states are there to be printed
pub(crate) enum Verdict {
    Holds { states: usize },
    Doubled(Box<World>),
    Lost(Box<World>),
    BrokeHold(Box<World>),
}

/// Visits every state that can be reached.
pub(crate) fn explore(start: World) -> Verdict {
    let mut seen = HashSet::from([start.clone()]);
    let mut next = VecDeque::from([start]);
    while let Some(world) = next.pop_front() {
        if world.is_doubled() {
            return Verdict::Doubled(Box::new(world));
        }
        if world.has_broken_a_hold() {
            return Verdict::BrokeHold(Box::new(world));
        }
        if world.is_at_rest() && world.has_lost() {
            return Verdict::Lost(Box::new(world));
        }
        assert!(seen.len() < 20_000_000, "the world has grown too large to be searched");
        for after in world.steps() {
            if seen.insert(after.clone()) {
                next.push_back(after);
            }
        }
    }
    Verdict::Holds { states: seen.len() }
}
