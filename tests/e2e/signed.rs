//! Everything that is executed is signed: what an account without the key writes, to the queue or to the tables, is never
//! executed by a worker that has one.

use std::time::Duration;

use lapin::types::AMQPValue;
use queryfleet_job::{Chunk, Job, ManifestDigest, Signer, envelope};
use queryfleet_tests::{Fleet, eventually};

const SOON: Duration = Duration::from_secs(30);
const KEY: (&str, &str) = ("QUERYFLEET_SIGNING_KEY", "a signing key of the tests");
const OTHER: (&str, &str) = ("QUERYFLEET_SIGNING_KEY", "another key of the tests");
const PLAIN: &str = "SET time_zone = '+03:00'";

fn signer() -> Signer {
    Signer::new([KEY.1.as_bytes()]).unwrap()
}

/// Publishes a script with the key.
fn publish(fleet: &Fleet, name: &str, lines: &[&str], arguments: &[&str]) {
    let script = fleet.script(lines);
    let all = [&["publish", script.to_str().unwrap(), "--run", name], arguments].concat();
    fleet.run_with(&all, &[KEY]).expect(0);
}

fn dead_as_unverified(fleet: &Fleet, count: usize) {
    eventually(SOON, "dead as unverified", || {
        let dead = fleet.dead();
        dead.len() == count && dead.iter().all(|(_, reason, _)| reason == "unverified")
    });
    eventually(SOON, "an empty dead queue", || fleet.ready(".dead") == 0);
}

fn message_of_the_dead(fleet: &Fleet) -> String {
    fleet.rows::<String>("SELECT message FROM queryfleet_dead ORDER BY id DESC LIMIT 1").remove(0)
}

#[test]
fn session_sql_is_executed_only_as_it_was_published() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    fleet.sql("CREATE TABLE victim (id INT) ENGINE=InnoDB; INSERT INTO victim VALUES (1)");
    let worker = || fleet.worker_with(1, &[KEY, ("QUERYFLEET_ALLOW", "update")]);
    // Beside the manifest: nothing reads it.
    publish(
        &fleet,
        "beside",
        &["UPDATE t SET n = n + 1 WHERE id = 1 AND @@time_zone = '+03:00';"],
        &["--session-sql", PLAIN],
    );
    fleet
        .sql("UPDATE queryfleet_run SET session_sql = 'DELETE FROM victim', session_version = 7, total = 99");
    let first = worker();
    fleet.wait("beside").expect(0).says("1 job done");
    drop(first);
    // In the manifest: it is not the one that was signed.
    let plain = ["UPDATE t SET n = n + 1 WHERE id = 2;"];
    for (name, change) in [
        (
            "inside",
            "manifest = REPLACE(manifest, '\"session_sql\":null', '\"session_sql\":\"DELETE FROM victim\"')",
        ),
        ("gone", "manifest = NULL, session_sql = 'DELETE FROM victim', session_version = 1"),
        ("unsigned", "manifest_signature = NULL"),
        (
            "of-another",
            "manifest = (SELECT manifest FROM (SELECT * FROM queryfleet_run) r WHERE r.name = 'beside')",
        ),
    ] {
        let before = fleet.dead().len();
        publish(&fleet, name, &plain, &["--chunk", "2"]);
        fleet.sql(&format!("UPDATE queryfleet_run SET {change} WHERE name = '{name}'"));
        // One that has not seen the run before.
        let _worker = worker();
        dead_as_unverified(&fleet, before + 1);
        assert_eq!(fleet.number("SELECT COUNT(*) FROM victim"), 1);
    }
    assert_eq!((fleet.ledger("done"), fleet.ledger("dead")), (1, 0));
    assert_eq!(fleet.number("SELECT SUM(n) FROM t"), 1);
}

#[test]
fn a_genuine_message_is_executed_from_its_own_queue_only() {
    for key in [None, Some(KEY)] {
        let fleet = Fleet::new();
        let variables: Vec<(&str, &str)> = key.into_iter().collect();
        let elsewhere = [&variables[..], &[("QUERYFLEET_QUEUE", "other")]].concat();
        fleet.run_with(&["setup"], &elsewhere).expect(0);
        let script = fleet.counters(2);
        fleet.run_with(&["publish", script.to_str().unwrap(), "--run", "mine"], &variables).expect(0);
        let messages = fleet.take();
        fleet.put("other", &messages);
        let other = fleet.worker_with(1, &elsewhere);
        dead_as_unverified(&fleet, 2);
        assert_eq!(message_of_the_dead(&fleet), "its run is of queue default, and this is other");
        drop(other);
        fleet.put("default", &messages);
        let _worker = fleet.worker_with(1, &variables);
        fleet.wait("mine").expect(0);
        fleet.assert_each_once();
    }
}

