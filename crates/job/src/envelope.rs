//! Envelope v2: a chunk as the body of a message, and the headers beside it.
//!
//! The body is JSON, `{"v":2,"run":…,"ledger":"…","manifest":"…","jobs":[{"seq":1,"sql":"…"}]}`. What changes from
//! delivery to delivery (attempts, the first error) travels in headers, so that the body, and with it the signature,
//! stays. A field that is not known is refused: a worker must not run a statement whose conditions it cannot read.
//!
//! Version 1 has no manifest. It is read, and written for what is left of a chunk that came so, until all producers and
//! workers of a fleet write version 2.

use std::borrow::Borrow;
use std::fmt::Write as _;
use std::io;

use serde::{Deserialize, Serialize};

use crate::json;
use crate::{Chunk, Job, LedgerId, ManifestDigest, NotAtomic, RunId, Signer, foreign, shorten};

/// The version in which this crate writes chunks with a manifest, and the newest that it reads.
pub const VERSION: u32 = 2;
/// The version in which it writes chunks without a manifest.
const WITHOUT_MANIFEST: u32 = 1;

/// The longest first error that a header carries, in bytes.
pub const FIRST_ERROR_LIMIT: usize = 512;

/// Two numbers of 20 digits and what is between them.
const LONGEST_ID_BYTES: usize = 41;
/// The most bytes that JSON needs for one byte of a text, such as `\u0001`.
const LONGEST_ESCAPE_BYTES: usize = 6;
/// The most bytes around a value, such as `{"base64":""},`.
const AROUND_PARAM_BYTES: usize = 16;
/// The length of a body from which on it is measured before it is written.
const MEASURED_BYTES: usize = 1 << 20;
/// The most bytes of the keys and numbers of a job.
const AROUND_TEXTS_BYTES: usize = 128;

/// A message before it is published or after it was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its AMQP `message_id`, for people and to recognise a message that the broker returns: `run/seq` of its first
    /// job. A copy of a body whose jobs could not be read or run has the class of its outcome instead.
    pub id: String,
    /// The envelope.
    pub body: Vec<u8>,
    /// What may differ from one delivery to the next.
    pub headers: Headers,
}

/// The headers of a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Headers {
    /// The number of counted attempts that ended before this delivery.
    pub attempts: u32,
    /// The error of the first of them, shortened.
    pub first_error: Option<String>,
    /// Whether its jobs were attempted together, in vain, and given back before each had its turn: they are executed one by one.
    pub apart: bool,
    /// HMAC of the body, when the sender has a signing key.
    pub signature: Option<String>,
    /// HMAC of the two above and the body's digest, when a worker with a signing key has set them.
    pub attempts_signature: Option<String>,
}

impl Headers {
    /// Those of this body, with what was said of its attempts by who may.
    fn new(
        body: &[u8],
        signature: Option<String>,
        signer: Option<&Signer>,
        attempts: u32,
        first_error: Option<String>,
    ) -> Headers {
        let first_error = first_error.map(|text| shorten(text, FIRST_ERROR_LIMIT));
        let is_said = attempts > 0 || first_error.is_some();
        let say = |signer: &Signer| signer.sign_attempts(body, attempts, first_error.as_deref());
        let attempts_signature = signer.filter(|_| is_said).map(say);
        Headers { attempts, first_error, apart: false, signature, attempts_signature }
    }

    /// Forgets attempts and first error that no worker with a key has signed for this body: they decide nothing then.
    pub fn forget_unsigned(&mut self, body: &[u8], signer: &Signer) {
        let signature = self.attempts_signature.as_deref().unwrap_or_default();
        if self.attempts == 0 && self.first_error.is_none()
            || signer.verify_attempts(body, self.attempts, self.first_error.as_deref(), signature)
        {
            return;
        }
        (self.attempts, self.first_error, self.attempts_signature) = (0, None, None);
    }
}

/// Why a body is not a chunk that this worker may execute.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not an envelope at all, or one that breaks its own rules.
    #[error("body is no envelope: {0}")]
    NotAnEnvelope(String),
    /// Written by a newer producer: the worker is unfit, the message is not to blame.
    #[error("envelope version {0} is newer than this worker's {VERSION}: upgrade the worker")]
    NewerVersion(u32),
}

#[derive(Serialize)]
struct Outgoing<'a, J> {
    v: u32,
    /// Last, so that a body ends with the jobs of the chunk: [`Filling`](crate::Filling) adds to them.
    #[serde(flatten)]
    chunk: &'a Chunk<J>,
}

/// The chunk's fields once more, beside the version: serde cannot both flatten and refuse unknown fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Incoming {
    v: u32,
    run: RunId,
    ledger: LedgerId,
    #[serde(default)]
    manifest: Option<ManifestDigest>,
    #[serde(default)]
    session: u32,
    #[serde(default)]
    not_atomic: Option<NotAtomic>,
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
struct OnlyVersion {
    v: u32,
}

