//! Messages that no worker may run: none of them stops it, none of them is lost.

use std::time::Duration;

use queryfleet_job::Job;
use queryfleet_tests::{Fleet, eventually};

const SOON: Duration = Duration::from_secs(20);
const KEY: (&str, &str) = ("QUERYFLEET_SIGNING_KEY", "a signing key of the tests");

/// Why each dead job or message is.
fn reasons(fleet: &Fleet) -> Vec<String> {
    fleet.dead().into_iter().map(|(_, reason, _)| reason).collect()
}

#[test]
fn bytes_that_are_no_envelope_are_kept_as_dead() {
    let fleet = Fleet::new();
    let script = fleet.counters(20);
    let bodies: [&[u8]; 6] =
        [b"", b"\xff\x00\xfe", b"{}", b"null", br#"{"v":1,"run":1,"ledger":"x","jobs":[]}"#, &[b'['; 10_000]];
    bodies.iter().for_each(|body| fleet.send(body));
    fleet.publish(&script, "after");
    let mut worker = fleet.worker(2);
    fleet.wait("after").expect(0);
    fleet.assert_each_once();
    eventually(SOON, "six dead messages", || reasons(&fleet) == ["undecodable"; 6]);
    let mut found: Vec<Vec<u8>> = fleet.rows("SELECT envelope FROM queryfleet_dead");
    found.sort();
    let mut wanted = bodies.map(<[u8]>::to_vec).to_vec();
    wanted.sort();
    assert_eq!(found, wanted);
    eventually(SOON, "an empty dead queue", || fleet.ready(".dead") == 0);
    assert_eq!(worker.metric("queryfleet_deliveries_settled_total", &["action=\"reject\""]), 6.0);
    assert_eq!(worker.drain(), Some(0));
}

#[test]
fn a_message_of_a_run_that_the_ledger_does_not_know_is_never_executed() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    let job = |id| vec![Job::new(1, format!("UPDATE t SET n = n + 1 WHERE id = {id}"))];
    let unknown_run = fleet.chunk(queryfleet_job::RunId(7), job(1));
    let mut other_ledger = fleet.chunk(queryfleet_job::RunId(7), job(2));
    other_ledger.ledger = queryfleet_job::LedgerId("0123456789abcdef0123456789abcdef".into());
    fleet.send_chunk(&unknown_run);
    fleet.send_chunk(&other_ledger);
    let _worker = fleet.worker_with(2, &[("QUERYFLEET_MAX_ATTEMPTS", "3")]);
    eventually(SOON, "both are dead", || reasons(&fleet) == ["unknown_run"; 2]);
    assert_eq!(fleet.number("SELECT SUM(n) FROM t"), 0);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_ledger"), 0);
}

