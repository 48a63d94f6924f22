//! Signed messages and runs: who can publish to the queue or write the tables can run SQL, unless all that is executed
//! carries an HMAC.
//!
//! One key signs five kinds of things, and a signature of one is none of another: a body begins with `{`, and nothing
//! else is taken for one; all others begin with a word of their own that ends in a zero byte. A body is signed as it
//! was by version 1, so a worker of that version knows an envelope of a newer one for genuine, and gives it back.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::digest::{HexDigits, parse_hex};
use crate::{RunId, hex};

/// What a body begins with, and nothing else that is signed.
const BODY_BEGINS: u8 = b'{';
const RUN: &[u8] = b"queryfleet/2\0run\0";
const ATTEMPTS: &[u8] = b"queryfleet/2\0attempts\0";
const RANGE: &[u8] = b"queryfleet/2\0range\0";
const LIMIT: &[u8] = b"queryfleet/2\0limit\0";
/// Hexadecimal digits of a signature.
pub const SIGNATURE_LENGTH: usize = 64;

/// Signs with the first key, and accepts what any of the keys has signed, so that keys can be rotated.
#[derive(Clone)]
pub struct Signer {
    keys: Vec<Hmac<Sha256>>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({} keys)", self.keys.len())
    }
}

impl Signer {
    /// A signer over these keys; `None` when there is none, which means that messages are not signed.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a [u8]>) -> Option<Signer> {
        // HMAC takes a key of any length, so no key is dropped here.
        let keys: Vec<_> = keys.into_iter().filter_map(|key| Hmac::new_from_slice(key).ok()).collect();
        (!keys.is_empty()).then_some(Signer { keys })
    }

    /// HMAC-SHA256 of the body, in hexadecimal. The body holds run and seq, so they are signed with it.
    pub fn sign(&self, body: &[u8]) -> String {
        self.make(&[body])
    }

    /// Whether one of the keys has made this signature for this body. Takes the same time for every wrong one.
    pub fn verify(&self, body: &[u8], signature: &str) -> bool {
        body.first() == Some(&BODY_BEGINS) && self.has_made(&[body], signature)
    }

    /// The signature of a run's manifest.
    pub fn sign_run(&self, manifest: &[u8]) -> String {
        self.make(&[RUN, manifest])
    }

    /// Whether one of the keys has signed this manifest.
    pub fn verify_run(&self, manifest: &[u8], signature: &str) -> bool {
        self.has_made(&[RUN, manifest], signature)
    }

    /// The signature of what a worker says of a body: how often it was tried, and what went wrong first.
    pub fn sign_attempts(&self, body: &[u8], attempts: u32, first_error: Option<&str>) -> String {
        self.make(&[ATTEMPTS, &attempts_text(body, attempts, first_error)])
    }

    /// Whether a worker that has one of the keys has said that.
    pub fn verify_attempts(
        &self,
        body: &[u8],
        attempts: u32,
        first_error: Option<&str>,
        signature: &str,
    ) -> bool {
        self.has_made(&[ATTEMPTS, &attempts_text(body, attempts, first_error)], signature)
    }

    /// The signature of a range of a run's key, as it is written down before it becomes a job.
    pub fn sign_range(&self, run: RunId, seq: u64, (lo, hi): (&str, &str)) -> String {
        self.make(&[RANGE, &range_text(run, seq, lo), hi.as_bytes()])
    }

    /// Whether one of the keys has signed this range.
    pub fn verify_range(&self, run: RunId, seq: u64, (lo, hi): (&str, &str), signature: &str) -> bool {
        self.has_made(&[RANGE, &range_text(run, seq, lo), hi.as_bytes()], signature)
    }

    /// The signature of a queue's limit.
    pub fn sign_limit(&self, queue: &str, version: u32, text: &str) -> String {
        self.make(&[LIMIT, &limit_text(queue, version), text.as_bytes()])
    }

    /// Whether one of the keys has signed this limit.
    pub fn verify_limit(&self, queue: &str, version: u32, text: &str, signature: &str) -> bool {
        self.has_made(&[LIMIT, &limit_text(queue, version), text.as_bytes()], signature)
    }

    fn make(&self, parts: &[&[u8]]) -> String {
        let mac = with(&self.keys[0], parts);
        hex(&mac.finalize().into_bytes())
    }

    fn has_made(&self, parts: &[&[u8]], signature: &str) -> bool {
        let Some(given) = parse_hex(signature, &HexDigits::ANY_CASE) else { return false };
        self.keys.iter().any(|key| with(key, parts).verify_slice(&given).is_ok())
    }
}

fn with(key: &Hmac<Sha256>, parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = key.clone();
    parts.iter().for_each(|part| mac.update(part));
    mac
}

/// Digest, number and whether there is an error have a fixed length, so nothing can be moved from one into another.
fn attempts_text(body: &[u8], attempts: u32, first_error: Option<&str>) -> Vec<u8> {
    let mut text = Sha256::digest(body).to_vec();
    text.extend_from_slice(&attempts.to_be_bytes());
    text.push(u8::from(first_error.is_some()));
    text.extend_from_slice(first_error.unwrap_or_default().as_bytes());
    text
}

