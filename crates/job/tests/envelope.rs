//! The envelope: what is written comes back, and nothing that is read makes it fall.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use queryfleet_job::envelope::{self, DecodeError, FIRST_ERROR_LIMIT, VERSION};
use queryfleet_job::{
    Chunk, FOREIGN_LIMIT, Filling, Job, LedgerId, ManifestDigest, NotAtomic, Param, RunId, Signer,
};

/// Any value that a placeholder can be bound to; whole numbers in the one form that decoding gives them.
fn param() -> impl Strategy<Value = Param> {
    prop_oneof![
        Just(Param::Null),
        any::<i64>().prop_map(Param::Int),
        (i64::MAX as u64 + 1..).prop_map(Param::UInt),
        (proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO)
            .prop_map(Param::Float),
        any::<String>().prop_map(Param::Text),
        vec(any::<u8>(), 0..20).prop_map(Param::Bytes),
    ]
}

fn job() -> impl Strategy<Value = Job> {
    let fields = (any::<String>(), vec(param(), 0..4), option::of(any::<String>()), option::of(any::<u64>()));
    fields.prop_map(|(sql, params, database, timeout_ms)| Job { seq: 0, sql, params, database, timeout_ms })
}

/// Jobs with growing numbers, some left out: what is left of a chunk after an attempt.
fn jobs(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Job>> {
    vec((job(), 1..1000_u64), count).prop_map(|jobs| {
        let mut seq = 0;
        let number = |(mut job, step): (Job, u64)| {
            seq += step;
            job.seq = seq;
            job
        };
        jobs.into_iter().map(number).collect()
    })
}

fn chunk() -> impl Strategy<Value = Chunk> {
    let park = prop_oneof![Just(NotAtomic::Park), Just(NotAtomic::Repeat)];
    let content = prop_oneof![
        jobs(1..5).prop_map(|jobs| (None, jobs)),
        (park, jobs(1..2)).prop_map(|(park, jobs)| (Some(park), jobs)),
    ];
    let manifest = option::of(any::<[u8; 4]>().prop_map(|bytes| ManifestDigest::of(&bytes)));
    (any::<u64>(), "[0-9a-f]{32}", manifest, any::<u32>(), content).prop_map(
        |(run, ledger, manifest, session, (not_atomic, jobs))| Chunk {
            run: RunId(run),
            ledger: LedgerId(ledger),
            manifest,
            session,
            not_atomic,
            jobs,
        },
    )
}

proptest! {
    // A failing input is printed; what it teaches belongs into a test of its own.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_part_of_a_chunk_is_read_in_whatever_order_it_was_left(chunk in chunk(), from in any::<prop::sample::Index>()) {
        let mut left: Vec<&Job> = chunk.jobs.iter().collect();
        left.rotate_left(from.index(chunk.jobs.len()));
        let decoded = envelope::decode(&envelope::encode(&chunk.with_jobs(left))).unwrap();
        prop_assert_eq!(&decoded.jobs, &chunk.jobs);
    }

    #[test]
    fn what_is_encoded_comes_back(chunk in chunk()) {
        let body = envelope::encode(&chunk);
        prop_assert_eq!(envelope::decode(&body).unwrap(), chunk);
    }

    #[test]
    fn what_is_filled_job_by_job_is_the_same(chunk in chunk()) {
        let mut filling = Filling::new(&chunk.with_jobs(chunk.jobs[..1].to_vec()));
        let added = chunk.jobs[1..].iter().all(|job| filling.add(job, usize::MAX));
        prop_assert!(added && filling.jobs() == chunk.jobs.len());
        prop_assert_eq!(filling.seal(None), envelope::seal(&chunk, None, 0, None));
    }

    #[test]
    fn a_filling_is_never_above_its_limit(chunk in chunk(), limit in 0..2000_usize) {
        let mut filling = Filling::new(&chunk.with_jobs(chunk.jobs[..1].to_vec()));
        let added = chunk.jobs[1..].iter().take_while(|job| filling.add(job, limit)).count();
        prop_assert_eq!(filling.jobs(), 1 + added);
        let fits = |jobs| envelope::encode(&chunk.with_jobs(chunk.jobs[..jobs].to_vec())).len() <= limit;
        prop_assert!(added == 0 || fits(1 + added));
        prop_assert!(1 + added == chunk.jobs.len() || !fits(2 + added));
        prop_assert_eq!(envelope::decode(&filling.seal(None).body).unwrap().jobs, &chunk.jobs[..1 + added]);
    }

    #[test]
    fn a_job_above_a_limit_is_known(job in job(), limit in 0..2000_usize) {
        let length = serde_json::to_vec(&job).unwrap().len();
        prop_assert_eq!(envelope::length_above(&job, limit), Some(length).filter(|length| *length > limit));
    }

    #[test]
    fn no_bytes_make_decoding_fall(body in vec(any::<u8>(), 0..200)) {
        let _ = envelope::decode(&body);
    }

    #[test]
    fn no_damage_to_an_envelope_makes_decoding_fall(
        chunk in chunk(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let mut body = envelope::encode(&chunk);
        let place = at.index(body.len());
        body[place] = byte;
        let _ = envelope::decode(&body);
        body.truncate(cut.index(body.len()));
        prop_assert!(envelope::decode(&body).is_err());
    }

    #[test]
    fn a_long_first_error_is_cut_at_a_character(text in ".{0,600}") {
        let message = envelope::seal(&plain(), None, 1, Some(text.clone()));
        let kept = message.headers.first_error.unwrap();
        prop_assert!(kept.len() <= FIRST_ERROR_LIMIT && text.starts_with(&kept));
        prop_assert!(kept.len() + 4 > FIRST_ERROR_LIMIT || kept == text);
    }
}

fn plain() -> Chunk {
    let ledger = LedgerId("00".repeat(16));
    let (manifest, jobs) = (Some(ManifestDigest::of(b"a manifest")), vec![Job::new(1, "DO 1")]);
    Chunk { run: RunId(7), ledger, manifest, session: 0, not_atomic: None, jobs }
}

fn refused(body: &str) -> String {
    match envelope::decode(body.as_bytes()) {
        Err(DecodeError::NotAnEnvelope(text)) => text,
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn the_plain_form_is_the_documented_one() {
    let body = String::from_utf8(envelope::encode(&plain())).unwrap();
    let ledger = "00".repeat(16);
    // printf 'a manifest' | sha256sum
    let manifest = "e59625a822497c164d60705eb3fd6975c375ca213b8140137a826a77790986a9";
    let head = format!(r#""run":7,"ledger":"{ledger}""#);
    let jobs = r#""jobs":[{"seq":1,"sql":"DO 1"}]"#;
    assert_eq!(body, format!(r#"{{"v":2,{head},"manifest":"{manifest}",{jobs}}}"#));
    // What is left of a chunk of version 1 is written as it came.
    let before = Chunk { manifest: None, ..plain() };
    let body = String::from_utf8(envelope::encode(&before)).unwrap();
    assert_eq!(body, format!(r#"{{"v":1,{head},{jobs}}}"#));
    assert_eq!(envelope::decode(body.as_bytes()).unwrap(), before);
}

#[test]
fn a_version_has_a_manifest_or_has_none() {
    let body = |v: u32, manifest: &str| {
        format!(r#"{{"v":{v},"run":7,"ledger":"x",{manifest}"jobs":[{{"seq":1,"sql":"DO 1"}}]}}"#)
    };
    let manifest = format!(r#""manifest":"{}","#, "0a".repeat(32));
    assert!(envelope::decode(body(2, &manifest).as_bytes()).is_ok());
    refused(&body(2, ""));
    refused(&body(1, &manifest));
    for wrong in ["", "0a", &"0A".repeat(32), &"0a".repeat(33)] {
        refused(&body(2, &format!(r#""manifest":"{wrong}","#)));
    }
    refused(&body(2, r#""manifest":null,"#));
}

#[test]
fn what_an_error_quotes_of_a_body_is_bounded() {
    let long = "x".repeat(70_000);
    let bodies = [
        format!(r#"{{"v":"{long}"}}"#),
        format!(r#"{{"v":1,"{long}":1}}"#),
        format!(r#"{{"v":2,"run":"{long}"}}"#),
        format!(r#"{{"v":1,"run":7,"ledger":"x","not_atomic":"{long}","jobs":[]}}"#),
    ];
    for body in bodies {
        let text = refused(&body);
        assert!(text.len() <= FOREIGN_LIMIT && text.contains("xxx"), "{} bytes", text.len());
    }
}

/// A header that nobody with a key has signed decides nothing.
#[test]
fn attempts_count_only_as_a_worker_has_signed_them() {
    let signer = Signer::new([b"a key of the tests".as_slice()]).unwrap();
    let sealed = envelope::seal(&plain(), Some(&signer), 3, Some("1213: deadlock".into()));
    let mut kept = sealed.headers.clone();
    kept.forget_unsigned(&sealed.body, &signer);
    assert_eq!(kept, sealed.headers);
    let mut changed = [sealed.headers.clone(), sealed.headers.clone(), sealed.headers.clone()];
    changed[0].attempts = 4;
    changed[1].first_error = None;
    changed[2].attempts_signature = None;
    for mut headers in changed {
        headers.forget_unsigned(&sealed.body, &signer);
        assert_eq!((headers.attempts, headers.first_error.as_deref()), (0, None));
        assert_eq!(headers.signature, sealed.headers.signature);
    }
    let mut of_another = sealed.headers.clone();
    of_another.forget_unsigned(b"{}", &signer);
    assert_eq!(of_another.attempts, 0);
    // A first delivery has nothing to sign, and an unsigned fleet signs nothing.
    assert_eq!(envelope::seal(&plain(), Some(&signer), 0, None).headers.attempts_signature, None);
    assert_eq!(envelope::seal(&plain(), None, 3, None).headers.attempts_signature, None);
}

#[test]
fn an_unknown_field_is_refused_wherever_it_stands() {
    let text = refused(r#"{"v":1,"run":7,"ledger":"x","when":1,"jobs":[{"seq":1,"sql":"DO 1"}]}"#);
    assert!(text.contains("when"), "{text}");
    let text = refused(r#"{"v":1,"run":7,"ledger":"x","jobs":[{"seq":1,"sql":"DO 1","unless":"x"}]}"#);
    assert!(text.contains("unless"), "{text}");
    refused(
        r#"{"v":1,"run":7,"ledger":"x","jobs":[{"seq":1,"sql":"DO ?","params":[{"base64":"","hex":""}]}]}"#,
    );
}

#[test]
fn a_newer_version_is_told_from_no_envelope() {
    for body in [
        r#"{"v":3,"run":7,"ledger":"x","jobs":[{"seq":1,"sql":"DO 1"}]}"#,
        r#"{"v":3,"run":"another form","new":[{}]}"#,
        r#"{"v":3}"#,
    ] {
        match envelope::decode(body.as_bytes()) {
            Err(DecodeError::NewerVersion(3)) => {}
            other => panic!("{body}: {other:?}"),
        }
    }
    assert_eq!(VERSION, 2, "a new version needs its own cases here");
    refused(r#"{"v":0,"run":7,"ledger":"x","jobs":[{"seq":1,"sql":"DO 1"}]}"#);
    refused(r#"{"v":-1,"new":1}"#);
    refused(r#"{"v":"2"}"#);
}

#[test]
fn a_body_that_breaks_the_rules_is_no_envelope() {
    let body = |rest: &str| format!(r#"{{"v":1,"run":7,"ledger":"x",{rest}}}"#);
    let job = |seq: u64| format!(r#"{{"seq":{seq},"sql":"DO 1"}}"#);
    refused(&body(r#""jobs":[]"#));
    refused(&body(&format!(r#""jobs":[{}]"#, job(0))));
    refused(&body(&format!(r#""jobs":[{},{}]"#, job(2), job(2))));
    refused(&body(&format!(r#""jobs":[{},{}]"#, job(2), job(1))));
    refused(&body(&format!(r#""not_atomic":"park","jobs":[{},{}]"#, job(1), job(2))));
    refused(&body(&format!(r#""not_atomic":"often","jobs":[{}]"#, job(1))));
    refused(&body(&format!(r#""run":8,"jobs":[{}]"#, job(1))));
    refused(&(body(&format!(r#""jobs":[{}]"#, job(1))) + "x"));
}
