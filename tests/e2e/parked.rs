//! Jobs that are not atomic, under `--not-atomic=park`: whoever finds that one has begun, knows whether it still runs.

use std::time::Duration;

use queryfleet_tests::{Fleet, Proxy, eventually};

const SOON: Duration = Duration::from_secs(30);

fn publish(fleet: &Fleet, run: &str, statement: &str) {
    let script = fleet.script([statement]);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", run, "--not-atomic=park"]).expect(0);
}

/// Its worker has lost the broker only, and will see the end. Another one has the message meanwhile.
#[test]
fn a_statement_that_still_runs_is_waited_for() {
    let fleet = Fleet::new();
    let proxy = Proxy::to(&fleet.amqp_url());
    let url = proxy.url(&fleet.amqp_url()) + "?heartbeat=1";
    let first = fleet.worker_with(1, &[("QUERYFLEET_AMQP_URL", &url)]);
    first.serves();
    publish(&fleet, "still", "CREATE TABLE made AS SELECT SLEEP(8) AS s;");
    eventually(SOON, "it runs", || fleet.running("SLEEP(8)") == 1);
    let second = fleet.worker(1);
    second.serves();
    assert!(proxy.blackhole() >= 1);
    fleet.run_with(&["wait", "still"], &[("QUERYFLEET_MISSING_TIMEOUT", "20s")]).expect(0);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM made"), 1);
    assert_eq!(fleet.ledger("done"), 1);
    assert!(fleet.dead().is_empty());
    second.wait_for("another session still executes the statement");
}

/// A replay of what is dead as `refused` is harmless: it has never begun. This one has.
#[test]
fn what_has_begun_is_unknown_whatever_ends_it() {
    let fleet = Fleet::new();
    publish(&fleet, "begun", "CREATE TABLE made (id INT);");
    let id = fleet.run_id("begun");
    fleet.sql(&format!("INSERT INTO queryfleet_ledger (run, seq, state) VALUES ({id}, 1, 'started')"));
    let _worker = fleet.worker_with(1, &[("QUERYFLEET_ALLOW", "update")]);
    fleet.wait("begun").expect(3);
    assert_eq!(fleet.dead(), [(1, "unknown".to_owned(), None)]);
    let shown = fleet.run(&["dead", "list", "--run", "begun", "--jobs"]).expect(0).out;
    assert!(
        shown.contains("an attempt had begun, and nobody saw its end; then: QUERYFLEET_ALLOW"),
        "{shown}"
    );
}

/// `inner` does not exist, which the server says in the words that it has for the procedure of the statement itself.
#[test]
fn a_procedure_that_fails_halfway_is_unknown_and_one_that_is_not_there_is_an_error() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    fleet.sql("CREATE PROCEDURE outermost() BEGIN UPDATE t SET n = n + 1 WHERE id = 1; COMMIT; CALL inner_one(); END");
    publish(&fleet, "halfway", "CALL outermost();");
    publish(&fleet, "absent", "CALL absent_one();");
    let _worker = fleet.worker(1);
    fleet.wait("halfway").expect(3);
    fleet.wait("absent").expect(3);
    fleet.assert_each_once();
    let mut reasons: Vec<String> = fleet.dead().into_iter().map(|(_, reason, _)| reason).collect();
    reasons.sort();
    assert_eq!(reasons, ["error", "unknown"]);
}
