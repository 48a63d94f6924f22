//! The protocol as a model: every interleaving of two workers, a producer that may publish twice, a broker that may
//! redeliver, and a crash, a lost connection or a failed publish at every step.
//!
//! What happens to a job after an attempt is decided by the functions that the consumer runs, `queryfleet_job::settle::settle`
//! and `queryfleet_job::read_conflict`; the model supplies the world around them. In no state may a job have two effects, or an
//! effect without its ledger row, nor what no rollback undoes twice; no job begins on a worker that has seen a hold,
//! and none costs a delivery; and where nothing is left to do, every published job has its ledger row.

mod explore;
mod world;

use explore::{Verdict, explore};
use world::{Bounds, Rules, World};

#[test]
fn one_job_survives_any_three_faults() {
    let bounds = Bounds { jobs: 1, publishes: 2, faults: 3, remains: false, holds: 0 };
    let verdict = explore(World::new(bounds, Rules::default()));
    assert!(matches!(verdict, Verdict::Holds { states } if states > 10_000), "{verdict:?}");
}

#[test]
fn two_jobs_survive_any_fault() {
    let bounds = Bounds { jobs: 2, publishes: 1, faults: 1, remains: false, holds: 0 };
    let verdict = explore(World::new(bounds, Rules::default()));
    assert!(matches!(verdict, Verdict::Holds { states } if states > 10_000), "{verdict:?}");
}

#[test]
fn the_model_sees_a_copy_that_comes_after_the_acknowledgement() {
    let rules = Rules { ack_before_copy: true, ..Rules::default() };
    let verdict =
        explore(World::new(Bounds { jobs: 1, publishes: 1, faults: 1, remains: false, holds: 0 }, rules));
    assert!(matches!(verdict, Verdict::Lost(_)), "{verdict:?}");
}

#[test]
fn the_model_sees_a_ledger_that_is_not_asked() {
    let rules = Rules { ignore_ledger: true, ..Rules::default() };
    let verdict =
        explore(World::new(Bounds { jobs: 1, publishes: 2, faults: 0, remains: false, holds: 0 }, rules));
    assert!(matches!(verdict, Verdict::Doubled(_)), "{verdict:?}");
}

#[test]
fn the_model_sees_an_acknowledgement_before_the_commit() {
    let rules = Rules { ack_before_commit: true, ..Rules::default() };
    let verdict =
        explore(World::new(Bounds { jobs: 1, publishes: 1, faults: 1, remains: false, holds: 0 }, rules));
    assert!(matches!(verdict, Verdict::Lost(_)), "{verdict:?}");
}

/// Without a second message of the job: between its ROLLBACK and its dead row, and after the death of a worker, nothing in
/// the ledger says what it left. That such a job is not published in the first place is the catalog's work.
const REMAINS: Bounds = Bounds { jobs: 2, publishes: 1, faults: 0, remains: true, holds: 0 };

#[test]
fn what_no_rollback_undoes_is_made_once() {
    let verdict = explore(World::new(REMAINS, Rules::default()));
    assert!(matches!(verdict, Verdict::Holds { states } if states > 400), "{verdict:?}");
}

#[test]
fn the_model_sees_a_failure_that_is_taken_for_no_effect() {
    let rules = Rules { ignore_remains: true, ..Rules::default() };
    let verdict = explore(World::new(REMAINS, rules));
    assert!(matches!(verdict, Verdict::Doubled(_)), "{verdict:?}");
}

#[test]
fn the_model_sees_an_unknown_job_that_is_given_back() {
    let rules = Rules { give_unknown_back: true, ..Rules::default() };
    let verdict = explore(World::new(REMAINS, rules));
    assert!(matches!(verdict, Verdict::Doubled(_)), "{verdict:?}");
}

#[test]
fn a_hold_loses_and_doubles_nothing_and_nothing_begins_under_it() {
    for (jobs, faults, holds) in [(1, 2, 2), (2, 0, 1)] {
        let bounds = Bounds { jobs, publishes: 1, faults, remains: false, holds };
        let verdict = explore(World::new(bounds, Rules::default()));
        assert!(matches!(verdict, Verdict::Holds { states } if states > 10_000), "{verdict:?}");
    }
}

#[test]
fn the_model_sees_a_job_that_begins_under_a_hold() {
    let rules = Rules { ignore_gate: true, ..Rules::default() };
    let bounds = Bounds { jobs: 1, publishes: 1, faults: 0, remains: false, holds: 1 };
    let verdict = explore(World::new(bounds, rules));
    assert!(matches!(verdict, Verdict::BrokeHold(_)), "{verdict:?}");
}
