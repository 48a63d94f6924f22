//! Executing a chunk: all of it in one packet, or job by job when that fails.

use std::time::{Duration, Instant};

use queryfleet_job::{Chunk, Failure, Job, Outcome, Settlement, Spent, jittered};
use queryfleet_ledger::{Done, Failed, Run, RunSession};
use queryfleet_metrics::{Dependency, KillReason};
use queryfleet_sql::SqlMode;

use crate::check::check;
use crate::news::{self, Case, Topic};
use crate::slot::Slot;
use crate::tries::Tries;

/// How one job of a delivery has ended, and what becomes of it.
pub(crate) struct Ending<'a> {
    pub(crate) job: &'a Job,
    pub(crate) outcome: Outcome,
    pub(crate) settlement: Settlement,
    /// Whether it must not share a message any more.
    pub(crate) alone: bool,
}

/// Attempts every job of the chunk until each has a settlement that ends this delivery for it.
pub(crate) async fn execute<'a>(
    slot: &mut Slot,
    chunk: &'a Chunk,
    run: &Run,
    attempts: u32,
) -> Vec<Ending<'a>> {
    let _in_flight = slot.begin(chunk.jobs.len());
    let since = Instant::now();
    let mut finals = Vec::new();
    let mut share = Duration::ZERO;
    if chunk.jobs.len() > 1 && !slot.shared.kept.has(run.id) {
        let tried = attempt(slot, chunk, run, &chunk.jobs).await;
        // At most 10,000 jobs.
        share = since.elapsed() / chunk.jobs.len() as u32;
        match tried {
            Ok(done) => {
                let jobs = chunk.jobs.iter().zip(done.rows);
                return jobs.map(|(job, rows)| ended(slot, chunk, job, Outcome::Done(rows), share)).collect();
            }
            Err(fallen) => finals = fallen.finals,
        }
    }
    // Whatever failed, it says nothing about a single job that is left: a 1062 may belong to any of them.
    let mut tries = Tries::default();
    let mut endings: Vec<Ending<'_>> = Vec::with_capacity(chunk.jobs.len());
    for (index, job) in chunk.jobs.iter().enumerate() {
        if let Some(Some(outcome)) = finals.get(index) {
            endings.push(ended(slot, chunk, job, outcome.clone(), share));
            continue;
        }
        // A server that does not take our own row of one job takes none of the others'.
        if let Some(Outcome::Unfit(failure)) = endings.last().map(|ending| &ending.outcome)
            && failure.code.is_some()
        {
            let outcome = Outcome::Unfit(failure.clone());
            endings.push(Ending { job, outcome, settlement: Settlement::GiveBack, alone: false });
            continue;
        }
        if since.elapsed() >= slot.shared.statement_timeout {
            // The chunk has spent its time; a full deadline for each job would outlast the broker's consumer timeout.
            endings.push(Ending { alone: true, ..given_back(job, "its chunk has spent its time") });
            continue;
        }
        let since = Instant::now();
        let ending = single(slot, chunk, run, job, attempts, &mut tries).await;
        slot.ended(&ending.outcome, since.elapsed());
        endings.push(ending);
    }
    endings
}

/// A job that goes back to the queue without an attempt of its own.
fn given_back<'a>(job: &'a Job, why: &str) -> Ending<'a> {
    let outcome = Outcome::Interrupted(Failure::said(why));
    Ending { job, outcome, settlement: Settlement::GiveBack, alone: false }
}

/// A job that has ended together with others of its chunk: it is done, or nobody knows.
fn ended<'a>(slot: &Slot, chunk: &Chunk, job: &'a Job, outcome: Outcome, took: Duration) -> Ending<'a> {
    note(slot, chunk, job, &outcome);
    slot.ended(&outcome, took);
    let settlement = queryfleet_job::settle::settle(&outcome, Spent::default(), &slot.shared.policy);
    Ending { job, outcome, settlement, alone: false }
}

async fn single<'a>(
    slot: &mut Slot,
    chunk: &Chunk,
    run: &Run,
    job: &'a Job,
    attempts: u32,
    tries: &mut Tries,
) -> Ending<'a> {
    tries.next_job();
    loop {
        // Of a large chunk every further attempt would only be another connection to kill.
        if slot.shared.drain.is_now() || slot.shared.runs.is_ended_now(run.id) {
            return given_back(job, "ended by a drain or a cancel before the attempt");
        }
        let outcome = match attempt(slot, chunk, run, std::slice::from_ref(job)).await {
            Ok(done) => Outcome::Done(done.rows.first().copied().unwrap_or_default()),
            Err(mut fallen) => fallen.finals.pop().flatten().unwrap_or(fallen.outcome),
        };
        note(slot, chunk, job, &outcome);
        let settlement =
            queryfleet_job::settle::settle(&outcome, tries.count(&outcome, attempts), &slot.shared.policy);
        let Settlement::Again(longest) = settlement else {
            return Ending { job, outcome, settlement, alone: false };
        };
        news::repeated(slot, chunk, job, &outcome);
        tokio::select! {
            () = tokio::time::sleep(jittered(longest)) => {}
            () = slot.shared.drain.draining() => {
                return given_back(job, &outcome.failure().cloned().unwrap_or_default().message);
            }
        }
    }
}

