//! How attempts end while the worker has both its servers.

use queryfleet_job::{Chunk, Job, NotAtomic, RunId};
use queryfleet_tests::{Fleet, eventually};

use super::{SOON, Seen};

/// Statements of this test's database that sleep.
pub(super) fn sleeping(fleet: &Fleet) -> Vec<u64> {
    let sessions = fleet.sessions().into_iter().filter(|session| session.text.contains("SLEEP("));
    sessions.map(|session| session.id).collect()
}

/// Done, and ended before.
pub(super) fn work(seen: &Seen) {
    let fleet = Fleet::new();
    fleet.publish(&fleet.counters(5), "work");
    let again = vec![Job::new(1, "UPDATE t SET n = n + 1 WHERE id = 1")];
    fleet.send_chunk(&fleet.chunk(fleet.run_id("work"), again));
    fleet.publish(&fleet.script(["DO SLEEP(1);"]), "slow");
    let worker = fleet.worker(1);
    seen.moves(
        &worker,
        &[
            ("jobs_in_flight", "default"),
            ("jobs_started_total", "default"),
            ("jobs_total", "done"),
            ("jobs_total", "ended_before"),
            ("job_duration_seconds_count", "done"),
            ("job_queue_wait_seconds_count", "default"),
            ("rows_affected_total", "default"),
            ("deliveries_settled_total", "ack"),
            ("dependency_up", "broker"),
            ("dependency_up", "database"),
        ],
    );
    fleet.wait("work").expect(0);
    fleet.assert_each_once();
}

/// All that kills a job or a message but a worker's death, and a message of a purged run.
pub(super) fn dead(seen: &Seen) {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    fleet.sql("CREATE PROCEDURE p() INSERT INTO t (id) VALUES (1)");
    let (broken, _fault) = fleet.broken(1);
    let run = fleet.hollow_run("forged", 3, &["--not-atomic", "park"]);
    fleet.publish(&fleet.script(["DO 1;"]), "purged");
    fleet.publish(&fleet.script(["INSERT INTO t (id) VALUES (1);", &broken]), "dead");
    fleet.sql("UPDATE queryfleet_run SET state = 'purged' WHERE name = 'purged'");
    let of_run = |job| fleet.chunk(run, vec![job]);
    fleet.send_chunk(&of_run(Job::new(1, "TRUNCATE TABLE t")));
    fleet.send_chunk(&of_run(Job { timeout_ms: Some(200), ..Job::new(2, "DO SLEEP(60)") }));
    fleet.send_chunk(&Chunk { not_atomic: Some(NotAtomic::Park), ..of_run(Job::new(3, "CALL p()")) });
    fleet.send_chunk(&fleet.chunk(RunId(7), vec![Job::new(1, "DO 1")]));
    fleet.send(b"no envelope");
    let worker = fleet.worker_with(1, &[("QUERYFLEET_MAX_ATTEMPTS", "1")]);
    let outcomes = ["permanent", "unlisted", "refused", "deadline", "unknown"];
    seen.moves(&worker, &outcomes.map(|outcome| ("jobs_total", outcome)));
    seen.moves(&worker, &outcomes.map(|class| ("job_errors_total", class)));
    seen.moves(&worker, &["stale", "unknown_run", "undecodable"].map(|class| ("job_errors_total", class)));
    let reasons = ["error", "attempts", "refused", "timeout", "unknown", "unknown_run", "undecodable"];
    seen.moves(&worker, &reasons.map(|reason| ("dead_jobs_total", reason)));
    seen.moves(&worker, &["ack", "dead", "reject"].map(|action| ("deliveries_settled_total", action)));
    seen.moves(&worker, &[("statements_killed_total", "deadline")]);
    let died: u64 = fleet.number("SELECT COUNT(*) FROM queryfleet_dead");
    assert_eq!(worker.metric("queryfleet_dead_jobs_total", &[]), died as f64);
}

/// A message that nobody signed.
pub(super) fn unsigned(seen: &Seen) {
    let fleet = Fleet::new();
    fleet.publish(&fleet.script(["DO 1;"]), "unsigned");
    let worker = fleet.worker_with(1, &[("QUERYFLEET_SIGNING_KEY", "a signing key of the tests")]);
    seen.moves(&worker, &[("job_errors_total", "unverified"), ("dead_jobs_total", "unverified")]);
}

