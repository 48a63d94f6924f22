//! The digest of what has been numbered so far: the same input gives the same digest.

use queryfleet_job::{Job, Param};
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
        self.text(job.sql.as_bytes());
        self.text(job.database.as_deref().unwrap_or_default().as_bytes());
        self.hasher.update((job.params.len() as u64).to_le_bytes());
        job.params.iter().for_each(|param| self.value(param));
        self.hasher.update(job.timeout_ms.unwrap_or_default().to_le_bytes());
    }

    fn text(&mut self, text: &[u8]) {
        self.hasher.update((text.len() as u64).to_le_bytes());
        self.hasher.update(text);
    }

    /// A value after a byte for its type.
    fn value(&mut self, param: &Param) {
        let (kind, bits) = match param {
            Param::Null => (0, [0; 8]),
            Param::Int(n) => (1, n.to_le_bytes()),
            Param::UInt(n) => (2, n.to_le_bytes()),
            Param::Float(x) => (3, x.to_le_bytes()),
            Param::Text(text) => {
                self.hasher.update([4]);
                return self.text(text.as_bytes());
            }
            Param::Bytes(bytes) => {
                self.hasher.update([5]);
                return self.text(bytes);
            }
        };
        self.hasher.update([kind]);
        self.hasher.update(bits);
    }

    /// The digest of all that was taken in.
    pub(crate) fn digest(&self) -> Vec<u8> {
        self.hasher.clone().finalize().to_vec()
    }
}
