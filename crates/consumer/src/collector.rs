//! The collector: moves what the broker dead-lettered into `queryfleet_dead`, so that all dead jobs are in one table.
//!
//! A message in the dead queue was rejected (undecodable, unverified, of an unknown run), or it killed its worker
//! again and again. Of a chunk that did so nobody knows which job it was: those that have not ended are published
//! again one by one, and only a single job dies.

use std::sync::Arc;

use broker::{Delivery, Publisher, Route};
use job::{Backoff, Chunk, DeadReason, Failure, Outcome, envelope};
use ledger::{Dead, RunSession, Session};

use crate::decode::decode;
use crate::news::Case;
use crate::shared::Shared;

/// Serves the dead queue until the worker ends.
pub(crate) async fn collect(shared: Arc<Shared>) {
    let mut backoff = Backoff::new(shared.backoff_max);
    loop {
        if let Err(error) = serve(&shared, &mut backoff).await {
            tracing::debug!(worker = shared.name, error = job::causes(&error), "the collector begins anew");
        }
        tokio::time::sleep(backoff.pause()).await;
    }
}

async fn serve(shared: &Arc<Shared>, backoff: &mut Backoff) -> Result<(), crate::Error> {
    let tag = format!("{}/collector", shared.name);
    let mut subscription = shared.consuming.subscribe(&shared.topology.dead(), &tag).await?;
    let mut session = Session::new(shared.database.clone());
    while let Some(delivery) = subscription.next().await {
        let delivery = delivery?;
        move_one(shared, &mut session, &delivery).await?;
        delivery.ack();
        backoff.reset();
        // Dead letters are rare, and the server ends idle sessions: each has a connection of its own.
        session.close().await;
    }
    Ok(())
}

async fn move_one(
    shared: &Arc<Shared>,
    session: &mut Session,
    delivery: &Delivery,
) -> Result<(), crate::Error> {
    let unreadable = match decode(delivery, shared.signer.as_ref()) {
        Ok(chunk) => match shared.runs.admit(&chunk).await {
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

/// A message that used up the delivery limit.
async fn settle_poison(
    shared: &Arc<Shared>,
    session: &mut Session,
    delivery: &Delivery,
    chunk: &Chunk,
) -> Result<(), crate::Error> {
    session.prepare(RunSession::NONE).await?;
    if let [job] = chunk.jobs.as_slice() {
        let failure =
            Failure::said("its worker or its connection died at every delivery, up to the broker's limit");
        let single = envelope::encode(chunk);
        let dead = Dead {
            run: chunk.run,
            seq: job.seq,
            queue: &shared.queue,
            reason: DeadReason::DeliveryLimit,
            failure: &failure,
            first_error: delivery.headers.first_error.as_deref(),
            attempts: delivery.headers.attempts,
            worker: &shared.name,
            statement: &job.sql,
            envelope: &single,
        };
        if session.record_dead(&dead).await? {
            let class = DeadReason::DeliveryLimit.as_str();
            let error = Some(failure.to_string());
            let case = Case { run: Some(chunk.run), seq: Some(job.seq), slot: None, class, error };
            shared.dead(DeadReason::DeliveryLimit, case);
        }
        return Ok(());
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
