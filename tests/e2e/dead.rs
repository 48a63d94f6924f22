//! Jobs that will not be tried again.

use std::time::Duration;

use queryfleet_tests::{Fleet, Worker, eventually};

const SOON: Duration = Duration::from_secs(30);

fn row(seq: u64, reason: &str, code: impl Into<Option<u16>>) -> (u64, String, Option<u16>) {
    (seq, reason.to_owned(), code.into())
}

#[test]
fn statements_that_fail_for_good_are_dead_with_their_error() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    let script = fleet.script([
        "UPDATE t SET n = n + 1 WHERE id = 1;",
        "INSERT INTO t (id) VALUES (2);",
        "UPDATE t SET n = n + 1 WHERE id = 2;",
        "UPDATE t SET WHERE;",
        "UPDATE nowhere SET n = 1 WHERE id = 1;",
        "UPDATE t SET n = n + 1 WHERE id = 3;",
        "UPDATE t SET m = 1 WHERE id = 1;",
        "INSERT INTO t VALUES (4, 4), (1, 1);",
    ]);
    fleet.publish(&script, "dead");
    let mut worker = fleet.worker(2);
    fleet.wait("dead").expect(3).says("3 jobs done, 5 dead");
    let wanted = [(2, 1062), (4, 1064), (5, 1146), (7, 1054), (8, 1062)];
    assert_eq!(fleet.dead(), wanted.map(|(seq, code)| row(seq, "error", code)));
    fleet.assert_each_once();
    assert_eq!((fleet.ledger("done"), fleet.ledger("dead")), (3, 5));

    let kept: Vec<(String, u32, String)> =
        fleet.rows("SELECT statement, attempts, message FROM queryfleet_dead WHERE seq = 5");
    assert_eq!((kept[0].0.as_str(), kept[0].1), ("UPDATE nowhere SET n = 1 WHERE id = 1", 1));
    assert!(kept[0].2.contains("nowhere"), "{kept:?}");
    let status = fleet.run(&["status", "dead", "--json"]).expect(0).json();
    assert_eq!(
        (&status["state"], &status["done"], &status["dead"]),
        (&"finished".into(), &3.into(), &5.into())
    );
    assert_eq!(worker.metric("queryfleet_jobs_total", &["outcome=\"permanent\""]), 5.0);
    assert_eq!(worker.drain(), Some(0));
}

#[test]
fn a_statement_past_its_deadline_is_killed_and_dead_in_the_end() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    let script = fleet.script([
        "UPDATE t SET n = n + 1 WHERE id = 2;",
        "UPDATE t SET n = n + 1 + SLEEP(600) WHERE id = 1;",
        "DO SLEEP(600);",
        "UPDATE t SET n = n + 1 WHERE id = 3;",
    ]);
    fleet.publish(&script, "endless");
    let limits = [("QUERYFLEET_STATEMENT_TIMEOUT", "1s"), ("QUERYFLEET_MAX_ATTEMPTS", "2")];
    let worker = fleet.worker_with(2, &limits);
    fleet.wait("endless").expect(3).says("2 jobs done, 2 dead");
    assert_eq!(fleet.dead(), [row(2, "timeout", None), row(3, "timeout", None)]);
    assert_eq!(fleet.running("SLEEP(600)"), 0, "statements that nobody waits for any more");
    let counters: Vec<(u64, i64)> = fleet.rows("SELECT id, n FROM t ORDER BY id");
    assert_eq!(counters, [(1, 0), (2, 1), (3, 1)]);
    let attempts: Vec<u32> = fleet.rows("SELECT attempts FROM queryfleet_dead");
    assert_eq!(attempts, [2, 2]);
    assert_eq!(worker.metric("queryfleet_statements_killed_total", &["reason=\"deadline\""]), 4.0);
}

#[test]
fn a_connection_is_not_used_again_after_its_kill() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    let job = |id| format!("UPDATE t SET n = n + 1 WHERE id = {id};");
    let script = fleet.script([&job(1), "DO SLEEP(600);", &job(2), "DO SLEEP(600);", &job(3)]);
    fleet.publish(&script, "kill");
    // An attempt on a killed connection would be the job's last one.
    let limits = [("QUERYFLEET_STATEMENT_TIMEOUT", "500ms"), ("QUERYFLEET_MAX_ATTEMPTS", "1")];
    let _worker = fleet.worker_with(1, &limits);
    fleet.wait("kill").expect(3).says("3 jobs done, 2 dead");
    assert_eq!(fleet.dead(), [row(2, "timeout", None), row(4, "timeout", None)]);
    fleet.assert_each_once();
}

