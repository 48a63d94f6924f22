//! What a publish reports while it runs and when it is done.

use std::fmt;
use std::time::Duration;

use queryfleet_job::RunId;

use crate::error::PastEnd;
use crate::grouping::alone::Chunks;
use crate::input::InputBytes;
use crate::request::ChunkSize;

/// Jobs that are read between two reports, and between two moments at which an interruption is noticed.
pub(crate) const JOBS_PER_REPORT: u64 = 1000;

/// What has been published.
#[derive(Clone, Debug)]
pub struct Published {
    /// The run's id.
    pub run: RunId,
    /// Its name.
    pub name: String,
    /// Number of jobs.
    pub total: u64,
    /// Jobs that an earlier publish had confirmed; of missing jobs, those that the ledger has.
    pub before: u64,
    /// Dead jobs of another run that this one replaces.
    pub replaced: u64,
    /// The maximum of jobs per message with which the run was begun.
    pub chunk: ChunkSize,
    /// What the jobs that were published now were grouped into.
    pub chunks: Chunks,
    /// How the run had ended, if nothing of it was left to publish or to do.
    pub end: Option<PastEnd>,
}

/// How far a publish has come.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// In the first pass, which checks the whole input.
    Checking {
        /// Jobs so far.
        jobs: u64,
        /// How much of the input that was.
        input: InputBytes,
    },
    /// In the second pass.
    Publishing {
        /// The run's name, by which the publish is resumed after an interruption.
        name: &'a str,
        /// Jobs that the broker has confirmed.
        confirmed: u64,
        /// Number of jobs.
        total: u64,
        /// How much of the input has been read again.
        input: InputBytes,
        /// What it has been waiting for, if that is a second or longer.
        waits: Option<Waits>,
    },
}

/// What publishing waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// The broker has confirmed nothing for this time.
    Broker(Duration),
    /// The database has been unavailable for this time.
    Database(Duration),
    /// As many messages wait in the queue as the caller allows.
    Backlog,
    /// The canary has not ended yet, or nobody has approved the rest.
    Canary {
        /// Its jobs.
        jobs: u64,
        /// Those that have ended.
        ended: u64,
        /// Those of them that are dead.
        dead: u64,
    },
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Waits::Broker(since) => write!(f, "the broker has confirmed nothing for {} s", since.as_secs()),
            Waits::Database(since) => write!(f, "database unavailable for {} s", since.as_secs()),
            Waits::Canary { jobs, ended, dead } if ended < jobs => {
                write!(f, "canary: {ended} of {jobs} jobs have ended, {dead} of them dead")
            }
            Waits::Canary { jobs, dead, .. } => {
                write!(
                    f,
                    "canary: all {jobs} jobs have ended, {dead} of them dead; the rest waits for an approval"
                )
            }
            Waits::Backlog => f.write_str("held back: the queue has as many messages as are allowed"),
        }
    }
}