/// Two numbers and the length of the first key, so that nothing can be moved from one key into the other.
fn range_text(run: RunId, seq: u64, lo: &str) -> Vec<u8> {
    let mut range = [run.0, seq, lo.len() as u64].map(u64::to_be_bytes).concat();
    range.extend_from_slice(lo.as_bytes());
    range
}

/// The version and the length of the queue's name, so that nothing can be moved from the name into the limit.
fn limit_text(queue: &str, version: u32) -> Vec<u8> {
    let mut text = [u64::from(version), queue.len() as u64].map(u64::to_be_bytes).concat();
    text.extend_from_slice(queue.as_bytes());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"v":1}"#;

    fn signer() -> Signer {
        Signer::new([b"a key of the tests".as_slice()]).unwrap()
    }

    #[test]
    fn any_key_verifies_and_the_first_signs() {
        let old = Signer::new([b"an old signing key".as_slice()]).unwrap();
        let both = Signer::new([b"a new signing key".as_slice(), b"an old signing key"]).unwrap();
        let signature = old.sign(BODY);
        assert!(both.verify(BODY, &signature));
        assert!(!old.verify(BODY, &both.sign(BODY)));
        assert!(!both.verify(b"{other body", &signature));
        for wrong in ["", "zz", &signature[1..], &format!("{signature}00"), &"é".repeat(32)] {
            assert!(!both.verify(BODY, wrong), "{wrong}");
        }
        assert!(both.verify_run(b"m", &old.sign_run(b"m")));
        assert!(both.verify_attempts(BODY, 1, None, &old.sign_attempts(BODY, 1, None)));
    }

    /// As a program in another language would make them.
    #[test]
    fn the_bytes_that_are_signed_are_the_documented_ones() {
        let hmac = |text: &[u8]| signer().make(&[text]);
        assert_eq!(signer().sign(BODY), hmac(br#"{"v":1}"#));
        assert_eq!(signer().sign_run(BODY), hmac(b"queryfleet/2\0run\0{\"v\":1}"));
        let mut attempts = b"queryfleet/2\0attempts\0".to_vec();
        attempts.extend_from_slice(&Sha256::digest(BODY));
        attempts.extend_from_slice(b"\0\0\x01\x02\x01why");
        assert_eq!(signer().sign_attempts(BODY, 258, Some("why")), hmac(&attempts));
        let range = b"queryfleet/2\0range\0\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\0\x03[1][2]";
        assert_eq!(signer().sign_range(RunId(7), 258, ("[1]", "[2]")), hmac(range));
        let limit = b"queryfleet/2\0limit\0\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x02q1{}";
        assert_eq!(signer().sign_limit("q1", 7, "{}"), hmac(limit));
        // RFC 4231, test case 2.
        let known = Signer::new([b"Jefe".as_slice()]).unwrap().make(&[b"what do ya want ", b"for nothing?"]);
        assert_eq!(known, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn a_signature_of_one_kind_is_none_of_another() {
        let signer = signer();
        let run = [RUN, BODY].concat();
        assert!(!signer.verify(&run, &signer.sign(&run)), "what does not begin as a body is none");
        assert!(!signer.verify(BODY, &signer.sign_run(BODY)));
        assert!(!signer.verify_run(BODY, &signer.sign(BODY)));
        assert!(!signer.verify_run(BODY, &signer.sign_attempts(BODY, 0, None)));
        let said = signer.sign_attempts(BODY, 1, Some("a"));
        assert!(signer.verify_attempts(BODY, 1, Some("a"), &said));
        for (body, attempts, error) in [
            (&b"{}"[..], 1, Some("a")),
            (BODY, 2, Some("a")),
            (BODY, 1, Some("b")),
            (BODY, 1, None),
            (BODY, 1, Some("")),
        ] {
            assert!(!signer.verify_attempts(body, attempts, error, &said));
        }
        let range = signer.sign_range(RunId(7), 1, ("[1]", "[2]"));
        assert!(signer.verify_range(RunId(7), 1, ("[1]", "[2]"), &range));
        for (run, seq, keys) in
            [(8, 1, ("[1]", "[2]")), (7, 2, ("[1]", "[2]")), (7, 1, ("[1][", "2]")), (7, 1, ("[1]", "[3]"))]
        {
            assert!(!signer.verify_range(RunId(run), seq, keys, &range));
        }
        assert_ne!(signer.sign_attempts(BODY, 1, None), signer.sign_attempts(BODY, 1, Some("")));
    }

    #[test]
    fn no_key_no_signer_and_no_key_in_debug() {
        assert!(Signer::new([]).is_none());
        assert_eq!(format!("{:?}", Signer::new([b"secret".as_slice()]).unwrap()), "Signer(1 keys)");
    }
}
