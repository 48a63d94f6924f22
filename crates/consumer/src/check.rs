//! The worker's own look at a statement: the producer's checks once more, and the policy.

use queryfleet_job::{Chunk, Failure, Job, Outcome, may_change_own_tables};
use queryfleet_sql::{self, Kind, SqlMode};

/// Whether this worker runs that statement. The lexer reads it under the session's own sql_mode, which decides where
/// a string ends. Answers whether the statement is plain: it calls nothing but functions of the server's own that leave
/// nothing behind. What else it calls may do anything.
///
/// # Errors
/// [`Outcome::Refused`] with the reason.
pub(crate) fn check(
    chunk: &Chunk,
    job: &Job,
    mode: SqlMode,
    allow: Option<&[Kind]>,
) -> Result<bool, Outcome> {
    let refused = |text: String| Err(Outcome::Refused(Failure::said(text)));
    let kind = match queryfleet_sql::check(&job.sql, mode) {
        Ok(kind) => kind,
        Err(refusal) => return refused(refusal.to_string()),
    };
    if !kind.is_atomic() && chunk.not_atomic.is_none() {
        return refused(format!("{} is not atomic, and its run does not say --not-atomic", kind.as_str()));
    }
    if may_change_own_tables(&job.sql, kind, mode) {
        return refused("it may change a table of queryfleet, by which a job could call others done".into());
    }
    match allow {
        Some(allow) if !allow.contains(&kind) => {
            refused(format!("QUERYFLEET_ALLOW of this worker does not list {}", kind.as_str()))
        }
        _ => Ok(queryfleet_sql::calls_only_builtins(&job.sql, mode)),
    }
}