/// The body for a chunk.
pub fn encode<J: Borrow<Job> + Serialize>(chunk: &Chunk<J>) -> Vec<u8> {
    let v = if chunk.manifest.is_some() { VERSION } else { WITHOUT_MANIFEST };
    let outgoing = Outgoing { v, chunk };
    let mut capacity = 256 + chunk.jobs.iter().map(|job| job.borrow().sql.len() + 32).sum::<usize>();
    if capacity > MEASURED_BYTES {
        // A buffer that is too small by one escaped byte grows to twice its size.
        let mut length = Length(0);
        json::write(&mut length, &outgoing);
        capacity = length.0;
    }
    let mut body = Vec::with_capacity(capacity);
    json::write(&mut body, &outgoing);
    body
}

/// The length of a job in an envelope, in bytes, if it is above `limit`. Counted only when it may be: JSON needs six
/// bytes for a control character, two for a quote.
pub fn length_above(job: &Job, limit: usize) -> Option<usize> {
    let params: usize = job.params.iter().map(|param| param.size() + AROUND_PARAM_BYTES).sum();
    let texts = job.sql.len() + params + job.database.as_ref().map_or(0, String::len);
    if texts * LONGEST_ESCAPE_BYTES + AROUND_TEXTS_BYTES <= limit {
        return None;
    }
    let mut length = Length(0);
    json::write(&mut length, job);
    Some(length.0).filter(|length| *length > limit)
}

/// Counts what is written, and keeps none of it.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The whole message for a chunk: encoded, signed when there is a signer, with the headers given.
pub fn seal<J: Borrow<Job> + Serialize>(
    chunk: &Chunk<J>,
    signer: Option<&Signer>,
    attempts: u32,
    first_error: Option<String>,
) -> Message {
    let body = encode(chunk);
    let signature = signer.map(|signer| signer.sign(&body));
    let headers = Headers::new(&body, signature, signer, attempts, first_error);
    Message { id: id(chunk), body, headers }
}

/// A message with the same body and its signature, which stays valid.
pub fn once_more(
    id: String,
    body: Vec<u8>,
    signature: Option<String>,
    signer: Option<&Signer>,
    attempts: u32,
    first_error: Option<String>,
) -> Message {
    let headers = Headers::new(&body, signature, signer, attempts, first_error);
    Message { id, body, headers }
}

/// The id of a chunk's message.
pub(crate) fn id<J: Borrow<Job>>(chunk: &Chunk<J>) -> String {
    let seq = chunk.jobs.first().map_or(0, |job| job.borrow().seq);
    let mut id = String::with_capacity(LONGEST_ID_BYTES);
    // Writing into a String has no way to fail.
    let _ = write!(id, "{}/{seq}", chunk.run);
    id
}

/// The chunk in a body.
///
/// # Errors
/// Returns [`DecodeError::NewerVersion`] for an envelope of a newer version, and [`DecodeError::NotAnEnvelope`] for all
/// else that is not a non-empty list of jobs by growing seq.
pub fn decode(body: &[u8]) -> Result<Chunk, DecodeError> {
    // Looked at once as a whole, not string by string.
    let body = std::str::from_utf8(body).map_err(broken)?;
    let incoming: Incoming = serde_json::from_str(body).map_err(|error| newer_or_broken(body, &error))?;
    if incoming.v > VERSION {
        return Err(DecodeError::NewerVersion(incoming.v));
    }
    let mut last = 0;
    for job in &incoming.jobs {
        if job.seq <= last {
            return Err(DecodeError::NotAnEnvelope(format!("seq {} does not follow {last}", job.seq)));
        }
        last = job.seq;
    }
    if incoming.v == 0 || last == 0 || (incoming.not_atomic.is_some() && incoming.jobs.len() != 1) {
        return Err(DecodeError::NotAnEnvelope(
            "version 0, no jobs, or a chunk that is non-transactional".into(),
        ));
    }
    if incoming.manifest.is_some() != (incoming.v > WITHOUT_MANIFEST) {
        return Err(DecodeError::NotAnEnvelope(
            "version 2 has the digest of a manifest, version 1 has none".into(),
        ));
    }
    let Incoming { run, ledger, manifest, session, not_atomic, jobs, .. } = incoming;
    Ok(Chunk { run, ledger, manifest, session, not_atomic, jobs })
}

/// An error that may quote the body, which is as long as whoever wrote it likes.
fn broken(error: impl ToString) -> DecodeError {
    DecodeError::NotAnEnvelope(foreign(error.to_string()))
}

fn newer_or_broken(body: &str, error: &serde_json::Error) -> DecodeError {
    match serde_json::from_str::<OnlyVersion>(body) {
        Ok(only) if only.v > VERSION => DecodeError::NewerVersion(only.v),
        _ => broken(error),
    }
}
