//! The collector: moves what the broker has dead-lettered into `queryfleet_dead`, so that all dead jobs are in one
//! table.
//!
//! The broker says why a message is in the dead queue:
//! - It was rejected: it is undecodable, unverified, or of an unknown run.
//! - It was delivered up to the limit. Of a chunk nobody knows which job it was: those that have not ended are
//!   published again one by one, and only a single job dies.
//! - A policy or a person has moved it, which is no job's doing: its jobs are dead by that reason, and a replay brings
//!   them back. They are not published again here: as long as the policy is there they would come back forever.

use std::sync::Arc;
use std::time::Instant;

use queryfleet_broker::{DeadLetterReason, Delivery, Publisher, Route};
use queryfleet_job::{Backoff, Chunk, DeadReason, Failure, Job, Message, Outcome, envelope};
use queryfleet_ledger::{RunSession, Session};

use crate::dead_row::DeadRow;
use crate::decode::decode;
use crate::log::{Event, EventKind};
use crate::not_run::NotRun;
use crate::shared::Shared;

/// Why a job is dead that used up the delivery limit.
const POISON: &str = "it was delivered up to the broker's limit without an end: each time its worker or connection \
    died, or somebody put it back";
/// Why a job is dead that this worker would have run. It is not given back: the worker that rejected it may take it again, and would
/// reject it again.
const REJECTED: &str = "a worker of this queue rejected it, and this one would not: give all of them the same \
    QUERYFLEET_SIGNING_KEY and QUERYFLEET_MYSQL_URL";
/// Why a job is dead that was in the dead queue without a word of the broker.
const MOVED: &str = "it was in the dead queue, and the broker does not say why: somebody has moved it there; \
    `queryfleet dead replay --reason moved` brings it back";