/// A key holder's mistake, or without a key anybody's.
#[test]
fn a_job_beyond_the_total_is_never_executed() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    publish(
        &fleet,
        "two",
        &["UPDATE t SET n = n + 1 WHERE id = 1;", "UPDATE t SET n = n + 1 WHERE id = 2;"],
        &[],
    );
    let run = fleet.run_id("two");
    let manifest: Vec<Vec<u8>> = fleet.rows("SELECT manifest FROM queryfleet_run");
    let manifest = Some(ManifestDigest::of(&manifest[0]));
    let beyond = Chunk { manifest, ..fleet.chunk(run, vec![Job::new(777, "UPDATE t SET n = n + 100")]) };
    fleet.send_message(&envelope::seal(&beyond, Some(&signer()), 0, None));
    let _worker = fleet.worker_with(1, &[KEY]);
    dead_as_unverified(&fleet, 1);
    assert_eq!(message_of_the_dead(&fleet), "it has job 777, and its run has 2");
    fleet.wait("two").expect(0);
    fleet.assert_each_once();
    assert_eq!(fleet.number("SELECT MAX(seq) FROM queryfleet_ledger"), 2);
}

#[test]
fn attempts_and_first_error_count_only_as_a_worker_has_signed_them() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let (broken, fault) = fleet.broken(1);
    publish(&fleet, "forged", &[&broken], &[]);
    let mut messages = fleet.take();
    for (name, value) in [
        ("x-queryfleet-attempts", AMQPValue::LongUInt(100)),
        ("x-queryfleet-first-error", AMQPValue::LongString("forged".into())),
        ("x-queryfleet-attempts-signature", AMQPValue::LongString("ab".repeat(32).into())),
    ] {
        messages[0].set(name, value);
    }
    fleet.put("default", &messages);
    let worker = fleet.worker_with(1, &[KEY, ("QUERYFLEET_MAX_ATTEMPTS", "3")]);
    eventually(SOON, "it is dead at its third attempt", || fleet.dead().len() == 1);
    let row: Vec<(u32, String)> = fleet.rows("SELECT attempts, first_error FROM queryfleet_dead");
    assert_eq!(row[0].0, 3);
    assert!(row[0].1.starts_with("1242"), "{row:?}");
    assert_eq!(worker.metric("queryfleet_deliveries_settled_total", &["\"retry\""]), 2.0);
    drop(fault);
    fleet.run_with(&["dead", "replay", "--run", "forged"], &[KEY]).expect(0);
    fleet.wait("forged").expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_replay_publishes_only_what_a_worker_has_signed() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    fleet.sql("CREATE TABLE victim (id INT) ENGINE=InnoDB; INSERT INTO victim VALUES (1)");
    let lines = ["INSERT INTO t (id, n) VALUES (1, 5);", "INSERT INTO t (id, n) VALUES (2, 5);"];
    publish(&fleet, "dead", &lines, &["--chunk", "2", "--session-sql", PLAIN]);
    let worker = fleet.worker_with(1, &[KEY]);
    fleet.run_with(&["wait", "dead"], &[KEY]).expect(3);
    let replay = |code: i32| fleet.run_with(&["dead", "replay", "--run", "dead"], &[KEY]).expect(code);
    let show = || fleet.run_with(&["dead", "show", "dead", "1"], &[KEY]).expect(0);
    fleet.sql("CREATE TABLE kept AS SELECT id, envelope, signature FROM queryfleet_dead");
    let restore = "UPDATE queryfleet_dead d JOIN kept k ON k.id = d.id SET d.envelope = k.envelope, d.signature = k.signature";
    // What is shown is what would be executed, whatever is written beside it.
    fleet.sql("UPDATE queryfleet_dead SET statement = 'DO harmless' WHERE seq = 1");
    show().says(lines[0].trim_end_matches(';')).says(PLAIN);
    assert!(!show().out.contains("harmless") && !show().out.contains("not possible"));
    for change in [
        "envelope = REPLACE(envelope, 'INSERT INTO t (id, n) VALUES (1, 5)', 'DELETE FROM victim') WHERE seq = 1",
        "signature = NULL WHERE seq = 1",
        "envelope = (SELECT envelope FROM kept ORDER BY id DESC LIMIT 1), \
         signature = (SELECT signature FROM kept ORDER BY id DESC LIMIT 1) WHERE seq = 1",
        "envelope = '' WHERE seq = 1",
    ] {
        fleet.sql(&format!("UPDATE queryfleet_dead SET {change}"));
        show().says("not possible");
        let dry = fleet.run_with(&["dead", "replay", "--run", "dead", "--dry-run"], &[KEY]).expect(1);
        dry.says("1 dead job would be replayed").says("1 dead job not would be replayed: job 1 of run");
        replay(1).says("1 dead job replayed").says("1 dead job not replayed: job 1 of run");
        fleet.run_with(&["wait", "dead"], &[KEY]).expect(3);
        fleet.sql(restore);
    }
    fleet.sql("UPDATE queryfleet_dead SET queue = 'elsewhere' WHERE seq = 1");
    replay(1).says("its run is of queue default");
    fleet.sql("UPDATE queryfleet_dead SET queue = 'default'");
    // Whom the ledger does not call dead has nothing to be brought back.
    fleet.sql("UPDATE queryfleet_ledger SET state = 'done' WHERE seq = 1");
    replay(1).says("the ledger does not call it dead");
    fleet.sql("UPDATE queryfleet_ledger SET state = 'dead' WHERE seq = 1");
    fleet.sql("DELETE FROM t");
    replay(0).says("2 dead jobs replayed");
    fleet.run_with(&["wait", "dead"], &[KEY]).expect(0);
    assert_eq!(fleet.number("SELECT SUM(n) FROM t"), 10);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM victim"), 1);
    assert!(!worker.log().contains(KEY.1));
}

