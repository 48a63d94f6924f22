//! Acting out a plan: dead rows first, then confirmed copies, and the acknowledgement last of all.
//!
//! A crash or a lost connection between two of these steps leaves the message with the broker. It comes again, and what
//! had ended meets its ledger row. Nothing is ever given back by nack.

use std::time::Instant;

use queryfleet_broker::{Delivery, Subscription};
use queryfleet_job::settle::settle;
use queryfleet_job::{Action, Backoff, Chunk, DeadReason, Outcome, Settlement, Spent};
use queryfleet_metrics::Dependency;

use crate::dead_row::DeadRow;
use crate::failpoint::failpoint;
use crate::log::{self, Event, EventKind};
use crate::not_run::NotRun;
use crate::slot::context::Context;
use crate::slot::copies::{self, Copies, Untaken};
use crate::slot::execute::Ending;
use crate::slot::plan::{Death, Plan, Refused, Then};

/// Settles a message none of whose jobs may run here.
pub(crate) async fn settle_message(
    context: &mut Context,
    subscription: &mut Subscription,
    delivery: &Delivery,
    NotRun(outcome): &NotRun,
) -> Then {
    let shared = context.shared.clone();
    let spent = Spent { attempts: delivery.headers.attempts, ..Spent::default() };
    let settlement = settle(outcome, spent, &shared.limits.policy);
    if settlement != Settlement::Ack {
        // A message whose jobs have ended is no news: a cancelled run has thousands of them.
        shared.log.record(EventKind::NotRun, || Event {
            slot: Some(context.number()),
            class: outcome.class().as_str(),
            error: outcome.failure().map(ToString::to_string),
            ..Event::default()
        });
    }
    shared.metrics.job_error(outcome.class());
    log::message_settled(&shared.worker, context.number(), outcome, settlement);
    note_unfit(context, outcome);
    let plan =
        Plan::of_message(&delivery.body, &delivery.headers, outcome, settlement, shared.signer.as_ref());
    act(plan, &mut Servers { context, subscription, delivery }).await
}

