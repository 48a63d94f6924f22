//! What is done about a delivery, as a value: made from the outcomes alone, without a server.
//!
//! [`settle`](crate::slot::settle) acts a plan out.

use queryfleet_broker::Route;
use queryfleet_job::{
    Action, Chunk, DeadReason, Failure, Headers, Message, Outcome, Settlement, Signer, envelope,
};

use crate::slot::copies::{Copies, Untaken};
use crate::slot::execute::Ending;

/// What a slot does after a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Takes the next message.
    Continue,
    /// Makes its connection and its subscription anew, at once.
    Reconnect,
    /// The same, after a pause: a server is unavailable, or this worker is unfit.
    Pause,
    /// Takes no message until it may again: its queue is held or limited.
    Hold,
}

/// What is done about a delivery, in this order: dead rows are written, copies are published and confirmed, and the
/// message is acknowledged (or rejected) last of all.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// The jobs that die.
    pub(crate) deaths: Vec<Death<'a>>,
    /// The copies in which other jobs continue.
    pub(crate) copies: Copies<'a>,
    /// Whether the broker has to dead-letter the message.
    is_rejected: bool,
    /// What the delivery holds; `None`: a message that is not run.
    jobs: Option<Delivered<'a>>,
}

/// The jobs of a delivery.
#[derive(Clone, Copy, Debug)]
struct Delivered<'a> {
    chunk: &'a Chunk,
    headers: &'a Headers,
    endings: &'a [Ending<'a>],
}

/// A job that dies.
#[derive(Debug)]
pub(crate) struct Death<'a> {
    pub(crate) chunk: &'a Chunk,
    pub(crate) ending: &'a Ending<'a>,
    pub(crate) reason: DeadReason,
    pub(crate) failure: Failure,
}

/// What becomes of a copy that the broker never takes.
#[derive(Debug)]
pub(crate) enum Refused<'a> {
    /// The one job in it dies by its error: it cannot be tried again.
    Dies(Death<'a>),
    /// Nobody can say whose job it is: the broker dead-letters the message.
    IsRejected,
    /// It is none of this delivery: the message stays with the broker.
    Stays,
}

impl<'a> Plan<'a> {
    /// For a delivery whose jobs have each had their settlement.
    pub(crate) fn of_jobs(chunk: &'a Chunk, headers: &'a Headers, endings: &'a [Ending<'a>]) -> Plan<'a> {
        let jobs = Delivered { chunk, headers, endings };
        let mut plan =
            Plan { deaths: Vec::new(), copies: Copies::default(), is_rejected: false, jobs: Some(jobs) };
        for ending in endings {
            match ending.settlement {
                // The ledger has its end, or its run was purged.
                Settlement::Ack => {}
                // It must not touch the ledger, so the message as a whole goes to the collector.
                Settlement::Reject => plan.is_rejected = true,
                Settlement::Tier { tier, attempts } => {
                    plan.copies.add(chunk, headers, Route::Tier(tier), attempts, ending);
                }
                // Nobody attempts it again in this delivery, and it has not ended.
                Settlement::GiveBack | Settlement::Again(_) => plan.give_back(ending),
                Settlement::Dead(reason) => {
                    let failure = ending.outcome.failure().cloned().unwrap_or_default();
                    plan.deaths.push(Death { chunk, ending, reason, failure });
                }
            }
        }
        plan
    }

    /// For a message none of whose jobs may run here.
    pub(crate) fn of_message(
        body: &[u8],
        headers: &Headers,
        outcome: &Outcome,
        settlement: Settlement,
        signer: Option<&Signer>,
    ) -> Plan<'a> {
        let mut plan = Plan { deaths: Vec::new(), copies: Copies::default(), is_rejected: false, jobs: None };
        let mut copy = |route, attempts| {
            plan.copies.add_whole(route, once_more(body, headers, outcome, attempts, signer));
        };
        match settlement {
            // All its jobs have ended, or its run was purged.
            Settlement::Ack => {}
            Settlement::Reject => plan.is_rejected = true,
            Settlement::Tier { tier, attempts } => copy(Route::Tier(tier), attempts),
            // None of its jobs was attempted, so none is dead by this delivery, and none was held for any time.
            Settlement::GiveBack | Settlement::Again(_) | Settlement::Dead(_) => {
                copy(Route::Work, headers.attempts);
            }
        }
        plan
    }

    /// Gives a job back to the work queue, with its attempts unchanged.
    pub(crate) fn give_back(&mut self, ending: &Ending<'a>) {
        if let Some(Delivered { chunk, headers, .. }) = self.jobs {
            self.copies.add(chunk, headers, Route::Work, headers.attempts, ending);
        }
    }

    /// What the delivery counts as, whatever became of each of its jobs.
    pub(crate) fn action(&self) -> Action {
        let is_dead = |ending: &Ending<'_>| matches!(ending.settlement, Settlement::Dead(_));
        if self.is_rejected {
            Action::Reject
        } else if self.copies.go_back() {
            Action::GiveBack
        } else if !self.copies.is_empty() {
            Action::Retry
        } else if self.jobs.is_some_and(|jobs| jobs.endings.iter().any(is_dead)) {
            Action::Dead
        } else {
            Action::Ack
        }
    }

    /// What the slot does afterwards; `has_session`: whether it has a connection to the database, `is_closed`: whether it
    /// may take no message.
    pub(crate) fn then(&self, has_session: bool, is_closed: bool) -> Then {
        if is_closed {
            Then::Hold
        } else if self.copies.go_back() {
            Then::Pause
        } else if !has_session {
            Then::Reconnect
        } else {
            Then::Continue
        }
    }

    /// What becomes of a copy that the broker never takes.
    pub(crate) fn refused(&self, Untaken { message, error }: &Untaken) -> Refused<'a> {
        let Some(Delivered { chunk, endings, .. }) = self.jobs else { return Refused::IsRejected };
        let single = envelope::decode(&message.body).ok().and_then(|chunk| chunk.jobs.into_iter().next());
        let ending = single.and_then(|job| endings.iter().find(|ending| ending.job.seq == job.seq));
        let Some(ending) = ending else { return Refused::Stays };
        let failure = ending.outcome.failure().cloned().unwrap_or_default();
        let message = format!("{}; it cannot be tried again: {error}", failure.message);
        let failure = Failure { message, ..failure };
        Refused::Dies(Death { chunk, ending, reason: DeadReason::Error, failure })
    }
}

/// The same body once more: its signature stays good.
fn once_more(
    body: &[u8],
    headers: &Headers,
    outcome: &Outcome,
    attempts: u32,
    signer: Option<&Signer>,
) -> Message {
    // A message that only had to wait has no error yet.
    let failure = outcome.failure().filter(|_| !matches!(outcome, Outcome::Interrupted(_)));
    let first_error = headers.first_error.clone().or_else(|| failure.map(ToString::to_string));
    let id = outcome.class().as_str().to_owned();
    let body = body.to_vec();
    let mut message = envelope::once_more(id, body, headers.signature.clone(), signer, attempts, first_error);
    message.headers.apart = headers.apart;
    message
}