/// An account with the rights of *publish* may write ranges, and what is read from there becomes statements.
#[test]
fn a_range_is_published_only_as_it_was_signed() {
    let fleet = Fleet::new();
    fleet.make_counters(30);
    let delete = "UPDATE t SET n = n + 1 WHERE :range AND n = 0";
    let arguments = ["publish", "--template", delete, "--range", "t.id", "--size", "10", "--run", "cut"];
    fleet.run_with(&arguments, &[KEY]).expect(0).says("3 jobs published");
    fleet.purge_queue();
    let again = [&arguments[..], &["--missing"]].concat();
    fleet.sql("CREATE TABLE kept AS SELECT * FROM queryfleet_range");
    for change in [
        "UPDATE queryfleet_range SET hi = '[30]' WHERE seq = 1",
        "UPDATE queryfleet_range SET lo = (SELECT lo FROM kept WHERE seq = 3) WHERE seq = 2",
        "UPDATE queryfleet_range SET signature = NULL WHERE seq = 2",
        "INSERT INTO queryfleet_range (run, seq, lo, hi) SELECT run, 4, lo, hi FROM kept WHERE seq = 0",
        "DELETE FROM queryfleet_range WHERE seq = 2; UPDATE queryfleet_range SET seq = 2 WHERE seq = 3",
    ] {
        fleet.sql(change);
        fleet.run_with(&again, &[KEY]).expect(1).says("in queryfleet_range is not signed with a key");
        fleet.sql("DELETE FROM queryfleet_range; INSERT INTO queryfleet_range SELECT * FROM kept");
    }
    assert_eq!(fleet.ready(""), 0);
    fleet.run_with(&again, &[KEY]).expect(0).says("3 jobs published");
    let _worker = fleet.worker_with(1, &[KEY]);
    fleet.wait("cut").expect(0);
    fleet.assert_each_once();
}

