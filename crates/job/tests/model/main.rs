//! The protocol as a model: every interleaving of two workers, a producer that may publish twice, a broker that may
//! redeliver, and a crash, a lost connection or a failed publish at every step.
//!
//! What happens to a job after an attempt is decided by the functions that the consumer runs, `queryfleet_job::settle::settle`
//! and `queryfleet_job::read_conflict`; the model supplies the world around them. In no state may a job have two effects, or an
//! effect without its ledger row, nor what no rollback undoes twice; and where nothing is left to do, every published job has its ledger row.

mod explore;
mod world;

use explore::{Verdict, explore};
use world::{Bounds, Rules, World};

#[test]
fn one_job_survives_any_three_faults() {
    let bounds = Bounds { jobs: 1, publishes: 2, faults: 3, remains: false };
    let verdict = explore(World::new(bounds, Rules::default()));
    assert!(matches!(verdict, Verdict::Holds { states } if states > 10_000), "{verdict:?}");
}

#[test]
fn two_jobs_survive_any_fault() {
    let bounds = Bounds { jobs: 2, publishes: 1, faults: 1, remains: false };
    let verdict = explore(World::new(bounds, Rules::default()));
    assert!(matches!(verdict, Verdict::Holds { states } if states > 10_000), "{verdict:?}");
}

#[test]
fn the_model_sees_a_copy_that_comes_after_the_acknowledgement() {
    let rules = Rules { ack_before_copy: true, ..Rules::default() };
    let verdict = explore(World::new(Bounds { jobs: 1, publishes: 1, faults: 1, remains: false }, rules));
    assert!(matches!(verdict, Verdict::Lost(_)), "{verdict:?}");
}

#[test]
fn the_model_sees_a_ledger_that_is_not_asked() {
    let rules = Rules { ignore_ledger: true, ..Rules::default() };
    let verdict = explore(World::new(Bounds { jobs: 1, publishes: 2, faults: 0, remains: false }, rules));
    assert!(matches!(verdict, Verdict::Doubled(_)), "{verdict:?}");
}

#[test]
fn the_model_sees_an_acknowledgement_before_the_commit() {
    let rules = Rules { ack_before_commit: true, ..Rules::default() };
    let verdict = explore(World::new(Bounds { jobs: 1, publishes: 1, faults: 1, remains: false }, rules));
    assert!(matches!(verdict, Verdict::Lost(_)), "{verdict:?}");
}

/// Without a second message of the job: between its ROLLBACK and its dead row, and after the death of a worker, nothing in
/// the ledger says what it left. That such a job is not published in the first place is the catalog's work.
const REMAINS: Bounds = Bounds { jobs: 2, publishes: 1, faults: 0, remains: true };

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
