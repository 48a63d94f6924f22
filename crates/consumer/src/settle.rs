//! Acting out settlements: dead rows first, then confirmed copies, and the acknowledgement last of all.
//!
//! A crash or a lost connection between two of these steps leaves the message with the broker; it comes again, and
//! what had ended meets its ledger row. Nothing is ever given back by nack.

use std::time::Instant;

use queryfleet_broker::{Delivery, Route, Subscription};
use queryfleet_job::{
    Backoff, Chunk, DeadReason, Failure, Headers, Job, Message, Outcome, Settlement, Spent, envelope,
};
use queryfleet_ledger::Dead;

use crate::copies::{self, Copies};
use crate::execute::Ending;
use crate::news::{self, Case, Topic};
use crate::slot::Slot;

/// The label values of `deliveries_settled_total{action}`, and what each says.
pub(crate) const ACTIONS: [(&str, &str); 5] = [
    ("ack", "Each of its jobs has ended, none of them dead by this delivery."),
    ("retry", "Some of its jobs are tried again later, as a copy in a retry tier; the others have ended."),
    ("give_back", "Some of its jobs went back to the queue, as a copy that counts no attempt."),
    ("dead", "Each of its jobs has ended, at least one of them dead."),
    ("reject", "It cannot be read or verified, or its run is unknown: the broker dead-letters it."),
];

/// What a slot does after a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Takes the next message.
    Continue,
    /// Makes its connection and its subscription anew, at once.
    Reconnect,
    /// The same, after a pause: something is away.
    Pause,
}

/// Settles a message none of whose jobs may run here.
pub(crate) async fn message(
    slot: &mut Slot,
    subscription: &mut Subscription,
    delivery: Delivery,
    outcome: &Outcome,
) -> After {
    let attempts = delivery.headers.attempts;
    let settlement =
        queryfleet_job::settle::settle(outcome, Spent { attempts, ..Spent::default() }, &slot.shared.policy);
    if settlement != Settlement::Ack {
        // A message that has ended is no news: a cancelled run has thousands of them.
        let error = outcome.failure().map(ToString::to_string);
        let (index, class) = (slot.index + 1, outcome.class().as_str());
        let case = || Case { slot: Some(index), class, error, ..Case::default() };
        slot.shared.news.tell(Topic::Unrunnable, case);
    }
    slot.shared.failed(outcome.class());
    news::not_run(slot, outcome, settlement);
    match settlement {
        Settlement::Ack | Settlement::Dead(_) => acknowledge(slot, delivery, "ack"),
        Settlement::Reject => {
            slot.count("reject");
            handed_over(slot, delivery.reject())
        }
        Settlement::Tier { tier, attempts } => {
            let copy = again(slot, &delivery, attempts, outcome);
            let copies = vec![(Route::Tier(tier), copy)];
            let reject = async |slot: &mut Slot, delivery: &Delivery, _| {
                slot.count("reject");
                handed_over(slot, delivery.reject());
                Err(After::Continue)
            };
            republish(slot, delivery, copies, "retry", After::Continue, reject).await
        }
        Settlement::GiveBack | Settlement::Again(_) => {
            if let Outcome::Unfit(failure) = outcome {
                slot.shared.metrics.health().set_unfit(Some(failure.to_string()));
            }
            let copy = again(slot, &delivery, attempts, outcome);
            let _ = subscription.cancel().await;
            let stays = async |_: &mut Slot, _: &Delivery, _| Err(After::Pause);
            republish(slot, delivery, vec![(Route::Work, copy)], "give_back", After::Pause, stays).await
        }
    }
}

/// The same body once more: its signature stays good.
fn again(slot: &Slot, delivery: &Delivery, attempts: u32, outcome: &Outcome) -> Message {
    // Of a message that had to wait there is none yet.
    let failure = outcome.failure().filter(|_| !matches!(outcome, Outcome::Interrupted(_)));
    let first_error = delivery.headers.first_error.clone().or_else(|| failure.map(ToString::to_string));
    let (id, signature) = (outcome.class().as_str().to_owned(), delivery.headers.signature.clone());
    let signer = slot.shared.signer.as_ref();
    envelope::once_more(id, delivery.body.clone(), signature, signer, attempts, first_error)
}

