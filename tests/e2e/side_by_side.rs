//! An older program and this one on the same tables, as in a rollout and in a rollback. `make upgrade-test` builds the older one.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use queryfleet_tests::{Fleet, eventually};

const SOON: Duration = Duration::from_secs(30);

/// A world whose tables and queues the older program has made, as that program sees it and as this one does.
fn as_it_was() -> (Fleet, Fleet) {
    let fleet = Fleet::new();
    let program =
        std::env::var_os("QUERYFLEET_TEST_OLD").unwrap_or_else(|| panic!("started by make upgrade-test"));
    let old = fleet.of_program(PathBuf::from(program));
    let tables: Vec<String> = fleet.rows("SHOW TABLES");
    fleet.sql(&format!("DROP TABLE {}", tables.join(", ")));
    old.run(&["setup"]).expect(0);
    (fleet, old)
}

/// Jobs that take a twentieth of a second each, for the counters of these ids.
fn jobs(fleet: &Fleet, ids: std::ops::RangeInclusive<u64>) -> PathBuf {
    fleet.script(ids.map(|id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP(0.05) WHERE id = {id};")))
}

/// Waits until there are so many workers, and until each has written a heartbeat after that.
fn heartbeats_go_on(fleet: &Fleet, workers: usize) {
    let seen = || fleet.rows::<(String, String)>("SELECT id, CAST(seen AS CHAR) FROM queryfleet_worker");
    eventually(SOON, "each worker has its row", || seen().len() == workers);
    let before = seen();
    eventually(SOON, "each worker writes its heartbeat", || {
        let now = seen();
        before.iter().all(|(id, at)| now.iter().any(|(other, later)| other == id && later > at))
    });
}

#[test]
#[ignore = "make upgrade-test: needs an older program"]
fn a_rollout_and_a_rollback_lose_and_double_nothing() {
    let (new, old) = as_it_was();
    new.make_counters(600);
    let old_worker = old.worker(2);
    old.publish(&jobs(&old, 1..=200), "before");
    eventually(SOON, "the older worker executes", || old.ledger("done") > 5);

    // The rollout: tables first, under a worker that works.
    new.run(&["setup"]).expect(0);
    heartbeats_go_on(&new, 1);
    let mut new_worker = new.worker(2);
    heartbeats_go_on(&new, 2);
    new.publish(&jobs(&new, 201..=400), "during");
    // Either waits for the other's run, and calls nothing missing.
    old.wait("during").expect(0).says("200 jobs done");
    new.wait("before").expect(0).says("200 jobs done");
    assert!(old_worker.metric("queryfleet_jobs_total", &[]) > 0.0);
    assert!(new_worker.metric("queryfleet_jobs_total", &[]) > 0.0);

    // The rollback: the older program alone, on tables that have more than it knows.
    old.run(&["setup"]).expect(0);
    new.publish(&jobs(&new, 401..=500), "after");
    assert_eq!(new_worker.drain(), Some(0));
    old.wait("after").expect(0).says("100 jobs done");
    old.publish(&jobs(&old, 501..=600), "old again");
    old.wait("old again").expect(0).says("100 jobs done");
    old.run(&["status"]).expect(0);
    heartbeats_go_on(&old, 1);

    // And forward again.
    new.run(&["setup"]).expect(0);
    new.wait("old again").expect(0);
    new.run(&["status"]).expect(0).says("old again");
    new.assert_each_once();
    assert_eq!(new.ledger("done"), 600);
}

#[test]
#[ignore = "make upgrade-test: needs an older program"]
fn an_older_worker_is_named_by_pause_and_executes_nothing_behind_a_canary() {
    let (new, old) = as_it_was();
    new.run(&["setup"]).expect(0);
    new.make_counters(300);
    let mut old_worker = old.worker(1);
    let new_worker = new.worker(1);
    let old_name: Vec<String> = new.rows("SELECT name FROM queryfleet_worker WHERE holds IS NULL");
    assert_eq!(old_name.len(), 1);

    // A hold: the older worker goes on, and the command says so.
    new.publish(&jobs(&new, 1..=100), "held");
    let said = new.run(&["pause", "--because", "rollout"]).expect(1);
    said.says("1 of 2 workers obey the hold").says(&old_name[0]);
    eventually(SOON, "the newer worker is held", || new_worker.metric("queryfleet_held", &[]) == 1.0);
    new.run(&["limit", "--slots", "2"]).expect(1).says(&old_name[0]);
    new.run(&["limit", "--slots", "none"]);
    new.run(&["resume", "--all"]);
    new.wait("held").expect(0).says("100 jobs done");

    // A canary is of a version that the older program refuses: none of it begins anywhere but where it is understood.
    drop(new_worker);
    let script = jobs(&new, 101..=300);
    let publish = ["publish", script.to_str().unwrap(), "--run", "careful", "--canary", "10"];
    let mut publisher = new.command(&publish).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually(SOON, "the older worker has refused what it was given", || {
        old_worker.log().contains("newer than this worker")
    });
    assert_eq!(old_worker.drain(), Some(0));
    assert_eq!(new.number("SELECT COUNT(*) FROM t WHERE id > 100 AND n > 0"), 0);
    let _worker = new.worker(2);
    eventually(SOON, "the canary has ended", || new.ledger("done") == 110);
    new.run(&["approve", "careful"]).expect(0);
    assert_eq!(publisher.wait().unwrap().code(), Some(0));
    new.wait("careful").expect(0);
    new.assert_each_once();
}
