//! The collector: moves what the broker dead-lettered into `queryfleet_dead`, so that all dead jobs are in one table.
//!
//! Why a message is in the dead queue is what the broker says. It was rejected (undecodable, unverified, of an unknown
//! run); or it was delivered up to the limit, and of a chunk nobody knows which job it was: those that have not ended
//! are published again one by one, and only a single job dies. Or a policy or a person has moved it, which is no job's
//! doing: its jobs are dead by that reason, and a replay brings them back. They are not published again here: as long
//! as the policy is there they would come back for ever.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use queryfleet_broker::{DeadLetterReason, Delivery, Publisher, Route};
use queryfleet_job::{Backoff, Chunk, DeadReason, Failure, Job, Message, Outcome, envelope};
use queryfleet_ledger::{Dead, RunSession, Session};

use crate::decode::decode;
use crate::news::{Case, Topic};
use crate::shared::Shared;

const DIED: &str = "it was delivered up to the broker's limit without an end: each time its worker or connection died, or \
    somebody put it back";
/// What this worker would have run. It is not given back: the worker that rejected it may take it again, and does the
/// same.
const REJECTED: &str = "a worker of this queue rejected it, and this one would not: give all of them the same \
    QUERYFLEET_SIGNING_KEY and QUERYFLEET_MYSQL_URL";

/// Said of messages that are none of ours when there are many of them.
const MANY: &str = "queryfleet_dead holds so many messages that are no jobs of ours that nothing of further ones is kept \
    but digest and reason: see who publishes them, then delete them with `queryfleet dead discard --reason`";

/// Serves the dead queue until the worker ends.
pub(crate) async fn collect(shared: Arc<Shared>) {
    let mut backoff = Backoff::new(shared.backoff_max);
    while !shared.drain.is_draining() {
        if let Err(error) = serve(&shared, &mut backoff).await {
            tracing::debug!(
                worker = shared.name,
                error = queryfleet_job::causes(&error),
                "the collector begins anew"
            );
        }
        pause(&shared, &mut backoff).await;
    }
}

/// First the database, then the consumer: a collector that cannot write dead rows must hold no message.
async fn serve(shared: &Arc<Shared>, backoff: &mut Backoff) -> Result<(), crate::Error> {
    let mut session = Session::new(shared.database.clone());
    session.prepare(RunSession::NONE).await?;
    session.probe().await?;
    let tag = format!("{}/collector", shared.name);
    let mut subscription = shared.consuming.subscribe(&shared.topology.dead(), &tag).await?;
    loop {
        // Dead letters are rare, and the server ends idle sessions: each has a connection of its own.
        session.close().await;
        let Some(delivery) = subscription.next().await else { return Ok(()) };
        let mut delivery = delivery?;
        keep_moving(shared, &mut session, &mut delivery, backoff).await?;
        delivery.ack();
        backoff.reset();
    }
}

/// Moves a message, and keeps it in hand while that fails. It is the dead queue's last chance: where a policy limits
/// its deliveries, messages that are returned at every failure are dropped.
async fn keep_moving(
    shared: &Arc<Shared>,
    session: &mut Session,
    delivery: &mut Delivery,
    backoff: &mut Backoff,
) -> Result<(), crate::Error> {
    let since = Instant::now();
    loop {
        let turn = shared.large.turn(delivery.body.len()).await;
        let Err(error) = move_one(shared, session, delivery).await else { return Ok(()) };
        drop(turn);
        // Below the broker's consumer timeout, as a slot's limit is.
        if shared.drain.is_draining() || since.elapsed() >= shared.policy.pressure_timeout {
            return Err(error);
        }
        let error = queryfleet_job::causes(&error);
        tracing::debug!(worker = shared.name, error, "the collector keeps its message, and tries again");
        let case = || Case {
            class: "dead_letter",
            error: Some(format!("a dead letter stays with the broker until its row can be written: {error}")),
            ..Case::default()
        };
        shared.news.tell(Topic::Failed, case);
        pause(shared, backoff).await;
    }
}