/// Settles a message whose jobs have each had their attempt.
pub(crate) async fn jobs(
    slot: &mut Slot,
    subscription: &mut Subscription,
    delivery: Delivery,
    chunk: &Chunk,
    endings: &[Ending<'_>],
) -> After {
    let mut copies = Copies::new(chunk, &delivery.headers);
    for ending in endings {
        news::settled(slot, chunk, ending);
        if let Outcome::Unfit(failure) = &ending.outcome {
            slot.shared.metrics.health().set_unfit(Some(failure.to_string()));
        }
        match ending.settlement {
            Settlement::Ack | Settlement::Reject | Settlement::Again(_) => {}
            Settlement::Tier { tier, attempts } => copies.add(Route::Tier(tier), attempts, ending),
            Settlement::GiveBack => copies.add(Route::Work, delivery.headers.attempts, ending),
            Settlement::Dead(reason) => {
                if let Err(error) = bury_for_good(slot, &delivery.headers, chunk, ending, reason).await {
                    unburied(slot, chunk, ending.job, reason, &error);
                    copies.add(Route::Work, delivery.headers.attempts, ending);
                }
            }
        }
    }
    let gives_back = copies.give_back();
    let after = after(slot, gives_back);
    if after != After::Continue {
        // Before the acknowledgement, which would bring the next message: without a connection it could only wait.
        let _ = subscription.cancel().await;
    }
    if copies.is_empty() {
        let died = endings.iter().any(|ending| matches!(ending.settlement, Settlement::Dead(_)));
        let acknowledged = acknowledge(slot, delivery, if died { "dead" } else { "ack" });
        return if after == After::Continue { acknowledged } else { after };
    }
    let action = if gives_back { "give_back" } else { "retry" };
    let messages = copies.seal(slot);
    let never = async |slot: &mut Slot, delivery: &Delivery, untaken| {
        bury_untaken(slot, delivery, chunk, endings, untaken).await
    };
    republish(slot, delivery, messages, action, after, never).await
}

/// Tells that a dead job could not be written, and is given back: the slot pauses, the longer the more often it meets
/// that, and makes sure that it can write one before it takes another message.
fn unburied(slot: &Slot, chunk: &Chunk, job: &Job, reason: DeadReason, error: &queryfleet_ledger::Error) {
    let text = format!("its dead row could not be written: {}", queryfleet_job::causes(error));
    if error.is_unfit() {
        let (run, seq) = (chunk.run, job.seq);
        slot.shared.metrics.health().set_unfit(Some(format!("job {run}/{seq} is dead, and {text}")));
    }
    slot.shared.news.tell(Topic::Unburied, || Case::of_job(slot, chunk, job, reason.as_str(), text));
}

fn after(slot: &Slot, gives_back: bool) -> After {
    if gives_back {
        return After::Pause;
    }
    if slot.session.facts().is_none() { After::Reconnect } else { After::Continue }
}

/// Publishes the copies, confirmed, then acknowledges the original. When publishing fails the original stays
/// unacknowledged and comes again. `never` says what becomes of copies that the broker never takes.
async fn republish(
    slot: &mut Slot,
    delivery: Delivery,
    copies: Vec<(Route, Message)>,
    action: &'static str,
    after: After,
    never: impl AsyncFnOnce(&mut Slot, &Delivery, Vec<(Message, queryfleet_broker::Error)>) -> Result<(), After>,
) -> After {
    match copies::publish(slot, copies).await {
        Ok(too_large) if too_large.is_empty() => {}
        Ok(too_large) => {
            if let Err(after) = never(slot, &delivery, too_large).await {
                return after;
            }
        }
        Err(error) => {
            if matches!(
                error,
                queryfleet_broker::Error::Connect { .. }
                    | queryfleet_broker::Error::Channel { .. }
                    | queryfleet_broker::Error::Timeout { .. }
            ) {
                slot.shared.connected(queryfleet_metrics::Dependency::Broker, slot.index, false);
            }
            let (index, error) = (slot.index + 1, queryfleet_job::causes(&error));
            let case = || Case { slot: Some(index), class: action, error: Some(error), ..Case::default() };
            slot.shared.news.tell(Topic::Unpublished, case);
            return After::Pause;
        }
    }
    fail::fail_point!("after-copy", |_| std::process::abort());
    let acknowledged = acknowledge(slot, delivery, action);
    if after == After::Continue { acknowledged } else { after }
}

/// Jobs that were to be tried again, and cannot be: the broker takes no copy of them. They die by their error.
async fn bury_untaken(
    slot: &mut Slot,
    delivery: &Delivery,
    chunk: &Chunk,
    endings: &[Ending<'_>],
    untaken: Vec<(Message, queryfleet_broker::Error)>,
) -> Result<(), After> {
    for (message, error) in untaken {
        let single = envelope::decode(&message.body).ok().and_then(|chunk| chunk.jobs.into_iter().next());
        let ending = single.and_then(|job| endings.iter().find(|ending| ending.job.seq == job.seq));
        let Some(ending) = ending else { return Err(After::Pause) };
        let failure = ending.outcome.failure().cloned().unwrap_or_default();
        let text = format!("{}; it cannot be tried again: {error}", failure.message);
        let outcome = Outcome::Permanent(Failure { message: text, ..failure });
        let dying = Ending { job: ending.job, outcome, settlement: ending.settlement, alone: ending.alone };
        if let Err(error) = bury(slot, &delivery.headers, chunk, &dying, DeadReason::Error).await {
            unburied(slot, chunk, ending.job, DeadReason::Error, &error);
            return Err(After::Pause);
        }
    }
    Ok(())
}

fn acknowledge(slot: &Slot, delivery: Delivery, action: &'static str) -> After {
    fail::fail_point!("before-ack", |_| std::process::abort());
    slot.count(action);
    handed_over(slot, delivery.ack())
}

fn handed_over(slot: &Slot, to_connection: bool) -> After {
    if to_connection {
        return After::Continue;
    }
    slot.shared.connected(queryfleet_metrics::Dependency::Broker, slot.index, false);
    After::Reconnect
}

/// [`bury`]; what is unknown is kept in hand while that fails, as long as a slot may hold a message: given back, it would
/// run once more. Its ledger row may be locked by the very attempt whose end nobody saw.
async fn bury_for_good(
    slot: &mut Slot,
    headers: &Headers,
    chunk: &Chunk,
    ending: &Ending<'_>,
    reason: DeadReason,
) -> Result<(), queryfleet_ledger::Error> {
    let (since, mut backoff) = (Instant::now(), Backoff::new(slot.shared.backoff_max));
    loop {
        let buried = bury(slot, headers, chunk, ending, reason).await;
        let held = since.elapsed() < slot.shared.policy.pressure_timeout && !slot.shared.drain.is_now();
        if buried.is_ok() || reason != DeadReason::Unknown || !held {
            return buried;
        }
        tokio::time::sleep(backoff.pause()).await;
    }
}

/// Writes the dead row of a job and its ledger row in one transaction.
async fn bury(
    slot: &mut Slot,
    headers: &Headers,
    chunk: &Chunk,
    ending: &Ending<'_>,
    reason: DeadReason,
) -> Result<(), queryfleet_ledger::Error> {
    let nothing = Failure::default();
    // Signed by who has verified it: a replay publishes these bytes, and signs nothing.
    let single =
        envelope::seal(&chunk.with_jobs(vec![ending.job.clone()]), slot.shared.signer.as_ref(), 0, None);
    let failure = ending.outcome.failure().unwrap_or(&nothing);
    let dead = Dead {
        run: chunk.run,
        seq: ending.job.seq,
        queue: &slot.shared.queue,
        reason,
        failure,
        first_error: headers.first_error.as_deref(),
        attempts: headers.attempts.saturating_add(1),
        worker: &slot.shared.name,
        statement: &ending.job.sql,
        envelope: &single.body,
        signature: single.headers.signature.as_deref(),
    };
    if slot.session.record_dead(&dead).await? {
        let case = Case::of_job(slot, chunk, ending.job, reason.as_str(), failure.to_string());
        slot.shared.dead(reason, case);
    }
    fail::fail_point!("after-dead", |_| std::process::abort());
    Ok(())
}
