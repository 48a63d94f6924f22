//! A worker that dies at the worst moments: the rows of ARCHITECTURE.md's table (When something dies)
//! that a failpoint makes exact.

use std::time::Duration;

use queryfleet_tests::{Client, Fleet, Signal, Worker, eventually};

/// Long enough for a process to be killed by itself.
const SOON: Duration = Duration::from_secs(20);

/// A worker of one slot that dies at the failpoint, on the message after `passed` others.
fn dies(fleet: &Fleet, failpoint: &str, passed: u32) -> Worker {
    let actions = format!("{failpoint}={passed}*off->return");
    let mut worker = fleet.worker_with(1, &[("FAILPOINTS", &actions)]);
    assert_eq!(worker.wait_exit(SOON), None, "killed by a signal:\n{}", worker.log());
    worker
}

/// Publishes counters, lets a worker die, and another one finish. Answers how many jobs that one found ended before.
fn survives(failpoint: &str) -> f64 {
    let fleet = Fleet::new();
    let script = fleet.counters(50);
    fleet.publish(&script, "crash");
    dies(&fleet, failpoint, 10);
    let next = fleet.worker(2);
    fleet.wait("crash").expect(0).says("all 50 jobs done");
    fleet.assert_each_once();
    assert_eq!(fleet.ledger("done"), 50);
    next.metric("queryfleet_jobs_total", &["outcome=\"ended_before\""])
}

/// Publishes a job that fails for as long as the answer lives.
fn broken(fleet: &Fleet) -> Client {
    fleet.make_counters(1);
    let (statement, fault) = fleet.broken(1);
    fleet.publish(&fleet.script([statement]), "broken");
    fault
}

#[test]
fn killed_before_the_packet() {
    assert_eq!(survives("before-attempt"), 0.0);
}

#[test]
fn killed_while_the_server_executes_the_packet() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let script = fleet.script(["UPDATE t SET n = n + 1 + 0 * SLEEP(2) WHERE id = 1"]);
    fleet.publish(&script, "sent");
    let mut worker = fleet.worker(1);
    eventually(SOON, "the statement runs", || fleet.running("SLEEP(2)") == 1);
    worker.kill();
    let next = fleet.worker(1);
    fleet.wait("sent").expect(0);
    fleet.assert_each_once();
    eventually(SOON, "the second delivery has met the first one's row", || {
        next.metric("queryfleet_jobs_total", &["outcome=\"ended_before\""]) == 1.0
    });
}

#[test]
fn killed_between_an_error_and_the_rollback() {
    let fleet = Fleet::new();
    let fault = broken(&fleet);
    dies(&fleet, "before-rollback", 0);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_ledger"), 0);
    drop(fault);
    let _next = fleet.worker_with(1, &[("QUERYFLEET_MAX_ATTEMPTS", "1")]);
    fleet.wait("broken").expect(0);
    fleet.assert_each_once();
}

#[test]
#[ignore = "make faults: a minute, until the server ends the session"]
fn frozen_between_an_error_and_the_rollback() {
    let fleet = Fleet::new();
    let fault = broken(&fleet);
    let url = fleet.amqp_url() + "?heartbeat=1";
    let variables = [("QUERYFLEET_AMQP_URL", url.as_str()), ("FAILPOINTS", "before-rollback=pause")];
    let frozen = fleet.worker_with(1, &variables);
    let open = "SELECT trx_mysql_thread_id, CAST(trx_id AS CHAR) FROM information_schema.innodb_trx \
        WHERE trx_query IS NULL AND trx_tables_locked > 0";
    // A heartbeat is one, too, for a moment.
    let mut before = Vec::new();
    eventually(SOON, "a transaction without a statement that stays", || {
        // The server keeps what it answered, and looks anew only when nobody has asked for 0.1 s.
        fleet.sql("DO SLEEP(0.15)");
        let sessions = fleet.sessions();
        let ours = |id| sessions.iter().any(|session| session.id == id);
        let mut found = fleet.rows::<(u64, String)>(open);
        found.retain(|(session, _)| ours(*session));
        let stays = found.len() == 1 && found == before;
        before = found;
        stays
    });
    frozen.signal(Signal::STOP);
    drop(fault);
    // The row's lock costs no attempt, however long it is there.
    let limits = [("QUERYFLEET_STATEMENT_TIMEOUT", "2s"), ("QUERYFLEET_MAX_ATTEMPTS", "1")];
    let next = fleet.worker_with(1, &limits);
    next.wait_for("1205");
    fleet.run_with(&["wait", "broken"], &[("QUERYFLEET_MISSING_TIMEOUT", "20s")]).expect(0);
    fleet.assert_each_once();
}

#[test]
fn killed_between_commit_and_acknowledgement() {
    assert_eq!(survives("before-ack"), 1.0);
}

#[test]
fn killed_when_the_database_has_answered() {
    assert_eq!(survives("after-attempt"), 1.0);
}

#[test]
fn killed_between_the_copy_for_a_retry_and_the_acknowledgement() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    // Fails as long as the lock is held, so that its copies go to the tiers.
    let mut holder = fleet.client();
    holder.run("START TRANSACTION; UPDATE t SET n = 0 WHERE id = 1; SELECT * FROM t FOR UPDATE").unwrap();
    let script = fleet.script(["UPDATE t SET n = n + 1 WHERE id = 1 /* waits */"]);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "copy"]).expect(0);
    let deadline = [("FAILPOINTS", "after-copy=return"), ("QUERYFLEET_STATEMENT_TIMEOUT", "500ms")];
    let mut worker = fleet.worker_with(1, &deadline);
    assert_eq!(worker.wait_exit(SOON), None, "{}", worker.log());
    holder.run("ROLLBACK").unwrap();
    let _next = fleet.worker(2);
    fleet.wait("copy").expect(0);
    fleet.assert_each_once();
}

#[test]
fn killed_between_the_dead_row_and_the_acknowledgement() {
    let fleet = Fleet::new();
    let script = fleet.script(["INSERT INTO nowhere VALUES (1)"]);
    fleet.publish(&script, "dead");
    dies(&fleet, "after-dead", 0);
    assert_eq!(fleet.dead(), [(1, "error".to_owned(), Some(1146))]);
    let _next = fleet.worker(1);
    fleet.wait("dead").expect(3);
    assert_eq!(fleet.dead().len(), 1);
    assert_eq!(fleet.ledger("dead"), 1);
}

#[test]
fn killed_again_and_again_at_random() {
    let fleet = Fleet::new();
    let script = fleet.counters(400);
    fleet.publish(&script, "random");
    let _steady = fleet.worker(1);
    for failpoint in ["before-ack", "after-attempt", "before-ack", "after-attempt"] {
        let mut worker = fleet.worker_with(4, &[("FAILPOINTS", &format!("{failpoint}=10*off->30%return"))]);
        worker.serves();
        while worker.is_running() && fleet.ledger("done") < 400 {}
    }
    fleet.wait("random").expect(0);
    fleet.assert_each_once();
}
