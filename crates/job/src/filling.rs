//! A message that is filled job by job: its length is known before it exceeds a limit, and no job is encoded twice.

use crate::envelope::{encode, id};
use crate::json;
use crate::{Chunk, Headers, Job, Message, Signer};

/// What ends a body: the list of jobs, and the envelope. That holds because `jobs` is the last field of [`Chunk`], and
/// the chunk the last one of the envelope.
const END: &[u8] = b"]}";

/// A message that has room for more jobs.
pub struct Filling {
    id: String,
    /// Without its end.
    body: Vec<u8>,
    jobs: usize,
}

impl Filling {
    /// A message of this chunk, which has its first job, or its first ones.
    pub fn new(chunk: &Chunk) -> Filling {
        let mut body = encode(chunk);
        body.truncate(body.len() - END.len());
        Filling { id: id(chunk), body, jobs: chunk.jobs.len() }
    }

    /// The number of its jobs.
    pub fn jobs(&self) -> usize {
        self.jobs
    }

    /// Appends a job. Returns false, and changes nothing, if the body would have more than `limit` bytes.
    pub fn add(&mut self, job: &Job, limit: usize) -> bool {
        let before = self.body.len();
        // JSON is never shorter than the text: a large statement that has no room is not encoded to see that.
        if before + job.sql.len() > limit {
            return false;
        }
        self.body.push(b',');
        json::write(&mut self.body, job);
        if self.body.len() + END.len() > limit {
            self.body.truncate(before);
            return false;
        }
        self.jobs += 1;
        true
    }

    /// The message, signed when there is a signer, and never tried so far.
    pub fn seal(mut self, signer: Option<&Signer>) -> Message {
        self.body.extend_from_slice(END);
        let signature = signer.map(|signer| signer.sign(&self.body));
        Message { id: self.id, body: self.body, headers: Headers { signature, ..Headers::default() } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LedgerId, ManifestDigest, NotAtomic, RunId};

    #[test]
    fn a_body_ends_with_its_jobs_whatever_else_the_chunk_has() {
        let plain = Chunk {
            run: RunId(7),
            ledger: LedgerId("l".into()),
            manifest: None,
            session: 0,
            not_atomic: None,
            jobs: vec![Job::new(1, "DO 1")],
        };
        let full = Chunk {
            manifest: Some(ManifestDigest::of(b"m")),
            session: 5,
            not_atomic: Some(NotAtomic::Park),
            ..plain.clone()
        };
        for chunk in [plain, full] {
            let body = String::from_utf8(encode(&chunk)).unwrap();
            assert!(body.ends_with(r#""jobs":[{"seq":1,"sql":"DO 1"}]}"#), "{body}");
        }
    }
}