#[test]
fn an_envelope_of_a_newer_version_is_kept_and_makes_the_worker_unready() {
    let fleet = Fleet::new();
    fleet.send(br#"{"v":3,"run":1,"form":"another"}"#);
    let mut worker = fleet.worker(1);
    eventually(SOON, "unready, the version named", || {
        let (status, body) = worker.get("/readyz");
        status == 503 && body.contains("version 3 is newer")
    });
    assert_eq!(worker.drain(), Some(0));
    assert_eq!((fleet.ready(""), fleet.ready(".dead")), (1, 0));
}

#[test]
fn a_worker_with_a_key_takes_only_what_was_signed_with_it() {
    let fleet = Fleet::new();
    let script = fleet.counters(3);
    let arguments = ["publish", script.to_str().unwrap(), "--run", "signed"];
    fleet.run_with(&arguments, &[KEY]).expect(0);
    let unsigned = fleet.chunk(fleet.run_id("signed"), vec![Job::new(4, "UPDATE t SET n = n + 100")]);
    fleet.send_chunk(&unsigned);
    let worker = fleet.worker_with(2, &[KEY]);
    fleet.wait("signed").expect(0);
    eventually(SOON, "the forged one is dead", || reasons(&fleet) == ["unverified"]);
    fleet.assert_each_once();
    assert!(!worker.log().contains(KEY.1));
}

#[test]
fn a_signing_key_is_changed_without_a_pause() {
    const OLD: &str = "the key until today";
    const NEW: &str = "the key from now on";
    let fleet = Fleet::new();
    fleet.make_counters(3);
    let publish = |id: u64, statement: &str, key: &str| {
        let script = fleet.script([statement]);
        let name = format!("run-{id}");
        let arguments = ["publish", script.to_str().unwrap(), "--run", &name];
        fleet.run_with(&arguments, &[("QUERYFLEET_SIGNING_KEY", key)]).expect(0);
    };
    let (broken, fault) = fleet.broken(1);
    publish(1, &broken, OLD);
    let both = [("QUERYFLEET_SIGNING_KEY", "the key from now on,the key until today")];
    let worker = fleet.worker_with(1, &both);
    eventually(SOON, "a retry", || {
        worker.metric("queryfleet_deliveries_settled_total", &["\"retry\""]) >= 1.0
    });
    drop(fault);
    publish(2, "UPDATE t SET n = n + 1 WHERE id = 2;", NEW);
    publish(3, "UPDATE t SET n = n + 1 WHERE id = 3;", OLD);
    ["run-1", "run-2", "run-3"].iter().for_each(|run| drop(fleet.wait(run).expect(0)));
    fleet.assert_each_once();
    drop(worker);
    // What the new key alone takes: what the first of both has signed, and nothing of the old one.
    publish(4, "UPDATE t SET n = n + 100 WHERE id = 1;", OLD);
    publish(5, "UPDATE t SET n = n + 0 WHERE id = 2;", both[0].1);
    let _worker = fleet.worker_with(1, &[("QUERYFLEET_SIGNING_KEY", NEW)]);
    fleet.wait("run-5").expect(0);
    eventually(SOON, "the old one is dead", || reasons(&fleet) == ["unverified"]);
    fleet.assert_each_once();
}

/// They were dead as `delivery_limit`: "its worker died at every delivery".
#[test]
fn what_another_worker_rejected_is_dead_as_that_and_can_be_replayed() {
    let fleet = Fleet::new();
    let script = fleet.counters(2);
    let arguments = ["publish", script.to_str().unwrap(), "--run", "keys", "--chunk", "2"];
    fleet.run_with(&arguments, &[KEY]).expect(0);
    fleet.reject_next();
    let worker = fleet.worker_with(1, &[KEY]);
    fleet.wait("keys").expect(3).says("2 dead");
    assert_eq!(reasons(&fleet), ["unverified"; 2]);
    fleet.run(&["dead", "show", "keys", "1"]).expect(0).says(KEY.0);
    fleet.run_with(&["dead", "replay", "--run", "keys"], &[KEY]).expect(0);
    fleet.wait("keys").expect(0);
    fleet.assert_each_once();
    assert!(!worker.log().contains(KEY.1));
}

#[test]
fn what_another_worker_rejected_and_nobody_here_can_verify_touches_no_ledger() {
    let fleet = Fleet::new();
    fleet.publish(&fleet.script(["DO 1;"]), "keyless");
    fleet.reject_next();
    let mut worker = fleet.worker(1);
    eventually(SOON, "it is dead", || reasons(&fleet) == ["unverified"]);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_ledger"), 0);
    assert_eq!(worker.drain(), Some(0));
    // At the last attempt it is the run that is not in another worker's ledger.
    fleet.publish(&fleet.script(["DO 2;"]), "elsewhere");
    fleet.reject_next();
    let _worker = fleet.worker_with(1, &[("QUERYFLEET_MAX_ATTEMPTS", "1")]);
    fleet.wait("elsewhere").expect(3);
    assert_eq!(reasons(&fleet), ["unverified", "unknown_run"]);
}

/// One of them stopped the collector for good: its dead row failed with 1406, and the message came back for ever.
#[test]
fn text_from_outside_is_bounded_wherever_it_ends() {
    let fleet = Fleet::new();
    let (long, huge) = ("x".repeat(70_000), "y".repeat(5_000_000));
    let run = fleet.hollow_run("foreign", 4, &[]);
    fleet.send_all([
        format!(r#"{{"v":"{long}"}}"#),
        format!(r#"{{"v":1,"{huge}":1}}"#),
        format!(r#"{{"v":2,"run":7,"ledger":"x","manifest":"{huge}","jobs":[]}}"#),
        format!(r#"{{"v":1,"run":7,"ledger":"{huge}","jobs":[{{"seq":1,"sql":"DO 1"}}]}}"#),
    ]);
    // Names and words of statements, which the server and we quote.
    let job = |seq, sql: String| fleet.chunk(run, vec![Job::new(seq, sql)]);
    fleet.send_chunk(&job(1, format!("{huge} 1")));
    fleet.send_chunk(&job(2, format!("UPDATE `{long}` SET n = 1")));
    fleet.send_chunk(&fleet.chunk(run, vec![Job { database: Some(long.clone()), ..Job::new(3, "DO 1") }]));
    let mut taken =
        queryfleet_tests::Taken::of(queryfleet_job::envelope::encode(&job(4, "DO nowhere".into())));
    taken.set("x-queryfleet-first-error", lapin::types::AMQPValue::LongString(long.as_str().into()));
    fleet.put("default", &[taken]);
    let mut worker = fleet.worker_with(2, &[("QUERYFLEET_LOG", "debug"), ("QUERYFLEET_MAX_ATTEMPTS", "1")]);
    eventually(SOON, "eight are dead", || fleet.dead().len() == 8);
    eventually(SOON, "an empty dead queue", || fleet.ready(".dead") == 0);
    assert_eq!(worker.drain(), Some(0));
    let longest = worker.log().lines().map(str::len).max().unwrap();
    assert!(longest < 4000, "a line of {longest} bytes");
    let longest =
        "SELECT MAX(GREATEST(LENGTH(message), LENGTH(COALESCE(first_error, '')))) FROM queryfleet_dead";
    assert!(fleet.number(longest) < 3000);
    let kept = "SELECT MAX(LENGTH(envelope)) FROM queryfleet_dead WHERE run IS NULL";
    assert_eq!(fleet.number(kept), 16 << 10);
}

#[test]
fn messages_that_are_none_of_ours_are_kept_in_part_and_can_be_deleted() {
    const COUNT: usize = 1100;
    let fleet = Fleet::new();
    fleet.send_all((0..COUNT).map(|index| format!("{index} {}", "garbage ".repeat(2500))));
    let mut worker = fleet.worker(4);
    eventually(Duration::from_secs(60), "all are dead", || fleet.dead().len() == COUNT);
    assert_eq!(worker.drain(), Some(0));
    let kept = "SELECT SUM(LENGTH(envelope)) FROM queryfleet_dead";
    assert_eq!(fleet.number(kept), 1000 * (16 << 10));
    let messages: Vec<String> = fleet.rows("SELECT message FROM queryfleet_dead ORDER BY id DESC LIMIT 1");
    assert!(messages[0].contains("kept: the first 0 of its 2000"), "{messages:?}");
    assert!(worker.log().contains("dead discard"), "{}", worker.log());
    fleet.run(&["dead", "list"]).expect(0).says("undecodable");
    fleet.run(&["dead", "discard", "--reason", "unverified"]).expect(0).says("0 dead jobs");
    fleet
        .run(&["dead", "discard", "--yes", "--reason", "undecodable"])
        .expect(0)
        .says("1100 dead jobs discarded");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_dead"), 0);
}
