//! Why something is not run.

use queryfleet_job::Outcome;

/// Why a message, or a job of it, is not run here: the outcome that it is settled by without an attempt. It is not
/// always a failure: a job that has ended before is acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NotRun(pub(crate) Outcome);