async fn pause(shared: &Shared, backoff: &mut Backoff) {
    tokio::select! {
        () = tokio::time::sleep(backoff.pause()) => {}
        () = shared.drain.draining() => {}
    }
}

async fn move_one(
    shared: &Arc<Shared>,
    session: &mut Session,
    delivery: &mut Delivery,
) -> Result<(), crate::Error> {
    let why = delivery.dead_lettered.as_ref().map(|dead_lettered| dead_lettered.reason);
    let unreadable = match decode(delivery, shared.signer.as_ref()) {
        Ok(chunk) => match shared.runs.admit(&chunk).await {
            Ok(_) if why == Some(DeadLetterReason::Rejected) => match rejected(shared, delivery) {
                Some(reason) => {
                    for job in &chunk.jobs {
                        bury(shared, session, delivery, &chunk, job, (reason, REJECTED)).await?;
                    }
                    return Ok(());
                }
                None => (DeadReason::Unverified, REJECTED.to_owned()),
            },
            Ok(_) if why == Some(DeadLetterReason::DeliveryLimit) => {
                return settle_poison(shared, session, delivery, &chunk).await;
            }
            Ok(_) => {
                let (reason, text) = moved(delivery);
                for job in &chunk.jobs {
                    bury(shared, session, delivery, &chunk, job, (reason, &text)).await?;
                }
                return Ok(());
            }
            Err(Outcome::UnknownRun) => {
                (DeadReason::UnknownRun, format!("run {} is not in this ledger", chunk.run))
            }
            Err(Outcome::Unverified(failure)) => (DeadReason::Unverified, failure.message),
            Err(Outcome::Stale | Outcome::EndedBefore(_)) => return Ok(()),
            Err(outcome) => return Err(crate::Error::Away(outcome.failure().cloned().unwrap_or_default())),
        },
        Err(Outcome::Undecodable(failure)) => (DeadReason::Undecodable, failure.message),
        Err(Outcome::Unverified(failure)) => (DeadReason::Unverified, failure.message),
        Err(outcome) => return Err(crate::Error::Away(outcome.failure().cloned().unwrap_or_default())),
    };
    let (reason, message) = unreadable;
    session.prepare(RunSession::NONE).await?;
    let are_many = session.record_body(&shared.queue, reason, &message, &shared.name, &delivery.body).await?;
    if are_many && !shared.has_many_bodies.swap(true, Ordering::Relaxed) {
        tracing::warn!(worker = shared.name, reason = reason.as_str(), "{MANY}");
    }
    shared.dead(reason, Case { class: reason.as_str(), error: Some(message), ..Case::default() });
    Ok(())
}

/// Why a worker rejected what this one would run. `None`: it was not verified there, and here is no key to do it with;
/// then it must not touch the ledger.
fn rejected(shared: &Shared, delivery: &Delivery) -> Option<DeadReason> {
    // A run is unknown only when every attempt has found it so.
    let spent = delivery.headers.attempts.saturating_add(1) >= shared.policy.max_attempts;
    match &shared.signer {
        Some(_) => Some(DeadReason::Unverified),
        None => spent.then_some(DeadReason::UnknownRun),
    }
}

/// What has moved a message that no worker was to blame for, and what brings its jobs back.
fn moved(delivery: &Delivery) -> (DeadReason, String) {
    let queue = delivery.dead_lettered.as_ref().map_or("", |dead_lettered| dead_lettered.queue.as_str());
    let policy = |what: &str, reason: DeadReason| {
        let word = reason.as_str();
        format!(
            "{what} of a policy on {queue} has moved it here, no worker: take that out of the policy (`rabbitmqctl \
             list_policies`, also list_operator_policies), then `queryfleet dead replay --reason {word}`"
        )
    };
    match delivery.dead_lettered.as_ref().map(|dead_lettered| dead_lettered.reason) {
        Some(DeadLetterReason::Expired) => {
            (DeadReason::Expired, policy("a time to live", DeadReason::Expired))
        }
        Some(DeadLetterReason::MaxLen) => {
            (DeadReason::MaxLen, policy("a limit of the length", DeadReason::MaxLen))
        }
        _ => {
            let text = "it was in the dead queue, and the broker does not say why: somebody has moved it there; \
                `queryfleet dead replay --reason moved` brings it back";
            (DeadReason::Moved, text.to_owned())
        }
    }
}