/// Others hold a row that a job wants, and the ledger row of another job.
pub(super) fn locks(seen: &Seen) {
    let fleet = Fleet::new();
    fleet.publish(&fleet.counters(2), "locks");
    let run = fleet.run_id("locks");
    let mut holder = fleet.client();
    holder.run("START TRANSACTION; SELECT * FROM t WHERE id = 1 FOR UPDATE").unwrap();
    let claim = format!("INSERT INTO queryfleet_ledger (run, seq, state) VALUES ({run}, 2, 'done')");
    holder.run(&claim).unwrap();
    let limits = [("QUERYFLEET_STATEMENT_TIMEOUT", "3s"), ("QUERYFLEET_PRESSURE_TIMEOUT", "100ms")];
    let worker = fleet.worker_with(2, &limits);
    for class in ["conflict", "pressure"] {
        seen.moves(&worker, &[("job_errors_total", class), ("jobs_total", class)]);
    }
    seen.moves(&worker, &["retry", "give_back"].map(|action| ("deliveries_settled_total", action)));
    seen.moves(&worker, &[("messages_published_total", "confirmed")]);
    holder.run("ROLLBACK").unwrap();
    fleet.wait("locks").expect(0);
    fleet.assert_each_once();
}

/// Somebody else kills a statement, and then a connection.
pub(super) fn kills(seen: &Seen) {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    fleet.publish(&fleet.script(["UPDATE t SET n = n + 1 + 0 * SLEEP(3) WHERE id = 1;"]), "kills");
    let worker = fleet.worker(1);
    for (kill, class) in [("KILL QUERY", "killed"), ("KILL", "lost_after_send")] {
        eventually(SOON, &format!("{kill} meets the statement"), || {
            let killed = sleeping(&fleet).into_iter().map(|id| fleet.client().run(&format!("{kill} {id}")));
            killed.filter(Result::is_ok).count() > 0
        });
        seen.moves(&worker, &[("job_errors_total", class), ("jobs_total", class)]);
    }
    seen.moves(&worker, &[("reconnects_total", "database")]);
    fleet.wait("kills").expect(0);
    fleet.assert_each_once();
}

/// The ledger is gone when the packet comes.
pub(super) fn unfit(seen: &Seen) {
    let fleet = Fleet::new();
    let run = fleet.hollow_run("unfit", 2, &[]);
    let worker = fleet.worker(1);
    fleet.send_chunk(&fleet.chunk(run, vec![Job::new(1, "DO 1")]));
    eventually(SOON, "it is done", || fleet.ledger("done") == 1);
    fleet.sql("RENAME TABLE queryfleet_ledger TO elsewhere");
    fleet.send_chunk(&fleet.chunk(run, vec![Job::new(2, "DO 1")]));
    seen.moves(&worker, &["job_errors_total", "jobs_total"].map(|name| (name, "unfit")));
    fleet.sql("RENAME TABLE elsewhere TO queryfleet_ledger");
    eventually(SOON, "it is done", || fleet.ledger("done") == 2);
}

/// A run is cancelled while a job of it runs and others wait.
pub(super) fn cancel(seen: &Seen) {
    let fleet = Fleet::new();
    fleet.publish(&fleet.script(["DO SLEEP(60);"; 3]), "cancel");
    let worker = fleet.worker(1);
    eventually(SOON, "the statement runs", || sleeping(&fleet).len() == 1);
    fleet.run(&["cancel", "cancel", "--now"]).expect(0);
    seen.moves(&worker, &["job_errors_total", "jobs_total"].map(|name| (name, "interrupted")));
    seen.moves(&worker, &[("statements_killed_total", "cancel")]);
    // The two that waited, and the copy of the one that ran.
    let ack = "queryfleet_deliveries_settled_total";
    eventually(SOON, "acknowledged unexecuted", || worker.metric(ack, &["action=\"ack\""]) == 3.0);
    // A kill of ours is no reconnect.
    assert_eq!(worker.metric("queryfleet_reconnects_total", &[]), 0.0);
}