/// A replay signs nothing: with another key it publishes nothing that was not signed with it.
#[test]
fn a_replay_needs_the_key_that_the_job_was_signed_with() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    publish(&fleet, "dead", &["INSERT INTO t (id) VALUES (1);"], &[]);
    let _worker = fleet.worker_with(1, &[KEY]);
    fleet.wait("dead").expect(3);
    fleet.run_with(&["dead", "replay", "--run", "dead"], &[OTHER]).expect(1).says("QUERYFLEET_SIGNING_KEY");
    // Nor does it reach the key by an export that is published.
    let export = ["dead", "export", "--run", "dead"];
    let exported = fleet.run_with(&export, &[OTHER]).expect(1).says("1 dead job not exported");
    assert_eq!(exported.out, "");
    fleet.run_with(&export, &[KEY]).expect(0).says("INSERT INTO t (id) VALUES (1);");
    let both = ("QUERYFLEET_SIGNING_KEY", "another key of the tests,a signing key of the tests");
    fleet.run_with(&["dead", "replay", "--run", "dead"], &[both]).expect(0);
    fleet.wait("dead").expect(3);
    // Without a key the bytes are published as they are, and the workers verify them.
    fleet.sql("DELETE FROM t");
    fleet.run(&["dead", "replay", "--run", "dead"]).expect(0);
    fleet.wait("dead").expect(0);
}

/// Messages of the version before, with its signatures, while a fleet is upgraded.
#[test]
fn messages_without_a_manifest_run_while_nothing_is_executed_beside_them() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    let update = |seq| vec![Job::new(seq, format!("UPDATE t SET n = n + 1 WHERE id = {seq}"))];
    let script = fleet.script((1..=3).map(|id| format!("UPDATE t SET n = n + 1 WHERE id = {id};")));
    let arguments = ["publish", script.to_str().unwrap(), "--run", "before"];
    fleet.run_with(&arguments, &[KEY]).expect(0);
    fleet.purge_queue();
    let run = fleet.run_id("before");
    let send = |seq, signer: Option<&Signer>| {
        fleet.send_message(&envelope::seal(&fleet.chunk(run, update(seq)), signer, 0, None));
    };
    fleet.sql("UPDATE queryfleet_run SET manifest = NULL, manifest_signature = NULL");
    send(1, Some(&signer()));
    let worker = fleet.worker_with(1, &[KEY]);
    eventually(SOON, "one is done", || fleet.ledger("done") == 1);
    send(3, None);
    dead_as_unverified(&fleet, 1);
    drop(worker);
    fleet.sql("UPDATE queryfleet_run SET session_sql = 'DELETE FROM t', session_version = 1");
    send(2, Some(&signer()));
    let _worker = fleet.worker_with(1, &[KEY]);
    dead_as_unverified(&fleet, 2);
    fleet.sql("UPDATE queryfleet_run SET session_sql = NULL, session_version = 0");
    // The same publish goes on with it, and has it signed.
    fleet.run_with(&[&arguments[..], &["--missing"]].concat(), &[KEY]).expect(0).says("2 jobs published");
    fleet.wait("before").expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_run_is_gone_on_with_only_as_what_it_was_begun_as() {
    let fleet = Fleet::new();
    let script = fleet.counters(3);
    let arguments = ["publish", script.to_str().unwrap(), "--run", "begun", "--missing"];
    fleet.run(&arguments[..4]).expect(0);
    fleet.purge_queue();
    let whole: Vec<String> = fleet.rows("SELECT CAST(manifest AS CHAR) FROM queryfleet_run");
    for (from, to, part) in [
        ("\"total\":3", "\"total\":2", "total"),
        ("\"session_sql\":null", "\"session_sql\":\"DO 1\"", "session SQL"),
        ("\"not_atomic\":null", "\"not_atomic\":\"park\"", "non-transactional"),
        ("\"queue\":\"default\"", "\"queue\":\"other\"", "queue"),
        ("\"v\":1", "\"v\":9", "version 9"),
        ("{", "[", "cannot be read"),
    ] {
        let changed = whole[0].replace(from, to);
        fleet.sql(&format!("UPDATE queryfleet_run SET manifest = '{changed}'"));
        fleet.run(&arguments).expect(1).says("run begun cannot be resumed").says(part);
        assert_eq!(fleet.ready(""), 0);
    }
    // A key that the fleet has now, and had not when the run was begun.
    fleet.sql(&format!("UPDATE queryfleet_run SET manifest = '{}'", whole[0]));
    fleet.run_with(&arguments, &[KEY]).expect(0).says("3 jobs published");
    let _worker = fleet.worker_with(2, &[KEY]);
    fleet.wait("begun").expect(0);
    fleet.assert_each_once();
}
