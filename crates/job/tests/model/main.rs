//! The protocol as a model: every interleaving of two workers, a producer that may publish twice, a broker that may
//! redeliver, and a crash, a lost connection or a failed publish at every step.
//!
//! What happens to a job after an attempt is decided by the functions that the consumer runs, `job::settle::settle`
//! and `job::read_conflict`; the model supplies the world around them. In no state may a job have two effects, or an
//! effect without its ledger row; and where nothing is left to do, every published job has its ledger row.

mod explore;
mod world;

use explore::{Verdict, explore};
use world::{Bounds, Rules, World};

#[test]
fn one_job_survives_any_three_faults() {
    let bounds = Bounds { jobs: 1, publishes: 2, faults: 3 };
    let verdict = explore(World::new(bounds, Rules::default()));
    assert!(matches!(verdict, Verdict::Holds { states } if states > 10_000), "{verdict:?}");
}

#[test]
fn two_jobs_survive_any_fault() {
    let bounds = Bounds { jobs: 2, publishes: 1, faults: 1 };
    let verdict = explore(World::new(bounds, Rules::default()));
    assert!(matches!(verdict, Verdict::Holds { states } if states > 10_000), "{verdict:?}");
}

#[test]
fn the_model_sees_a_copy_that_comes_after_the_acknowledgement() {
    let rules = Rules { ack_before_copy: true, ..Rules::default() };
    let verdict = explore(World::new(Bounds { jobs: 1, publishes: 1, faults: 1 }, rules));
    assert!(matches!(verdict, Verdict::Lost(_)), "{verdict:?}");
}

#[test]
fn the_model_sees_a_ledger_that_is_not_asked() {
    let rules = Rules { ignore_ledger: true, ..Rules::default() };
    let verdict = explore(World::new(Bounds { jobs: 1, publishes: 2, faults: 0 }, rules));
    assert!(matches!(verdict, Verdict::Doubled(_)), "{verdict:?}");
}

#[test]
fn the_model_sees_an_acknowledgement_before_the_commit() {
    let rules = Rules { ack_before_commit: true, ..Rules::default() };
    let verdict = explore(World::new(Bounds { jobs: 1, publishes: 1, faults: 1 }, rules));
    assert!(matches!(verdict, Verdict::Lost(_)), "{verdict:?}");
}
