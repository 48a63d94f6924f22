//! The collector: moves what the broker dead-lettered into `queryfleet_dead`, so that all dead jobs are in one table.
//!
//! A message in the dead queue was rejected (undecodable, unverified, of an unknown run), or it killed its worker
//! again and again. Of a chunk that did so nobody knows which job it was: those that have not ended are published
//! again one by one, and only a single job dies.

use std::sync::Arc;
use std::time::Instant;

use broker::{Delivery, Publisher, Route};
use job::{Backoff, Chunk, DeadReason, Failure, Job, Outcome, envelope};
use ledger::{Dead, RunSession, Session};

use crate::decode::decode;
use crate::news::Case;
use crate::shared::Shared;

const DIED: &str = "its worker or its connection died at every delivery, up to the broker's limit";
/// What this worker would have run. It is not given back: the worker that rejected it may take it again, and does the
/// same.
const REJECTED: &str = "a worker of this queue rejected it, and this one would not: give all of them the same \
    QUERYFLEET_SIGNING_KEY and QUERYFLEET_MYSQL_URL";

/// Serves the dead queue until the worker ends.
pub(crate) async fn collect(shared: Arc<Shared>) {
    let mut backoff = Backoff::new(shared.backoff_max);
    while !shared.drain.is_draining() {
        if let Err(error) = serve(&shared, &mut backoff).await {
            tracing::debug!(worker = shared.name, error = job::causes(&error), "the collector begins anew");
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
        let delivery = delivery?;
        keep_moving(shared, &mut session, &delivery, backoff).await?;
        delivery.ack();
        backoff.reset();
    }
}

/// Moves a message, and keeps it in hand while that fails. It is the dead queue's last chance: where a policy limits
/// its deliveries, messages that are returned at every failure are dropped.
async fn keep_moving(
    shared: &Arc<Shared>,
    session: &mut Session,
    delivery: &Delivery,
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
        let error = job::causes(&error);
        tracing::debug!(worker = shared.name, error, "the collector keeps its message, and tries again");
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
    delivery: &Delivery,
) -> Result<(), crate::Error> {
    let unreadable = match decode(delivery, shared.signer.as_ref()) {
        Ok(chunk) => match shared.runs.admit(&chunk).await {
            Ok(_) if delivery.rejected => match rejected(shared, delivery) {
                Some(reason) => {
                    for job in &chunk.jobs {
                        bury(shared, session, delivery, &chunk, job, (reason, REJECTED)).await?;
                    }
                    return Ok(());
                }
                None => (DeadReason::Unverified, REJECTED.to_owned()),
            },
            Ok(_) => return settle_poison(shared, session, delivery, &chunk).await,
            Err(Outcome::UnknownRun) => {
                (DeadReason::UnknownRun, format!("run {} is not in this ledger", chunk.run))
            }
            Err(Outcome::Stale | Outcome::EndedBefore(_)) => return Ok(()),
            Err(outcome) => return Err(crate::Error::Away(outcome.failure().cloned().unwrap_or_default())),
        },
        Err(Outcome::Undecodable(failure)) => (DeadReason::Undecodable, failure.message),
        Err(Outcome::Unverified) => (DeadReason::Unverified, "signature is missing or wrong".to_owned()),
        Err(outcome) => return Err(crate::Error::Away(outcome.failure().cloned().unwrap_or_default())),
    };
    let (reason, message) = unreadable;
    session.prepare(RunSession::NONE).await?;
    session.record_body(&shared.queue, reason, &message, &shared.name, &delivery.body).await?;
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
    let published = publisher.publish(Route::Work, &singles).await;
    singles.iter().for_each(|_| shared.published(&published));
    published?;
    let (worker, jobs) = (&shared.name, singles.len());
    tracing::warn!(run = %chunk.run, worker, jobs, "poison chunk is published again job by job");
    Ok(())
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
    let single = envelope::encode(&chunk.with_jobs(vec![job.clone()]));
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
        envelope: &single,
    };
    if session.record_dead(&dead).await? {
        let error = Some(failure.to_string());
        let case =
            Case { run: Some(chunk.run), seq: Some(job.seq), slot: None, class: reason.as_str(), error };
        shared.dead(reason, case);
    }
    Ok(())
}
