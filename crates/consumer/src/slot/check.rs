//! The worker's own check of a statement: the producer's checks once more, and QUERYFLEET_ALLOW.

use queryfleet_job::{Chunk, Failure, Job, Outcome, may_change_own_tables};
use queryfleet_sql::{Kind, SqlMode};

use crate::not_run::NotRun;

/// What a statement calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calls {
    /// Nothing, or functions of the server's own that leave nothing behind: the statement is plain.
    OnlyBuiltins,
    /// Something else, which may do anything.
    Anything,
}

/// Whether this worker runs a job, and what its statement calls. The lexer reads it under the session's own sql_mode,
/// which decides where a string ends.
///
/// # Errors
/// [`Outcome::Refused`] with the reason.
pub(crate) fn check(
    chunk: &Chunk,
    job: &Job,
    mode: SqlMode,
    allow: Option<&[Kind]>,
) -> Result<Calls, NotRun> {
    let kind = queryfleet_sql::check(&job.sql, mode).map_err(|refusal| refused(refusal.to_string()))?;
    if !kind.is_atomic() && chunk.not_atomic.is_none() {
        return Err(refused(format!(
            "{} is non-transactional, and its run does not say --not-atomic",
            kind.as_str()
        )));
    }
    if may_change_own_tables(&job.sql, kind, mode) {
        return Err(refused("it may change a table of queryfleet, by which a job could call others done"));
    }
    if allow.is_some_and(|allow| !allow.contains(&kind)) {
        return Err(refused(format!("QUERYFLEET_ALLOW of this worker does not list {}", kind.as_str())));
    }
    if queryfleet_sql::calls_only_builtins(&job.sql, mode) {
        Ok(Calls::OnlyBuiltins)
    } else {
        Ok(Calls::Anything)
    }
}

fn refused(why: impl Into<String>) -> NotRun {
    NotRun(Outcome::Refused(Failure::said(why)))
}
