//! The digest of what has been numbered so far: the same input gives the same digest.

use job::Job;
use sha2::{Digest, Sha256};

/// SHA-256 over all jobs up to a place.
#[derive(Clone, Default)]
pub(crate) struct Prefix {
    hasher: Sha256,
    /// How many jobs are in it.
    pub(crate) jobs: u64,
}

impl Prefix {
    /// Takes the next job in. Lengths go before texts, so that no two inputs read alike.
    pub(crate) fn add(&mut self, job: &Job) {
        self.jobs += 1;
        for text in [job.sql.as_str(), job.database.as_deref().unwrap_or_default()] {
            self.hasher.update((text.len() as u64).to_le_bytes());
            self.hasher.update(text.as_bytes());
        }
    }

    /// The digest of all that was taken in.
    pub(crate) fn digest(&self) -> Vec<u8> {
        self.hasher.clone().finalize().to_vec()
    }
}
