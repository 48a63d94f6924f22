//! One attempt at jobs of a chunk: the session is made ready, the statements are checked, one packet is sent.

use std::time::Duration;

use queryfleet_job::{Chunk, Failure, Job, Outcome, RunId, Terms};
use queryfleet_ledger::{Done, Failed, RunSession};
use queryfleet_metrics::{Dependency, KillReason};
use queryfleet_sql::SqlMode;

use crate::failpoint::failpoint;
use crate::not_run::NotRun;
use crate::slot::check::{Calls, check};
use crate::slot::context::Context;

/// Why an attempt has not committed.
pub(crate) struct FailedAttempt {
    /// How the attempt has ended. Of a chunk it says nothing about a single job.
    pub(crate) outcome: Outcome,
    /// By the index of the job: how it has ended by this attempt, if it has. Empty if none has. All other jobs may be
    /// attempted again.
    pub(crate) ended: Vec<Option<Outcome>>,
}

impl From<NotRun> for FailedAttempt {
    fn from(NotRun(outcome): NotRun) -> FailedAttempt {
        FailedAttempt { outcome, ended: Vec::new() }
    }
}

/// Attempts these jobs in one packet, on a connection that is made ready first. Several jobs share a packet only if all
/// of them are plain.
///
/// # Errors
/// Nothing is committed, or nobody knows.
pub(crate) async fn attempt(
    context: &mut Context,
    chunk: &Chunk,
    terms: &Terms,
    jobs: &[Job],
) -> Result<Done, FailedAttempt> {
    let mode = prepare(context, chunk.run, terms).await?;
    context.shared.may_begin(chunk, context.index, context.session.facts()).await?;
    let calls = check_all(context, chunk, jobs, mode)?;
    let plain = calls == Calls::OnlyBuiltins && !context.shared.kept.has(chunk.run);
    if jobs.len() > 1 && (!plain || chunk.not_atomic.is_some()) {
        let failure = Failure::said("a job of the chunk needs its own packet");
        return Err(NotRun(Outcome::Interrupted(failure)).into());
    }
    failpoint!("poison", jobs.iter().any(|job| job.sql.contains("/* poison */")));
    failpoint!("before-attempt");
    let deadline = longest_deadline(jobs, context.shared.limits.statement_timeout);
    let shared = context.shared.clone();
    let stop = async {
        tokio::select! {
            () = shared.drain.must_end() => {}
            () = shared.runs.cancelled_now(chunk.run) => {}
            () = shared.control.must_end(), if chunk.not_atomic.is_none() => {}
        }
    };
    let result = match (chunk.not_atomic, jobs) {
        (Some(how), [job]) => {
            context.session.attempt_not_atomic(chunk, job, how, deadline, stop).await.map_err(Failed::from)
        }
        _ => context.session.attempt(chunk, jobs, plain, deadline, stop).await,
    };
    failpoint!("after-attempt");
    record_attempt(context, chunk.run, &result);
    match result {
        Ok(done) => Ok(done),
        Err(failed) => Err(read_failure(context, jobs, plain, mode, failed).await),
    }
}

/// Makes the session ready for jobs of this run, and returns its sql_mode.
async fn prepare(context: &mut Context, run: RunId, terms: &Terms) -> Result<SqlMode, NotRun> {
    let sql = terms.session_sql.as_deref();
    let wanted = RunSession { run, sql };
    let prepared = context.session.prepare(wanted).await.map(|facts| facts.sql_mode);
    // One that was lost and is there again is a reconnect.
    if context.session.was_lost() {
        context.note_connection(Dependency::Database, false);
    }
    // The server is to blame unless the run's own session SQL is.
    let is_up = prepared.as_ref().err().is_none_or(queryfleet_ledger::Error::is_of_run);
    context.note_connection(Dependency::Database, is_up);
    prepared.map_err(|error| NotRun(error.outcome()))
}

/// Checks every job. What they call is [`Calls::Anything`] if any of them does.
fn check_all(context: &Context, chunk: &Chunk, jobs: &[Job], mode: SqlMode) -> Result<Calls, NotRun> {
    let allow = context.shared.limits.allow.as_deref();
    let mut calls = Calls::OnlyBuiltins;
    for job in jobs {
        if check(chunk, job, mode, allow)? == Calls::Anything {
            calls = Calls::Anything;
        }
    }
    Ok(calls)
}

/// The deadline of a packet is that of the most patient job.
fn longest_deadline(jobs: &[Job], default: Duration) -> Duration {
    let deadline = |job: &Job| job.timeout_ms.map_or(default, Duration::from_millis);
    jobs.iter().map(deadline).max().unwrap_or(default)
}

/// Records what an attempt has done beside its jobs: whether it changed what no rollback undoes, and what has ended its
/// connection.
fn record_attempt(context: &Context, run: RunId, result: &Result<Done, Failed>) {
    let outcome = match result {
        Ok(done) => {
            if done.kept {
                context.shared.kept.add(run);
            }
            return;
        }
        Err(failed) => &failed.outcome,
    };
    let metrics = &context.shared.metrics;
    match outcome {
        // With a code it is the server's own deadline, which ends a statement and no connection.
        Outcome::Deadline(failure) if failure.code.is_none() => {
            metrics.statement_killed(KillReason::Deadline);
        }
        Outcome::Interrupted(_) if context.shared.drain.is_now() => {
            metrics.statement_killed(KillReason::Drain);
        }
        Outcome::Interrupted(_) if context.shared.control.is_now() => {
            metrics.statement_killed(KillReason::Hold);
        }
        Outcome::Interrupted(_) => metrics.statement_killed(KillReason::Cancel),
        // The next connection is a reconnect; after a kill of ours it is none.
        Outcome::LostAfterSend(_) | Outcome::NotSent(_) => {
            context.note_connection(Dependency::Database, false);
        }
        // A server that goes down has said so before the statement began.
        Outcome::Pressure(_) if context.session.facts().is_none() => {
            context.note_connection(Dependency::Database, false);
        }
        _ => {}
    }
}

/// Reads which jobs have ended by a failed attempt: those that may have left effects behind that no rollback undoes.
async fn read_failure(
    context: &Context,
    jobs: &[Job],
    plain: bool,
    mode: SqlMode,
    failed: Failed,
) -> FailedAttempt {
    let Failed { outcome, unknown, unanswered } = failed;
    let ended = if unanswered {
        context.shared.remains.of(jobs, plain, mode, &outcome).await
    } else {
        vec![Some(outcome.clone()); unknown]
    };
    FailedAttempt { outcome, ended }
}