/// Settles a message whose jobs have each had their attempt.
pub(crate) async fn settle_jobs(
    context: &mut Context,
    subscription: &mut Subscription,
    delivery: &Delivery,
    chunk: &Chunk,
    endings: &[Ending<'_>],
) -> Then {
    for ending in endings {
        let job = context.job_ref(chunk.run, ending.job.seq);
        log::job_settled(&context.shared.worker, job, &ending.outcome, ending.settlement);
        note_unfit(context, &ending.outcome);
    }
    let plan = Plan::of_jobs(chunk, &delivery.headers, endings);
    act(plan, &mut Servers { context, subscription, delivery }).await
}

/// Makes /readyz say why this worker cannot serve.
fn note_unfit(context: &Context, outcome: &Outcome) {
    if let Outcome::Unfit(failure) = outcome {
        context.shared.metrics.health().set_unfit(Some(failure.to_string()));
    }
}

/// What a plan does to the servers. Each step logs its own failure.
trait Effects {
    /// Writes the ledger row and the dead row of a job. Returns false if they could not be written.
    async fn write_dead_row(&mut self, death: &Death<'_>) -> bool;
    /// Whether there is a connection to the database.
    fn has_session(&self) -> bool;
    /// Whether the queue is held.
    fn is_closed(&self) -> bool;
    /// Takes no further message from the queue.
    async fn stop_consuming(&mut self);
    /// Publishes the copies of a delivery that counts as `action`, and returns those that the broker never takes.
    /// `None`: not every other copy is known to be in its queue.
    async fn publish(&mut self, copies: Copies<'_>, action: Action) -> Option<Vec<Untaken>>;
    /// Ends the delivery: rejects the message for [`Action::Reject`], acknowledges it for all others. Returns false if
    /// the connection is lost.
    fn end(&mut self, action: Action) -> bool;
}

/// Acts a plan out. Where a step fails, the message is not acknowledged and comes again.
async fn act(mut plan: Plan<'_>, effects: &mut impl Effects) -> Then {
    for death in std::mem::take(&mut plan.deaths) {
        if !effects.write_dead_row(&death).await {
            plan.give_back(death.ending);
        }
    }
    let then = plan.then(effects.has_session(), effects.is_closed());
    if then != Then::Continue {
        // Before the acknowledgement, which would bring the next message: it could only wait here.
        effects.stop_consuming().await;
    }
    let mut action = plan.action();
    if !plan.copies.is_empty() {
        let copies = std::mem::take(&mut plan.copies);
        let Some(untaken) = effects.publish(copies, action).await else { return Then::Pause };
        for copy in untaken {
            match plan.refused(&copy) {
                Refused::Dies(death) => {
                    if !effects.write_dead_row(&death).await {
                        return Then::Pause;
                    }
                }
                Refused::IsRejected => action = Action::Reject,
                Refused::Stays => return Then::Pause,
            }
        }
        failpoint!("after-copy");
    }
    let is_handed_over = effects.end(action);
    if then == Then::Continue && !is_handed_over { Then::Reconnect } else { then }
}

/// The effects on the real servers.
struct Servers<'a> {
    context: &'a mut Context,
    subscription: &'a mut Subscription,
    delivery: &'a Delivery,
}

impl Effects for Servers<'_> {
    /// A job that is unknown is kept in hand while its row cannot be written, as long as a slot may hold a message:
    /// given back, it would run once more. Its ledger row may be locked by the very attempt whose end nobody saw.
    async fn write_dead_row(&mut self, death: &Death<'_>) -> bool {
        let shared = self.context.shared.clone();
        let since = Instant::now();
        let mut backoff = Backoff::new(shared.limits.longest_backoff);
        let row = DeadRow {
            chunk: death.chunk,
            job: death.ending.job,
            headers: &self.delivery.headers,
            reason: death.reason,
            failure: &death.failure,
            attempts: self.delivery.headers.attempts.saturating_add(1),
            slot: Some(self.context.number()),
        };
        loop {
            let Err(error) = row.write(&shared, &mut self.context.session).await else {
                failpoint!("after-dead");
                return true;
            };
            let is_kept = death.reason == DeadReason::Unknown
                && since.elapsed() < shared.limits.policy.pressure_timeout
                && !shared.drain.is_now();
            if !is_kept {
                report_unwritten(self.context, death, &error);
                return false;
            }
            tokio::time::sleep(backoff.pause()).await;
        }
    }

    fn has_session(&self) -> bool {
        self.context.session.facts().is_some()
    }

    fn is_closed(&self) -> bool {
        self.context.shared.control.is_closed(self.context.index)
    }

    async fn stop_consuming(&mut self) {
        // If the channel is gone, nothing comes any more either.
        let _ = self.subscription.cancel().await;
    }

    async fn publish(&mut self, copies: Copies<'_>, action: Action) -> Option<Vec<Untaken>> {
        let sealed = copies.into_messages(self.context.shared.signer.as_ref());
        match copies::publish(self.context, sealed).await {
            Ok(untaken) => Some(untaken),
            Err(error) => {
                report_unpublished(self.context, action, &error);
                None
            }
        }
    }

    fn end(&mut self, action: Action) -> bool {
        let is_handed_over = if action == Action::Reject {
            self.context.shared.metrics.settled(action);
            self.delivery.reject()
        } else {
            failpoint!("before-ack");
            self.context.shared.metrics.settled(action);
            self.delivery.ack()
        };
        if !is_handed_over {
            self.context.note_connection(Dependency::Broker, false);
        }
        is_handed_over
    }
}

/// Reports that a dead job could not be written, and is given back. The slot pauses, the longer the more often that
/// happens, and makes sure that it can write one before it takes another message.
fn report_unwritten(context: &Context, death: &Death<'_>, error: &queryfleet_ledger::Error) {
    let job = context.job_ref(death.chunk.run, death.ending.job.seq);
    let text = format!("its dead row could not be written: {}", queryfleet_job::causes(error));
    if error.is_unfit() {
        let unfit = format!("job {}/{} is dead, and {text}", job.run, job.seq);
        context.shared.metrics.health().set_unfit(Some(unfit));
    }
    context.shared.log.record(EventKind::DeadRowFailed, || Event::of_job(job, death.reason.as_str(), text));
}

/// Reports that a copy is not known to be in its queue.
fn report_unpublished(context: &Context, action: Action, error: &queryfleet_broker::Error) {
    use queryfleet_broker::Error;
    if matches!(error, Error::Connect { .. } | Error::Channel { .. } | Error::Timeout { .. }) {
        context.note_connection(Dependency::Broker, false);
    }
    context.shared.log.record(EventKind::CopyFailed, || Event {
        slot: Some(context.number()),
        class: action.as_str(),
        error: Some(queryfleet_job::causes(error)),
        ..Event::default()
    });
}

#[cfg(test)]
mod tests;
