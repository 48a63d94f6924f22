//! The digest of an input: the same input gives the same digest.

use queryfleet_job::{Job, Param};
use sha2::{Digest, Sha256};

/// SHA-256 over the jobs from the first one to some place.
#[derive(Clone, Default)]
pub(crate) struct InputDigest {
    hasher: Sha256,
    /// How many jobs are in it.
    pub(crate) jobs: u64,
}

impl InputDigest {
    /// Adds the next job. Lengths go before texts, so that no two inputs read alike.
    pub(crate) fn add(&mut self, job: &Job) {
        self.jobs += 1;
        self.add_text(job.sql.as_bytes());
        self.add_text(job.database.as_deref().unwrap_or_default().as_bytes());
        self.hasher.update((job.params.len() as u64).to_le_bytes());
        job.params.iter().for_each(|param| self.add_value(param));
        self.hasher.update(job.timeout_ms.unwrap_or_default().to_le_bytes());
    }

    fn add_text(&mut self, text: &[u8]) {
        self.hasher.update((text.len() as u64).to_le_bytes());
        self.hasher.update(text);
    }

    /// A value after a byte for its type.
    fn add_value(&mut self, param: &Param) {
        let (kind, bits) = match param {
            Param::Null => (0, [0; 8]),
            Param::Int(n) => (1, n.to_le_bytes()),
            Param::UInt(n) => (2, n.to_le_bytes()),
            Param::Float(x) => (3, x.to_le_bytes()),
            Param::Text(text) => {
                self.hasher.update([4]);
                return self.add_text(text.as_bytes());
            }
            Param::Bytes(bytes) => {
                self.hasher.update([5]);
                return self.add_text(bytes);
            }
        };
        self.hasher.update([kind]);
        self.hasher.update(bits);
    }

    /// The digest of all jobs that were added.
    pub(crate) fn digest(&self) -> Vec<u8> {
        self.hasher.clone().finalize().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/protocol.md has the form; another program has made the vectors.
    #[test]
    fn the_digest_is_that_of_the_test_vectors() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/protocol.json");
        let vectors: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let jobs: Vec<Job> = serde_json::from_value(vectors["jobs"].clone()).unwrap();
        let mut digest = InputDigest::default();
        jobs.iter().for_each(|job| digest.add(job));
        assert_eq!(queryfleet_job::hex(&digest.digest()), vectors["input"].as_str().unwrap());
    }
}
