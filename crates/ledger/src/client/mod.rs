//! The control connection: runs, dead jobs, counts, ranges, workers, and the tables themselves. No job is executed here.

pub(crate) mod cancel;
pub(crate) mod count;
pub(crate) mod dead;
pub(crate) mod dead_jobs;
pub(crate) mod ledger_row;
pub(crate) mod own;
pub(crate) mod purge;
pub(crate) mod ranges;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod standing;
pub(crate) mod tables;
pub(crate) mod worker;