/// One packet with these jobs, on a connection that is made ready first. Jobs that are not plain get packets of their
/// own.
async fn attempt(slot: &mut Slot, chunk: &Chunk, run: &Run, jobs: &[Job]) -> Result<Done, Fallen> {
    let mode = ready(slot, run).await?;
    slot.shared.runs.still_open(chunk).await?;
    let mut plain = !slot.shared.kept.has(run.id);
    for job in jobs {
        plain &= check(chunk, job, mode, slot.shared.allow.as_deref())?;
    }
    if jobs.len() > 1 && !(plain && chunk.not_atomic.is_none()) {
        return Err(Outcome::Interrupted(Failure::said("a job of the chunk needs its own packet")).into());
    }
    let deadline = jobs.iter().map(|job| deadline(job, slot.shared.statement_timeout)).max();
    let deadline = deadline.unwrap_or(slot.shared.statement_timeout);
    fail::fail_point!("poison", jobs.iter().any(|job| job.sql.contains("/* poison */")), |_| {
        std::process::abort()
    });
    fail::fail_point!("before-attempt", |_| std::process::abort());
    let (drain, runs) = (slot.shared.drain.clone(), slot.shared.clone());
    let stop = async {
        tokio::select! {
            () = drain.must_end() => {}
            () = runs.runs.ended_now(run.id) => {}
        }
    };
    let result = match (chunk.not_atomic, jobs) {
        (Some(how), [job]) => {
            let rows = slot.session.attempt_not_atomic(chunk, job, how, deadline, stop).await;
            rows.map(|rows| Done { rows: vec![rows], kept: false }).map_err(Failed::from)
        }
        _ => slot.session.attempt(chunk, jobs, plain, deadline, stop).await,
    };
    fail::fail_point!("after-attempt", |_| std::process::abort());
    if result.as_ref().is_ok_and(|done| done.kept) {
        slot.shared.kept.note(run.id);
    }
    count_end(slot, result.as_ref().err().map(|failed| &failed.outcome));
    match result {
        Ok(done) => Ok(done),
        Err(failed) => Err(fallen(slot, jobs, plain, mode, failed).await),
    }
}

/// How an attempt has failed, and which of its jobs are not tried again.
struct Fallen {
    outcome: Outcome,
    /// Of each job that has ended by this attempt, how; empty when none has.
    finals: Vec<Option<Outcome>>,
}

impl From<Outcome> for Fallen {
    fn from(outcome: Outcome) -> Fallen {
        Fallen { outcome, finals: Vec::new() }
    }
}

/// What may have left effects behind that no rollback undoes has ended by this attempt.
async fn fallen(slot: &Slot, jobs: &[Job], plain: bool, mode: SqlMode, failed: Failed) -> Fallen {
    let Failed { outcome, unknown, unanswered } = failed;
    let finals = match unanswered {
        true => slot.shared.remains.of(jobs, plain, mode, &outcome).await,
        false => vec![Some(outcome.clone()); unknown],
    };
    Fallen { outcome, finals }
}

/// The session, made ready for this run's jobs; answers its sql_mode.
async fn ready(slot: &mut Slot, run: &Run) -> Result<SqlMode, Outcome> {
    let wanted = RunSession { run: run.id, version: run.session_version, sql: run.session_sql.as_deref() };
    let ready = slot.session.prepare(wanted).await.map(|facts| facts.sql_mode);
    if slot.session.was_lost() {
        slot.shared.connected(Dependency::Database, slot.index, false);
    }
    let up = ready.as_ref().err().is_none_or(queryfleet_ledger::Error::is_of_run);
    slot.shared.connected(Dependency::Database, slot.index, up);
    ready.map_err(|error| error.outcome())
}

/// Counts what has ended a connection.
fn count_end(slot: &Slot, outcome: Option<&Outcome>) {
    match outcome {
        // With a code it is the server's own deadline, which ends a statement and no connection.
        Some(Outcome::Deadline(failure)) if failure.code.is_none() => {
            slot.shared.metrics.statement_killed(KillReason::Deadline);
        }
        Some(Outcome::Interrupted(_)) if slot.shared.drain.is_now() => {
            slot.shared.metrics.statement_killed(KillReason::Drain);
        }
        Some(Outcome::Interrupted(_)) => slot.shared.metrics.statement_killed(KillReason::Cancel),
        // The next connection is a reconnect; after a kill of ours it is none.
        Some(Outcome::LostAfterSend(_) | Outcome::NotSent(_)) => {
            slot.shared.connected(Dependency::Database, slot.index, false);
        }
        // A server that goes down has said so before the statement began.
        Some(Outcome::Pressure(_)) if slot.session.facts().is_none() => {
            slot.shared.connected(Dependency::Database, slot.index, false);
        }
        _ => {}
    }
}

fn deadline(job: &Job, default: Duration) -> Duration {
    job.timeout_ms.map_or(default, Duration::from_millis)
}

fn note(slot: &Slot, chunk: &Chunk, job: &Job, outcome: &Outcome) {
    let Some(failure) = outcome.failure() else { return };
    let class = outcome.class();
    slot.shared.failed(class);
    if matches!(outcome, Outcome::Permanent(_) | Outcome::Refused(_) | Outcome::Unknown(_)) {
        // Said once, when its dead row is written.
        return;
    }
    slot.shared
        .news
        .tell(Topic::Failed, || Case::of_job(slot, chunk, job, class.as_str(), failure.to_string()));
}