/// A message that used up the delivery limit.
async fn settle_poison(
    shared: &Arc<Shared>,
    session: &mut Session,
    delivery: &Delivery,
    chunk: &Chunk,
) -> Result<(), crate::Error> {
    if let [job] = chunk.jobs.as_slice() {
        return bury(shared, session, delivery, chunk, job, (DeadReason::DeliveryLimit, DIED)).await;
    }
    let singles: Vec<_> = chunk
        .jobs
        .iter()
        .map(|job| {
            let single = chunk.with_jobs(vec![job.clone()]);
            envelope::seal(
                &single,
                shared.signer.as_ref(),
                delivery.headers.attempts,
                delivery.headers.first_error.clone(),
            )
        })
        .collect();
    // Those that have ended meet their ledger row.
    let mut publisher = Publisher::new(shared.publishing.clone(), shared.topology.clone());
    let (mut left, count) = (singles, chunk.jobs.len());
    loop {
        let published = publisher.publish_remaining(Route::Work, &mut left).await;
        (0..count).for_each(|_| shared.published(&published));
        let Err(error) = published else { break };
        // The broker's limit is lower than when the chunk was published: the job can only die.
        let Some(job) = untaken(&error, &mut left, chunk) else { return Err(error.into()) };
        let why = format!("{DIED}; it cannot be published alone: {error}");
        bury(shared, session, delivery, chunk, job, (DeadReason::DeliveryLimit, &why)).await?;
    }
    shared.news.tell(Topic::Poison, || Case { run: Some(chunk.run), class: "poison", ..Case::default() });
    Ok(())
}

/// The job that the broker never takes; its message is none of `left` any more.
fn untaken<'a>(
    error: &queryfleet_broker::Error,
    left: &mut Vec<Message>,
    chunk: &'a Chunk,
) -> Option<&'a Job> {
    let queryfleet_broker::Error::TooLarge { message, .. } = error else { return None };
    let seq: u64 = message.rsplit_once('/')?.1.parse().ok()?;
    left.retain(|single| single.id != *message);
    chunk.jobs.iter().find(|job| job.seq == seq)
}

/// Writes the dead row of one job and its ledger row, unless it has ended before.
async fn bury(
    shared: &Shared,
    session: &mut Session,
    delivery: &Delivery,
    chunk: &Chunk,
    job: &Job,
    (reason, why): (DeadReason, &str),
) -> Result<(), crate::Error> {
    let failure = Failure::said(why);
    // Verified before, so this worker may sign it: a replay publishes these bytes, and signs nothing.
    let single = envelope::seal(&chunk.with_jobs(vec![job.clone()]), shared.signer.as_ref(), 0, None);
    let dead = Dead {
        run: chunk.run,
        seq: job.seq,
        queue: &shared.queue,
        reason,
        failure: &failure,
        first_error: delivery.headers.first_error.as_deref(),
        attempts: delivery.headers.attempts,
        worker: &shared.name,
        statement: &job.sql,
        envelope: &single.body,
        signature: single.headers.signature.as_deref(),
    };
    if session.record_dead(&dead).await? {
        let error = Some(failure.to_string());
        let case =
            Case { run: Some(chunk.run), seq: Some(job.seq), slot: None, class: reason.as_str(), error };
        shared.dead(reason, case);
    }
    Ok(())
}
