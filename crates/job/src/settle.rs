//! What happens to a job, from how its attempt ended: one pure function.

use std::time::Duration;

use crate::{Failure, LedgerState, Outcome, words};

/// Pauses that double from one try to the next.
struct Pauses {
    first: Duration,
    longest: Duration,
}

/// Before a conflict is tried again in its slot.
const CONFLICT_PAUSES: Pauses =
    Pauses { first: Duration::from_millis(10), longest: Duration::from_millis(200) };
/// While the database is unavailable or under pressure.
const PRESSURE_PAUSES: Pauses =
    Pauses { first: Duration::from_millis(100), longest: Duration::from_secs(15) };

/// The limits that a fleet retries under.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Counted attempts before a job is dead.
    pub max_attempts: u32,
    /// How many retry tiers there are; at least one.
    pub tiers: usize,
    /// Attempts at a job that meets conflicts, within one delivery.
    pub tries_here: u32,
    /// How long a slot keeps a message while the database is unavailable or under pressure.
    pub pressure_timeout: Duration,
}

/// What has been spent on a job before the attempt that is being settled.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Counted attempts of earlier deliveries, from the header.
    pub attempts: u32,
    /// Attempts at this job within this delivery, this one included; anew after pressure.
    pub tries_here: u32,
    /// Time since this delivery first met pressure.
    pub held: Duration,
}

words! {
    /// Why a job will not be retried; the word in `queryfleet_dead.reason`.
    DeadReason {
        /// An error that no retry can fix.
        Error = "error",
        /// QUERYFLEET_MAX_ATTEMPTS is used up.
        Attempts = "attempts",
        /// QUERYFLEET_MAX_ATTEMPTS is used up, and the last attempt ended at the statement's deadline.
        Timeout = "timeout",
        /// The worker's policy or its check of the SQL forbids the statement, or it is non-transactional.
        Refused = "refused",
        /// Nobody can know whether it took effect.
        Unknown = "unknown",
        /// Its run is not in this ledger.
        UnknownRun = "unknown_run",
        /// The body is not an envelope.
        Undecodable = "undecodable",
        /// The signature is missing or wrong, or the message does not match its run as published.
        Unverified = "unverified",
        /// The broker gave up at its delivery limit: each worker that had the message died, or somebody put it back
        /// each time.
        DeliveryLimit = "delivery_limit",
        /// The time to live that a policy of the broker sets for the queue passed before it ran.
        Expired = "expired",
        /// The queue was longer than a policy of the broker allows.
        MaxLen = "maxlen",
        /// It was in the dead queue, and the broker does not say why: somebody moved it there.
        Moved = "moved",
    }
}

/// What happens next to a job. Everything but `Again` ends the delivery for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Settlement {
    /// It has ended: acknowledge.
    Ack,
    /// Keep the message, pause (up to this long, jittered), and attempt it again in the same slot.
    Again(Duration),
    /// Publish a confirmed copy to this retry tier with this attempts header, then acknowledge.
    Tier {
        /// Index into the list of tiers.
        tier: usize,
        /// The attempts header of the copy.
        attempts: u32,
    },
    /// Publish a confirmed copy to the work queue with the attempts unchanged, then acknowledge.
    GiveBack,
    /// Write ledger row `dead` and the dead row in one transaction, then acknowledge.
    Dead(DeadReason),
    /// Let the broker dead-letter it: it must not touch the ledger.
    Reject,
}

impl Settlement {
    /// The word in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Settlement::Ack => "ack",
            Settlement::Again(_) => "again",
            Settlement::Tier { .. } => "retry",
            Settlement::GiveBack => "give_back",
            Settlement::Dead(_) => "dead",
            Settlement::Reject => "reject",
        }
    }
}

words! {
    /// What becomes of a message, whatever became of each of its jobs: the label of `deliveries_settled_total`.
    Action {
        /// Each of its jobs has ended, and none of them died in this delivery.
        Ack = "ack",
        /// Some of its jobs are retried later, as a copy in a retry tier; the others have ended.
        Retry = "retry",
        /// Some of its jobs went back to the queue, as a copy that counts no attempt.
        GiveBack = "give_back",
        /// Each of its jobs has ended, and at least one of them died in this delivery.
        Dead = "dead",
        /// It cannot be read or verified, or its run is unknown: the broker dead-letters it.
        Reject = "reject",
    }
}

/// What happens to a job whose attempt ended like this.
pub fn settle(outcome: &Outcome, spent: Spent, policy: &RetryPolicy) -> Settlement {
    match outcome {
        Outcome::Done(_) | Outcome::EndedBefore(_) | Outcome::Stale => Settlement::Ack,
        Outcome::Conflict(_) if spent.tries_here < policy.tries_here => {
            Settlement::Again(CONFLICT_PAUSES.after(spent.tries_here))
        }
        Outcome::Conflict(_) | Outcome::LostAfterSend(_) | Outcome::Unlisted(_) => {
            retry_or(spent, policy, Settlement::Dead(DeadReason::Attempts))
        }
        Outcome::Deadline(_) => retry_or(spent, policy, Settlement::Dead(DeadReason::Timeout)),
        Outcome::NotSent(_) | Outcome::Pressure(_) if spent.held < policy.pressure_timeout => {
            Settlement::Again(PRESSURE_PAUSES.after(spent.tries_here))
        }
        Outcome::NotSent(_) | Outcome::Pressure(_) | Outcome::Unfit(_) | Outcome::Interrupted(_) => {
            Settlement::GiveBack
        }
        Outcome::Killed(_) => Settlement::Tier { tier: tier(spent, policy), attempts: spent.attempts },
        Outcome::Permanent(_) => Settlement::Dead(DeadReason::Error),
        Outcome::Refused(_) => Settlement::Dead(DeadReason::Refused),
        Outcome::Unknown(_) => Settlement::Dead(DeadReason::Unknown),
        Outcome::UnknownRun => retry_or(spent, policy, Settlement::Reject),
        Outcome::Undecodable(_) | Outcome::Unverified(_) => Settlement::Reject,
    }
}

/// A retry tier and one more attempt, or `exhausted` if this was the last attempt.
fn retry_or(spent: Spent, policy: &RetryPolicy, exhausted: Settlement) -> Settlement {
    let attempts = spent.attempts.saturating_add(1);
    if attempts >= policy.max_attempts {
        return exhausted;
    }
    Settlement::Tier { tier: tier(spent, policy), attempts }
}

/// The delays grow with the attempts; the last tier serves all further ones.
fn tier(spent: Spent, policy: &RetryPolicy) -> usize {
    (spent.attempts as usize).min(policy.tiers.saturating_sub(1))
}

impl Pauses {
    /// The pause after so many tries.
    fn after(&self, tries: u32) -> Duration {
        self.first.saturating_mul(1 << tries.clamp(1, 16).saturating_sub(1)).min(self.longest)
    }
}

/// The outcome of an attempt whose ledger INSERT met error 1062, from the row that was found afterwards.
///
/// No row: the other transaction's row is gone again (a replay took it away, or the reader came too early), so the
/// job is tried once more. `Started`: somebody began a non-transactional job and died, or is at it: nobody can know.
pub fn read_conflict(found: Option<LedgerState>) -> Outcome {
    match found {
        Some(LedgerState::Started) => Outcome::Unknown(Failure::said(
            "the ledger row says `started`: an attempt began and nobody saw its end",
        )),
        Some(state) => Outcome::EndedBefore(state),
        None => Outcome::Conflict(Failure::said("the ledger row was there and is gone again")),
    }
}
