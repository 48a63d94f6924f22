//! SIGTERM: the running statement ends and is acknowledged, or is ended and given back.

use std::time::{Duration, Instant};

use queryfleet_tests::{Fleet, Signal, eventually};

/// Waits until that many statements with this text run in the test's database.
fn running(fleet: &Fleet, text: &str, count: usize) {
    eventually(Duration::from_secs(20), "the statement runs", || fleet.running(text) == count);
}

#[test]
fn a_statement_that_runs_at_sigterm_ends_and_is_acknowledged() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let script = fleet.script(["UPDATE t SET n = n + 1 + 0 * SLEEP(2) WHERE id = 1", ";", "DO SLEEP(0.1)"]);
    fleet.publish(&script, "drain");
    let mut worker = fleet.worker(1);
    running(&fleet, "SLEEP(2)", 1);
    assert_eq!(worker.drain(), Some(0));
    fleet.assert_each_once();
    assert_eq!(fleet.ledger("done"), 1, "nothing was begun after the signal");
    assert_eq!(fleet.ready(""), 1);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_worker"), 0, "its row is gone");
    let _next = fleet.worker(1);
    fleet.wait("drain").expect(0);
}

#[test]
fn a_statement_longer_than_the_drain_is_ended_and_given_back() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    // Waits for as long as the flag says: forever at first, not at all for the next worker.
    fleet.sql("CREATE TABLE flag (seconds INT); INSERT INTO flag VALUES (600)");
    let script =
        fleet.script(["UPDATE t SET n = n + 1 + 0 * SLEEP((SELECT seconds FROM flag)) WHERE id = 1"]);
    fleet.publish(&script, "long");
    let mut worker =
        fleet.worker_with(1, &[("QUERYFLEET_DRAIN_TIMEOUT", "1s"), ("QUERYFLEET_MAX_ATTEMPTS", "1")]);
    running(&fleet, "SLEEP((", 1);
    assert_eq!(worker.drain(), Some(0));
    assert_eq!(fleet.number("SELECT n FROM t"), 0);
    running(&fleet, "SLEEP((", 0);
    fleet.sql("UPDATE flag SET seconds = 0");
    let _next = fleet.worker_with(1, &[("QUERYFLEET_MAX_ATTEMPTS", "1")]);
    fleet.wait("long").expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_second_signal_ends_a_chunk_at_once() {
    let fleet = Fleet::new();
    fleet.make_counters(2000);
    fleet.sql("CREATE TABLE flag (seconds INT); INSERT INTO flag VALUES (600)");
    let script = fleet.script((1..=2000).map(|id| {
        format!("UPDATE t SET n = n + 1 + 0 * SLEEP((SELECT seconds FROM flag)) WHERE id = {id};")
    }));
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "chunk", "--chunk", "2000"]).expect(0);
    let mut worker = fleet.worker(1);
    running(&fleet, "SLEEP((", 1);
    let began = Instant::now();
    worker.signal(Signal::TERM);
    worker.wait_for("worker drains");
    worker.signal(Signal::TERM);
    assert_eq!(worker.wait_exit(Duration::from_secs(20)), Some(0));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}: one attempt is ended, the others are not begun");
    fleet.sql("UPDATE flag SET seconds = 0");
    let _next = fleet.worker(1);
    fleet.wait("chunk").expect(0);
    fleet.assert_each_once();
}
