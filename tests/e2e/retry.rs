//! What another transaction does to a job is tried again.

use std::time::Duration;

use queryfleet_tests::{Fleet, Session, eventually};

#[test]
fn a_deadlock_is_retried_and_done() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    fleet.sql(
        "CREATE TABLE big (id INT PRIMARY KEY, n INT); \
         INSERT INTO big WITH RECURSIVE ids AS (SELECT 1 id UNION ALL SELECT id + 1 FROM ids WHERE id < 900) \
         SELECT id, 0 FROM ids",
    );
    // The job takes row 2 and then waits for row 1. The client, which has changed more, is not the victim.
    let mut client = fleet.client();
    client.run("START TRANSACTION; UPDATE big SET n = 1; UPDATE t SET n = n WHERE id = 1").unwrap();
    client.run("SELECT * FROM t WHERE id = 1 FOR UPDATE").unwrap();
    let script = fleet.script(["UPDATE t FORCE INDEX (PRIMARY) SET n = n + 1 WHERE id > 0 ORDER BY id DESC"]);
    fleet.publish(&script, "deadlock");
    let worker = fleet.worker(1);
    eventually(Duration::from_secs(20), "the job waits for the lock", || {
        // The server renews this table only after 0.1 s in which nobody has read it.
        fleet.number(
            "SELECT COUNT(*) + SLEEP(0.15) FROM information_schema.innodb_trx \
            WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE '%queryfleet%ORDER BY id DESC%'",
        ) == 1
    });
    client.run("SELECT * FROM t WHERE id = 2 FOR UPDATE").unwrap();
    client.run("COMMIT").unwrap();
    fleet.wait("deadlock").expect(0);
    fleet.assert_each_once();
    worker.wait_for("1213");
    assert!(worker.metric("queryfleet_job_errors_total", &["class=\"conflict\""]) >= 1.0);
}

#[test]
fn a_storm_of_deadlocks_ends_with_every_job_done() {
    let fleet = Fleet::new();
    fleet.make_counters(10);
    let both = |up: bool| {
        let order = if up { "ASC" } else { "DESC" };
        format!("UPDATE t FORCE INDEX (PRIMARY) SET n = n + 1 WHERE id > 0 ORDER BY id {order};")
    };
    let script = fleet.script((0..200).map(|index| both(index % 2 == 0)));
    fleet.publish(&script, "storm");
    let worker = fleet.worker_with(8, &[("QUERYFLEET_MAX_ATTEMPTS", "100")]);
    fleet.wait("storm").expect(0);
    assert!(worker.metric("queryfleet_job_errors_total", &["class=\"conflict\""]) > 0.0, "no storm");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM t WHERE n = 200"), 10);
    assert_eq!(fleet.ledger("done"), 200);
}

#[test]
fn a_lock_that_somebody_holds_is_waited_for_and_the_job_done() {
    let fleet = Fleet::new();
    let script = fleet.counters(3);
    let mut holder = fleet.client();
    holder.run("START TRANSACTION; SELECT * FROM t WHERE id = 2 FOR UPDATE").unwrap();
    fleet.publish(&script, "lock");
    let worker = fleet.worker_with(1, &[("QUERYFLEET_STATEMENT_TIMEOUT", "3s")]);
    worker.wait_for("1205");
    eventually(Duration::from_secs(20), "the others are done meanwhile", || fleet.ledger("done") == 2);
    holder.run("ROLLBACK").unwrap();
    fleet.wait("lock").expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_session_killed_by_somebody_else_costs_no_effect() {
    let fleet = Fleet::new();
    fleet.make_counters(30);
    let script =
        fleet.script((1..=30).map(|id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP(0.05) WHERE id = {id};")));
    fleet.publish(&script, "killed");
    let _worker = fleet.worker_with(3, &[("QUERYFLEET_MAX_ATTEMPTS", "1000")]);
    let mut dba = fleet.client();
    let mut kills = 0;
    eventually(Duration::from_secs(60), "twenty kills", || {
        let sessions = dba.try_sessions().unwrap().into_iter();
        for Session { id, .. } in sessions.filter(|session| session.text.contains("SLEEP")) {
            let soft = if kills % 2 == 0 { "" } else { "QUERY" };
            kills += u32::from(dba.run(&format!("KILL {soft} {id}")).is_ok());
        }
        kills >= 20 || fleet.ledger("done") == 30
    });
    fleet.wait("killed").expect(0);
    fleet.assert_each_once();
}