/// Why the collector begins anew: its message stays with the broker.
#[derive(Debug, thiserror::Error)]
enum CollectError {
    #[error(transparent)]
    Broker(#[from] queryfleet_broker::Error),
    #[error(transparent)]
    Ledger(#[from] queryfleet_ledger::Error),
    /// Whether the message may run could not be found out.
    #[error("{0}")]
    Unavailable(Failure),
}

/// The collector of one worker.
struct Collector {
    shared: Arc<Shared>,
    session: Session,
    backoff: Backoff,
    /// Whether it was logged that there are too many messages that are not jobs.
    has_logged_many: bool,
}

/// What a dead letter is.
enum DeadLetter {
    /// Jobs that die, all for one reason.
    Jobs { chunk: Chunk, reason: DeadReason, why: String },
    /// A chunk that used up the delivery limit.
    Poison(Chunk),
    /// What must not touch the ledger.
    Body { reason: DeadReason, why: String },
    /// Jobs that have ended, or whose run was purged.
    Ended,
}

/// Serves the dead queue until the worker ends.
pub(crate) async fn collect(shared: Arc<Shared>) {
    let session = Session::new(shared.clients.database.clone());
    let backoff = Backoff::new(shared.limits.longest_backoff);
    let mut collector = Collector { shared: shared.clone(), session, backoff, has_logged_many: false };
    while !shared.drain.is_draining() {
        if let Err(error) = collector.serve().await {
            tracing::debug!(
                worker = shared.worker,
                error = queryfleet_job::causes(&error),
                "the collector begins anew"
            );
        }
        collector.pause().await;
    }
}

impl Collector {
    /// First the database, then the consumer: a collector that cannot write dead rows must hold no message.
    async fn serve(&mut self) -> Result<(), CollectError> {
        let shared = self.shared.clone();
        self.session.prepare(RunSession::NONE).await?;
        self.session.probe().await?;
        let tag = format!("{}/collector", shared.worker);
        let mut subscription = shared.clients.consuming.subscribe(&shared.topology.dead(), &tag).await?;
        loop {
            // Dead letters are rare, and the server ends idle sessions: each letter has a connection of its own.
            self.session.close().await;
            let Some(delivery) = subscription.next().await else { return Ok(()) };
            let mut delivery = delivery?;
            self.keep_collecting(&mut delivery).await?;
            // If the acknowledgement is lost, the message comes again and meets its rows.
            delivery.ack();
            self.backoff.reset();
        }
    }

    /// Moves a message, and keeps it in hand while that fails. It is the dead queue's last chance: where a policy
    /// limits its deliveries, messages that are returned at every failure are dropped.
    async fn keep_collecting(&mut self, delivery: &mut Delivery) -> Result<(), CollectError> {
        let shared = self.shared.clone();
        let since = Instant::now();
        loop {
            let turn = shared.large.turn(delivery.body.len()).await;
            let Err(error) = self.collect_one(delivery).await else { return Ok(()) };
            drop(turn);
            // Below the broker's consumer timeout, as a slot's limit is.
            if shared.drain.is_draining() || since.elapsed() >= shared.limits.policy.pressure_timeout {
                return Err(error);
            }
            let error = queryfleet_job::causes(&error);
            tracing::debug!(
                worker = shared.worker,
                error,
                "the collector keeps its message, and tries again"
            );
            shared.log.record(EventKind::AttemptFailed, || Event {
                class: "dead_letter",
                error: Some(format!(
                    "a dead letter stays with the broker until its row can be written: {error}"
                )),
                ..Event::default()
            });
            self.pause().await;
        }
    }

    async fn pause(&mut self) {
        tokio::select! {
            () = tokio::time::sleep(self.backoff.pause()) => {}
            () = self.shared.drain.draining() => {}
        }
    }

    async fn collect_one(&mut self, delivery: &mut Delivery) -> Result<(), CollectError> {
        match self.read(delivery).await? {
            DeadLetter::Jobs { chunk, reason, why } => {
                for job in &chunk.jobs {
                    self.write_dead_row(delivery, &chunk, job, reason, &why).await?;
                }
                Ok(())
            }
            DeadLetter::Poison(chunk) => self.publish_singly(delivery, &chunk).await,
            DeadLetter::Body { reason, why } => self.write_body(delivery, reason, why).await,
            DeadLetter::Ended => Ok(()),
        }
    }

    /// Reads what a dead letter is: by its bytes, by its run, and by what the broker says.
    async fn read(&self, delivery: &mut Delivery) -> Result<DeadLetter, CollectError> {
        let chunk = match decode(delivery, self.shared.signer.as_ref()) {
            Ok(chunk) => chunk,
            Err(not_run) => return read_not_run(not_run, ""),
        };
        if let Err(not_run) = self.shared.runs.admit(&chunk).await {
            return read_not_run(not_run, &format!("run {} is not in this ledger", chunk.run));
        }
        Ok(match delivery.dead_lettered.as_ref().map(|dead_lettered| dead_lettered.reason) {
            Some(DeadLetterReason::DeliveryLimit) => DeadLetter::Poison(chunk),
            Some(DeadLetterReason::Rejected) => match self.reason_of_rejection(delivery) {
                Some(reason) => DeadLetter::Jobs { chunk, reason, why: REJECTED.to_owned() },
                None => DeadLetter::Body { reason: DeadReason::Unverified, why: REJECTED.to_owned() },
            },
            _ => {
                let (reason, why) = moved_by(delivery);
                DeadLetter::Jobs { chunk, reason, why }
            }
        })
    }

    /// Why a worker rejected what this one would run. `None`: the message was not verified there, and here is no key to
    /// do it with; then it must not touch the ledger.
    fn reason_of_rejection(&self, delivery: &Delivery) -> Option<DeadReason> {
        if self.shared.signer.is_some() {
            return Some(DeadReason::Unverified);
        }
        // A run is unknown only when every attempt has found it so.
        let attempts = delivery.headers.attempts.saturating_add(1);
        (attempts >= self.shared.limits.policy.max_attempts).then_some(DeadReason::UnknownRun)
    }

    /// Publishes the jobs of a chunk that used up the delivery limit one by one; a single job is dead.
    async fn publish_singly(&mut self, delivery: &Delivery, chunk: &Chunk) -> Result<(), CollectError> {
        let shared = self.shared.clone();
        if let [job] = chunk.jobs.as_slice() {
            return self.write_dead_row(delivery, chunk, job, DeadReason::DeliveryLimit, POISON).await;
        }
        let mut left: Vec<Message> = Vec::with_capacity(chunk.jobs.len());
        for job in &chunk.jobs {
            let single = chunk.with_jobs(vec![job]);
            let first_error = delivery.headers.first_error.clone();
            left.push(envelope::seal(
                &single,
                shared.signer.as_ref(),
                delivery.headers.attempts,
                first_error,
            ));
        }
        let mut publisher = Publisher::new(shared.clients.publishing.clone(), shared.topology.clone());
        // Jobs that have ended meet their ledger row.
        loop {
            let published = publisher.publish_remaining(Route::Work, &mut left).await;
            for _ in &chunk.jobs {
                shared.record_published(&published);
            }
            let Err(error) = published else { break };
            // The broker's limit is lower than when the chunk was published: the job can only die.
            let Some(job) = take_untaken(&error, &mut left, chunk) else { return Err(error.into()) };
            let why = format!("{POISON}; it cannot be published alone: {error}");
            self.write_dead_row(delivery, chunk, job, DeadReason::DeliveryLimit, &why).await?;
        }
        shared.log.record(EventKind::PoisonChunk, || Event {
            run: Some(chunk.run),
            class: "poison",
            ..Event::default()
        });
        Ok(())
    }

    /// Writes the rows of one job, unless it has ended before.
    async fn write_dead_row(
        &mut self,
        delivery: &Delivery,
        chunk: &Chunk,
        job: &Job,
        reason: DeadReason,
        why: &str,
    ) -> Result<(), CollectError> {
        let row = DeadRow {
            chunk,
            job,
            headers: &delivery.headers,
            reason,
            failure: &Failure::said(why),
            attempts: delivery.headers.attempts,
            slot: None,
        };
        Ok(row.write(&self.shared, &mut self.session).await?)
    }

    /// Writes a message that is not a job, by its digest.
    async fn write_body(
        &mut self,
        delivery: &Delivery,
        reason: DeadReason,
        why: String,
    ) -> Result<(), CollectError> {
        let shared = &self.shared;
        self.session.prepare(RunSession::NONE).await?;
        let are_many =
            self.session.record_body(&shared.queue, reason, &why, &shared.worker, &delivery.body).await?;
        if are_many && !self.has_logged_many {
            self.has_logged_many = true;
            tracing::warn!(
                worker = shared.worker,
                reason = reason.as_str(),
                "queryfleet_dead holds so many messages that are not jobs that only digest and reason of further ones \
                 are kept: find out who publishes them, then delete them with `queryfleet dead discard --reason`"
            );
        }
        shared.record_dead(reason, Event { class: reason.as_str(), error: Some(why), ..Event::default() });
        Ok(())
    }
}

/// What a dead letter is that may not run here; `unknown_run` says why it is of an unknown run.
///
/// # Errors
/// It may run later, or elsewhere.
fn read_not_run(NotRun(outcome): NotRun, unknown_run: &str) -> Result<DeadLetter, CollectError> {
    match outcome {
        Outcome::Undecodable(failure) => {
            Ok(DeadLetter::Body { reason: DeadReason::Undecodable, why: failure.message })
        }
        Outcome::Unverified(failure) => {
            Ok(DeadLetter::Body { reason: DeadReason::Unverified, why: failure.message })
        }
        Outcome::UnknownRun => {
            Ok(DeadLetter::Body { reason: DeadReason::UnknownRun, why: unknown_run.to_owned() })
        }
        Outcome::Stale | Outcome::EndedBefore(_) => Ok(DeadLetter::Ended),
        outcome => Err(CollectError::Unavailable(outcome.failure().cloned().unwrap_or_default())),
    }
}

/// What has moved a message that no worker was to blame for, and what brings its jobs back.
fn moved_by(delivery: &Delivery) -> (DeadReason, String) {
    let Some(dead_lettered) = &delivery.dead_lettered else { return (DeadReason::Moved, MOVED.to_owned()) };
    let (limit, reason) = match dead_lettered.reason {
        DeadLetterReason::Expired => ("a time to live", DeadReason::Expired),
        DeadLetterReason::MaxLen => ("a limit of the length", DeadReason::MaxLen),
        DeadLetterReason::Rejected | DeadLetterReason::DeliveryLimit | DeadLetterReason::Other => {
            return (DeadReason::Moved, MOVED.to_owned());
        }
    };
    let why = format!(
        "{limit} of a policy on {} has moved it here, no worker: take that out of the policy (`rabbitmqctl \
         list_policies`, also list_operator_policies), then `queryfleet dead replay --reason {}`",
        dead_lettered.queue,
        reason.as_str()
    );
    (reason, why)
}

/// The job that the broker never takes; its message is taken out of `left`.
fn take_untaken<'a>(
    error: &queryfleet_broker::Error,
    left: &mut Vec<Message>,
    chunk: &'a Chunk,
) -> Option<&'a Job> {
    let queryfleet_broker::Error::TooLarge { message, .. } = error else { return None };
    let seq: u64 = message.rsplit_once('/')?.1.parse().ok()?;
    left.retain(|single| single.id != *message);
    chunk.jobs.iter().find(|job| job.seq == seq)
}
