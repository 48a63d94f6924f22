//! Executing a chunk until each of its jobs has a settlement that ends this delivery for it.
//!
//! A chunk of one job, the default, is one packet per attempt. A larger chunk is first attempted as a whole, in one
//! packet; if that fails, job by job. [`queryfleet_job::settle::settle`] is asked here, after each attempt, since some
//! outcomes are tried again at once.

use std::time::{Duration, Instant};

use queryfleet_job::settle::settle;
use queryfleet_job::{Chunk, Failure, Headers, Job, Outcome, RunId, Settlement, Spent, Terms, jittered};
use queryfleet_ledger::CanaryJob;

use crate::log::{self, Event, EventKind};
use crate::not_run::NotRun;
use crate::slot::attempt::attempt;
use crate::slot::context::Context;
use crate::slot::tries::Tries;

/// How long it may take to note what a job of a canary has done.
const NOTE_TIMEOUT: Duration = Duration::from_secs(1);

/// How one job of a delivery has ended, and what becomes of it.
#[derive(Debug)]
pub(crate) struct Ending<'a> {
    pub(crate) job: &'a Job,
    pub(crate) outcome: Outcome,
    pub(crate) settlement: Settlement,
    /// Whether it must not share a message any more.
    pub(crate) alone: bool,
    /// Whether its next delivery does without an attempt of all jobs together: it has had one.
    pub(crate) apart: bool,
    /// The warnings that the server had for it, of a job that is done.
    pub(crate) warnings: u16,
}

impl<'a> Ending<'a> {
    /// A job that goes back to the queue without an attempt of its own.
    fn given_back(job: &'a Job, outcome: Outcome) -> Ending<'a> {
        Ending { job, outcome, settlement: Settlement::GiveBack, alone: false, apart: false, warnings: 0 }
    }
}

/// Executes the jobs of an admitted chunk, which had these headers, under the terms of its run.
pub(crate) async fn execute<'a>(
    context: &mut Context,
    chunk: &'a Chunk,
    terms: &Terms,
    headers: &Headers,
) -> Vec<Ending<'a>> {
    let attempts = headers.attempts;
    let _in_flight = context.metrics.begin(chunk.jobs.len() as u64);
    let since = Instant::now();
    if chunk.jobs.len() == 1 || context.shared.kept.has(chunk.run) {
        return execute_singly(context, chunk, terms, attempts, since, Vec::new()).await;
    }
    let ended = match headers.apart {
        true => Vec::new(),
        false => match execute_together(context, chunk, terms, since).await {
            Ok(endings) => return endings,
            Err(ended) => ended,
        },
    };
    let mut endings = execute_singly(context, chunk, terms, attempts, since, ended).await;
    // A gate that opens for less time than all of them together take would let none of them ever end. Of what was given back
    // for another reason the next attempt together may succeed.
    let apart = headers.apart || context.shared.control.is_closed(context.index);
    endings.iter_mut().for_each(|ending| ending.apart = apart && ending.settlement == Settlement::GiveBack);
    endings
}

/// Attempts all jobs of a chunk in one packet.
///
/// # Errors
/// By the index of the job: its ending, if it has ended by the failed attempt. The failure says nothing about any other
/// single job: a 1062 may belong to any of them.
async fn execute_together<'a>(
    context: &mut Context,
    chunk: &'a Chunk,
    terms: &Terms,
    since: Instant,
) -> Result<Vec<Ending<'a>>, Vec<Option<Ending<'a>>>> {
    let result = attempt(context, chunk, terms, &chunk.jobs).await;
    // A chunk has at most 10,000 jobs.
    let share = since.elapsed() / chunk.jobs.len() as u32;
    let end = |job: &'a Job, outcome: Outcome| {
        record_failure(context, chunk, job, &outcome);
        record_end(context, &outcome, share);
        let settlement = settle(&outcome, Spent::default(), &context.shared.limits.policy);
        Ending { job, outcome, settlement, alone: false, apart: false, warnings: 0 }
    };
    match result {
        Ok(done) => {
            Ok(chunk.jobs.iter().zip(done.rows).map(|(job, rows)| end(job, Outcome::Done(rows))).collect())
        }
        Err(failed) => Err(chunk
            .jobs
            .iter()
            .zip(failed.ended)
            .map(|(job, outcome)| outcome.map(|outcome| end(job, outcome)))
            .collect()),
    }
}

/// Executes the jobs one after another, but for those that have `ended` already.
async fn execute_singly<'a>(
    context: &mut Context,
    chunk: &'a Chunk,
    terms: &Terms,
    attempts: u32,
    since: Instant,
    mut ended: Vec<Option<Ending<'a>>>,
) -> Vec<Ending<'a>> {
    let mut tries = Tries::default();
    let mut endings: Vec<Ending<'a>> = Vec::with_capacity(chunk.jobs.len());
    for (index, job) in chunk.jobs.iter().enumerate() {
        let has_ended = ended.get_mut(index).and_then(Option::take);
        let ending = match has_ended.or_else(|| without_attempt(context, job, endings.last(), since)) {
            Some(ending) => ending,
            None => {
                let since = Instant::now();
                let ending = execute_one(context, chunk, terms, job, attempts, &mut tries).await;
                let took = since.elapsed();
                record_end(context, &ending.outcome, took);
                if terms.canary.is_some_and(|jobs| job.seq <= jobs) {
                    note_canary(context, chunk.run, &ending, took).await;
                }
                ending
            }
        };
        endings.push(ending);
    }
    endings
}

