//! Every outcome and what happens to its job, as one table.

use std::time::Duration;

use queryfleet_job::settle::settle;
use queryfleet_job::{Class, DeadReason, Failure, LedgerState, Outcome, RetryPolicy, Settlement, Spent};

const POLICY: RetryPolicy =
    RetryPolicy { max_attempts: 3, tiers: 2, tries_here: 3, pressure_timeout: Duration::from_secs(300) };
const GIVE_BACK: Settlement = Settlement::GiveBack;
const ACK: Settlement = Settlement::Ack;
const REJECT: Settlement = Settlement::Reject;

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn attempts(attempts: u32) -> Spent {
    Spent { attempts, tries_here: 1, held: Duration::ZERO }
}

fn tries(tries_here: u32) -> Spent {
    Spent { attempts: 0, tries_here, held: Duration::ZERO }
}

fn held(seconds: u64) -> Spent {
    Spent { attempts: 2, tries_here: 9, held: Duration::from_secs(seconds) }
}

fn tier(tier: usize, attempts: u32) -> Settlement {
    Settlement::Tier { tier, attempts }
}

fn failure() -> Failure {
    Failure::said("why")
}

/// Outcomes that end a job or a delivery whatever was spent on it.
fn final_ones() -> Vec<(Outcome, Settlement)> {
    let dead = Settlement::Dead;
    let states = [LedgerState::Done, LedgerState::Dead, LedgerState::Cancelled];
    let mut rows: Vec<_> = states.map(|state| (Outcome::EndedBefore(state), ACK)).to_vec();
    rows.extend([
        (Outcome::Done(3), ACK),
        (Outcome::Stale, ACK),
        (Outcome::Permanent(failure()), dead(DeadReason::Error)),
        (Outcome::Refused(failure()), dead(DeadReason::Refused)),
        (Outcome::Unknown(failure()), dead(DeadReason::Unknown)),
        (Outcome::Unfit(failure()), GIVE_BACK),
        (Outcome::Interrupted(failure()), GIVE_BACK),
        (Outcome::Undecodable(failure()), REJECT),
        (Outcome::Unverified(failure()), REJECT),
    ]);
    rows
}

/// Outcomes that what was spent has a say in.
fn others() -> Vec<(Outcome, Spent, Settlement)> {
    let mut rows = Vec::new();
    type Ended = fn(Failure) -> Outcome;
    let counted: [(Ended, DeadReason); 3] = [
        (Outcome::LostAfterSend, DeadReason::Attempts),
        (Outcome::Unlisted, DeadReason::Attempts),
        (Outcome::Deadline, DeadReason::Timeout),
    ];
    for (outcome, reason) in counted {
        rows.push((outcome(failure()), attempts(0), tier(0, 1)));
        rows.push((outcome(failure()), attempts(1), tier(1, 2)));
        rows.push((outcome(failure()), attempts(2), Settlement::Dead(reason)));
        rows.push((outcome(failure()), attempts(u32::MAX), Settlement::Dead(reason)));
    }
    let conflict = || Outcome::Conflict(failure());
    rows.push((conflict(), tries(1), Settlement::Again(ms(10))));
    rows.push((conflict(), tries(2), Settlement::Again(ms(20))));
    rows.push((conflict(), tries(3), tier(0, 1)));
    rows.push((conflict(), Spent { attempts: 2, ..tries(3) }, Settlement::Dead(DeadReason::Attempts)));
    for outcome in [Outcome::NotSent as Ended, Outcome::Pressure] {
        rows.push((outcome(failure()), tries(1), Settlement::Again(ms(100))));
        rows.push((outcome(failure()), tries(4), Settlement::Again(ms(800))));
        rows.push((outcome(failure()), tries(u32::MAX), Settlement::Again(ms(15_000))));
        rows.push((outcome(failure()), held(299), Settlement::Again(ms(15_000))));
        rows.push((outcome(failure()), held(300), GIVE_BACK));
    }
    // Somebody else's kill is nobody's fault: never counted.
    rows.push((Outcome::Killed(failure()), attempts(0), tier(0, 0)));
    rows.push((Outcome::Killed(failure()), attempts(9), tier(1, 9)));
    rows.push((Outcome::UnknownRun, attempts(0), tier(0, 1)));
    rows.push((Outcome::UnknownRun, attempts(2), REJECT));
    rows
}

#[test]
fn every_outcome_has_its_settlement() {
    for (outcome, wanted) in final_ones() {
        for progress in [Spent::default(), attempts(2), tries(3), held(300)] {
            assert_eq!(settle(&outcome, progress, &POLICY), wanted, "{outcome:?} after {progress:?}");
        }
    }
    for (outcome, progress, wanted) in others() {
        assert_eq!(settle(&outcome, progress, &POLICY), wanted, "{outcome:?} after {progress:?}");
    }
}

#[test]
fn the_table_leaves_no_class_out() {
    let classes = final_ones().into_iter().map(|(outcome, _)| outcome.class());
    let classes: Vec<Class> =
        classes.chain(others().into_iter().map(|(outcome, ..)| outcome.class())).collect();
    for class in Class::ALL {
        assert!(classes.contains(&class), "{class:?} is not in the table");
        assert_eq!(Class::ALL[class as usize], class, "its index");
    }
}

#[test]
fn a_policy_of_one_attempt_and_one_tier_holds() {
    let policy = RetryPolicy { max_attempts: 1, tiers: 1, tries_here: 1, ..POLICY };
    let dead = Settlement::Dead(DeadReason::Attempts);
    assert_eq!(settle(&Outcome::Conflict(failure()), tries(1), &policy), dead);
    assert_eq!(settle(&Outcome::Unlisted(failure()), attempts(0), &policy), dead);
    assert_eq!(settle(&Outcome::Killed(failure()), attempts(5), &policy), tier(0, 5));
}