#[test]
fn a_table_that_keeps_changes_after_a_rollback_leaves_the_job_unknown() {
    let fleet = Fleet::new();
    fleet.sql("CREATE TABLE m (id INT PRIMARY KEY) ENGINE=InnoDB");
    let script = fleet.script(["INSERT INTO m VALUES (1), (2), (1)"]);
    fleet.publish(&script, "kept");
    fleet.sql("ALTER TABLE m ENGINE=MyISAM");
    let _worker = fleet.worker(1);
    fleet.wait("kept").expect(3);
    // With GTIDs in force, MySQL takes no such statement in a transaction.
    let (dead, kept) = match fleet.is_mysql() {
        true => (row(1, "error", Some(1785)), 0),
        false => (row(1, "unknown", None), 2),
    };
    assert_eq!(fleet.dead(), [dead]);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM m"), kept, "never tried again");
}

#[test]
fn a_dead_letter_is_not_returned_while_it_cannot_be_written() {
    let fleet = Fleet::new();
    // Past this limit the broker drops a message: its dead queue has nowhere to dead-letter to.
    let limit = ["queryfleet.*dead", r#"{"delivery-limit":3}"#, "--apply-to", "queues"];
    fleet.ctl(&[&["set_policy", "limit"][..], &limit].concat());
    let log = [("QUERYFLEET_LOG", "debug")];
    let refused = |worker: &Worker| {
        eventually(SOON, "failures above the limit", || worker.log().matches("the collector ").count() >= 6);
    };
    let mut worker = fleet.worker_with(1, &log);
    fleet.send(b"before");
    eventually(SOON, "the collector serves", || fleet.dead().len() == 1);
    fleet.sql("RENAME TABLE queryfleet_dead TO elsewhere");
    fleet.send(b"not ours");
    refused(&worker);
    assert_eq!(worker.drain(), Some(0));
    let next = fleet.worker_with(1, &log);
    refused(&next);
    fleet.sql("RENAME TABLE elsewhere TO queryfleet_dead");
    eventually(SOON, "both are dead", || fleet.dead().len() == 2);
    eventually(SOON, "an empty dead queue", || fleet.ready(".dead") == 0);
    // Without a policy it is the queue's own limit that counts.
    let queues = fleet.ctl(&["list_queues", "name", "arguments"]);
    let dead = queues.lines().find(|line| line.starts_with("queryfleet.default.dead")).unwrap();
    assert!(dead.contains("x-delivery-limit") && dead.contains("2147483647"), "{queues}");
}

#[test]
#[ignore = "make faults: servers of its own"]
fn the_largest_statement_that_can_run_can_be_dead_too() {
    let fleet = Fleet::with_own_servers();
    fleet.sql("SET GLOBAL max_allowed_packet = 1048576");
    let large = format!("DO nowhere /* {} */;", "x".repeat((1 << 20) - (64 << 10) - 200));
    fleet.publish(&fleet.script([&large]), "large");
    let mut worker = fleet.worker(1);
    fleet.wait("large").expect(3);
    fleet.send(&vec![b'['; 2 << 20]);
    eventually(SOON, "a body that no statement holds", || fleet.dead().len() == 2);
    assert_eq!(worker.drain(), Some(0));
    assert_eq!(fleet.dead(), [row(0, "undecodable", None), row(1, "error", 1054)]);
    fleet.run(&["dead", "show", "large", "1"]).expect(0).says("DO nowhere /* xxx");
    fleet.run(&["dead", "replay", "--run", "large"]).expect(0).says("1 dead job replayed");
    let _worker = fleet.worker(1);
    fleet.wait("large").expect(3);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_dead WHERE state = 'dead' AND seq = 1"), 1);
}

#[test]
#[ignore = "make faults: servers of its own"]
fn what_the_server_takes_no_longer_is_given_back() {
    let fleet = Fleet::with_own_servers();
    let script = fleet.script([700, 700, 1200].map(|kib| format!("DO 1 /* {} */;", "x".repeat(kib << 10))));
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "large", "--chunk", "3"]).expect(0);
    fleet.sql("SET GLOBAL max_allowed_packet = 1048576");
    let worker = fleet.worker(1);
    eventually(SOON, "two fit, the third is given back", || {
        fleet.number("SELECT COUNT(*) FROM queryfleet_ledger WHERE state = 1") == 2
            && worker.metric("queryfleet_job_errors_total", &["unfit"]) >= 1.0
    });
    // A chunk leaves room for the rows of the ledger, which are most of so small a job.
    let script = fleet.script(["DO 1;"; 10_000]);
    let transactions = || fleet.rows::<(String, u64)>("SHOW GLOBAL STATUS LIKE 'Com_begin'")[0].1;
    let before = transactions();
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "many", "--chunk", "10000"]).expect(0);
    fleet.wait("many").expect(0);
    assert!(transactions() - before < 200, "no chunk was executed job by job");
    fleet.sql("SET GLOBAL max_allowed_packet = 16777216");
    fleet.wait("large").expect(0);
}