/// Gives a job back if attempting it would be useless, after how the job before it has ended, or too late.
fn without_attempt<'a>(
    context: &Context,
    job: &'a Job,
    before: Option<&Ending<'a>>,
    since: Instant,
) -> Option<Ending<'a>> {
    // A server that does not take our own row of one job takes none of the others'.
    if let Some(Ending { outcome: Outcome::Unfit(failure), .. }) = before
        && failure.code.is_some()
    {
        return Some(Ending::given_back(job, Outcome::Unfit(failure.clone())));
    }
    if since.elapsed() >= context.shared.limits.statement_timeout {
        // A full deadline for each job of the chunk would outlast the broker's consumer timeout.
        let outcome = Outcome::Interrupted(Failure::said("its chunk has spent its time"));
        return Some(Ending { alone: true, ..Ending::given_back(job, outcome) });
    }
    None
}

/// Attempts one job until its settlement is another than to attempt it again.
async fn execute_one<'a>(
    context: &mut Context,
    chunk: &Chunk,
    terms: &Terms,
    job: &'a Job,
    attempts: u32,
    tries: &mut Tries,
) -> Ending<'a> {
    tries.next_job();
    loop {
        // Of a large chunk every further attempt would only be another connection to kill.
        if context.shared.drain.is_now() || context.shared.runs.is_cancelled_now(chunk.run) {
            let failure = Failure::said("ended by a drain or a cancel before the attempt");
            return Ending::given_back(job, Outcome::Interrupted(failure));
        }
        let mut warnings = 0;
        let outcome = match attempt(context, chunk, terms, std::slice::from_ref(job)).await {
            Ok(done) => {
                warnings = done.warnings;
                Outcome::Done(done.rows.first().copied().unwrap_or_default())
            }
            Err(mut failed) => failed.ended.pop().flatten().unwrap_or(failed.outcome),
        };
        record_failure(context, chunk, job, &outcome);
        let spent = tries.record(&outcome, attempts);
        let settlement = settle(&outcome, spent, &context.shared.limits.policy);
        let Settlement::Again(longest_pause) = settlement else {
            return Ending { job, outcome, settlement, alone: false, apart: false, warnings };
        };
        // What waits for the database holds a message, and would hold it for minutes.
        if let Err(NotRun(outcome)) = context.shared.control.check(context.index) {
            return Ending::given_back(job, outcome);
        }
        log::attempt_repeated(&context.shared.worker, context.job_ref(chunk.run, job.seq), &outcome);
        tokio::select! {
            () = tokio::time::sleep(jittered(longest_pause)) => {}
            () = async { tokio::select! {
                () = context.shared.drain.draining() => {}
                () = context.shared.control.closed(context.index) => {}
            } } => {
                let message = outcome.failure().map(|failure| failure.message.clone()).unwrap_or_default();
                return Ending::given_back(job, Outcome::Interrupted(Failure::said(message)));
            }
        }
    }
}

/// Counts the end of one job in this delivery; `took` is its own time, of a chunk its share.
fn record_end(context: &Context, outcome: &Outcome, took: Duration) {
    context.metrics.ended(outcome.class(), took);
    if let Outcome::Done(rows) = outcome {
        context.shared.metrics.rows_affected(*rows);
    }
}

/// Notes what a job of a canary has done, for whoever approves the rest. A dead one has its row.
async fn note_canary(context: &Context, run: RunId, ending: &Ending<'_>, took: Duration) {
    let (&Outcome::Done(rows), seq) = (&ending.outcome, ending.job.seq) else { return };
    let shared = &context.shared;
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let job = CanaryJob { seq, rows, took_ms, warnings: ending.warnings };
    let note = async {
        let mut client = shared.clients.heartbeat.lock().await;
        client.events().note_canary(&shared.queue, run, &shared.worker, job).await;
    };
    // The job is done whether somebody reads of it or not.
    let _ = tokio::time::timeout(NOTE_TIMEOUT, note).await;
}

/// Counts and logs a failed attempt at a job.
fn record_failure(context: &Context, chunk: &Chunk, job: &Job, outcome: &Outcome) {
    let Some(failure) = outcome.failure() else { return };
    context.shared.metrics.job_error(outcome.class());
    if matches!(outcome, Outcome::Permanent(_) | Outcome::Refused(_) | Outcome::Unknown(_)) {
        // It is logged once, when its dead row is written.
        return;
    }
    context.shared.log.record(EventKind::AttemptFailed, || {
        let job = context.job_ref(chunk.run, job.seq);
        Event::of_job(job, outcome.class().as_str(), failure.to_string())
    });
}
