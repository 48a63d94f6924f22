//! The test vectors of docs/protocol.md, which were made by another program (crates/python/tests/protocol.py).

// Helpers of tests count as code for clippy; a test that cannot go on panics: that is how it fails.
#![allow(clippy::unwrap_used)]

use queryfleet_job::{Chunk, Job, LedgerId, Manifest, ManifestDigest, RunId, Signer, envelope, manifest};
use serde_json::Value;

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/protocol.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn text(vectors: &Value, name: &str) -> String {
    vectors[name].as_str().unwrap().to_owned()
}

#[test]
fn what_is_written_is_what_another_program_writes() {
    let vectors = vectors();
    let of = |name| text(&vectors, name);
    let jobs: Vec<Job> = serde_json::from_value(vectors["jobs"].clone()).unwrap();
    let (ledger, run) = (LedgerId(of("ledger")), RunId(vectors["run"].as_u64().unwrap()));
    let signer = Signer::new([of("key").as_bytes()]).unwrap();
    let manifest = Manifest {
        v: manifest::VERSION,
        ledger: ledger.clone(),
        run,
        queue: of("queue"),
        schema: of("schema"),
        session_sql: Some(of("session_sql")),
        not_atomic: None,
        input: of("input"),
        total: jobs.len() as u64,
        canary: None,
    };
    let bytes = manifest.to_bytes();
    assert_eq!(String::from_utf8(bytes.clone()).unwrap(), of("manifest"));
    assert_eq!(ManifestDigest::of(&bytes).to_string(), of("manifest_digest"));
    assert_eq!(signer.sign_run(&bytes), of("manifest_signature"));
    let manifest = Some(ManifestDigest::of(&bytes));
    let chunk = Chunk { run, ledger, manifest, session: 0, not_atomic: None, jobs: jobs[..2].to_vec() };
    let message = envelope::seal(&chunk, Some(&signer), 0, None);
    assert_eq!(String::from_utf8(message.body).unwrap(), of("body"));
    assert_eq!(message.id, of("message_id"));
    assert_eq!(message.headers.signature, Some(of("signature")));
}

#[test]
fn what_another_program_has_written_is_read() {
    let vectors = vectors();
    let of = |name| text(&vectors, name);
    let chunk = envelope::decode(of("body").as_bytes()).unwrap();
    let jobs: Vec<Job> = serde_json::from_value(vectors["jobs"].clone()).unwrap();
    assert_eq!(chunk.jobs, jobs[..2]);
    let manifest = Manifest::from_bytes(of("manifest").as_bytes()).unwrap();
    assert_eq!((manifest.run, manifest.total, manifest.input), (chunk.run, 3, of("input")));
    let signer = Signer::new([&b"another key of 16 bytes"[..], of("key").as_bytes()]).unwrap();
    assert!(signer.verify(of("body").as_bytes(), &of("signature")));
    assert!(signer.verify_run(of("manifest").as_bytes(), &of("manifest_signature")));
    // A signature of one is none of the other.
    assert!(!signer.verify(of("manifest").as_bytes(), &of("manifest_signature")));
}
