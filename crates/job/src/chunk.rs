//! Jobs, and the chunk of them that one message carries.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use crate::{LedgerId, ManifestDigest, NotAtomic, Param, RunId};

/// One statement of a run. Its identity is (run, seq).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Its number in the input, from 1.
    pub seq: u64,
    /// The statement, without its delimiter; `?` for every bound value when there are `params`.
    pub sql: String,
    /// The bound values, in the order of their placeholders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<Param>,
    /// The database that is current while the statement runs; the connection's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The statement's deadline in milliseconds; the worker's STATEMENT_TIMEOUT when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

impl Job {
    /// A job that has only a number and a statement.
    pub fn new(seq: u64, sql: impl Into<String>) -> Job {
        Job { seq, sql: sql.into(), params: Vec::new(), database: None, timeout_ms: None }
    }
}

/// What one message carries: some jobs of one run, and what a worker must know of that run.
///
/// `Chunk<&Job>` is a part of another chunk: a job may be as large as a message, and is copied by nobody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chunk<J = Job> {
    /// The run of all its jobs.
    pub run: RunId,
    /// The ledger that the run was published for.
    pub ledger: LedgerId,
    /// The manifest of the run (the text itself is in the run's row). `None` of an envelope of version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestDigest>,
    /// Only in envelopes of version 1: the version of the run's session SQL, 0 if it has none. Version 2 has the
    /// manifest instead, and 0 here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub session: u32,
    /// Set when this chunk is one job that is not atomic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_atomic: Option<NotAtomic>,
    /// At least one, by growing seq. The last field: [`Filling`](crate::Filling) adds jobs at the end of an encoded
    /// chunk.
    pub jobs: Vec<J>,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Chunk {
    /// The same chunk with these jobs of it: what is left after an attempt. Whatever order they were left in, they are in that
    /// of their seqs, without which nobody takes the message.
    pub fn with_jobs<J: Borrow<Job>>(&self, mut jobs: Vec<J>) -> Chunk<J> {
        jobs.sort_unstable_by_key(|job| job.borrow().seq);
        let Chunk { run, manifest, session, not_atomic, .. } = *self;
        Chunk { run, ledger: self.ledger.clone(), manifest, session, not_atomic, jobs }
    }
}
