//! Runs that are cancelled, dead jobs that come back, runs that are completed.

use std::time::{Duration, Instant};

use queryfleet_tests::{Fleet, eventually};

/// What has not begun does not run; `wait` exits 4; the ledger has a row for every job.
#[test]
fn a_cancelled_run_ends_and_says_so() {
    let fleet = Fleet::new();
    fleet.counters(100);
    let slow =
        fleet.script((1..=100).map(|id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP(0.1) WHERE id = {id};")));
    fleet.publish(&slow, "slow");
    let worker = fleet.worker(2);
    eventually(Duration::from_secs(20), "some jobs are done", || {
        fleet.number("SELECT COUNT(*) FROM t WHERE n = 1") > 3
    });
    fleet.run(&["cancel", "slow"]).expect(0);
    fleet.wait("slow").expect(4);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_ledger"), 100);
    let done = "SELECT COUNT(*) FROM queryfleet_ledger WHERE state = 'done'";
    assert_eq!(fleet.number(done), fleet.number("SELECT COUNT(*) FROM t WHERE n = 1"));
    assert!(fleet.number(done) < 100);
    fleet.run(&["publish", slow.to_str().unwrap(), "--run", "slow"]).expect(4).says("cancelled");
    drop(worker);
}

/// What is published after a cancel never runs, and the cancel has counted it.
#[test]
fn nothing_runs_that_is_published_after_its_run_was_cancelled() {
    const JOBS: u64 = 200;
    let fleet = Fleet::new();
    let script = fleet.counters(JOBS);
    // A worker that reads the states of its runs late.
    let worker = fleet.worker_with(2, &[("QUERYFLEET_RUN_POLL_INTERVAL", "5s")]);
    let path = script.to_str().unwrap();
    let mut command = fleet.command(&["publish", path, "--run", "closed", "--rate", "40"]);
    let mut producer = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    eventually(Duration::from_secs(20), "some are done", || fleet.ledger("done") >= 10);
    let said = fleet.run(&["cancel", "closed"]).expect(0);
    let done = fleet.ledger("done");
    assert_eq!(fleet.number("SELECT SUM(n) FROM t"), done);
    said.says(&format!("{done} jobs done, 0 dead, {} cancelled", JOBS - done));
    assert_eq!(producer.wait().unwrap().code(), Some(4));
    eventually(Duration::from_secs(20), "an empty queue", || {
        fleet.ready("") == 0 && worker.metric("queryfleet_jobs_in_flight", &[]) == 0.0
    });
    assert_eq!((fleet.ledger("done"), fleet.number("SELECT SUM(n) FROM t")), (done, done));
    fleet.wait("closed").expect(4);
}

/// Of a run that an older producer publishes nobody knows the total: every worker has to know that it is closed.
#[test]
fn a_cancel_of_a_run_without_a_manifest_waits_until_every_worker_has_seen_it() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    let run = fleet.hollow_run("old", 2, &[]);
    fleet.sql(
        "UPDATE queryfleet_run SET manifest = NULL, manifest_signature = NULL, state = 'publishing', total = NULL, \
         confirmed = 0",
    );
    let send = |id| {
        let job = queryfleet_job::Job::new(id, format!("UPDATE t SET n = n + 1 WHERE id = {id}"));
        fleet.send_chunk(&fleet.chunk(run, vec![job]));
    };
    // Its view counts for four seconds.
    let worker = fleet.worker_with(1, &[("QUERYFLEET_RUN_POLL_INTERVAL", "1s")]);
    send(1);
    eventually(Duration::from_secs(20), "one is done", || fleet.ledger("done") == 1);
    let asked = Instant::now();
    fleet.run(&["cancel", "old"]).expect(0);
    assert!(asked.elapsed() >= Duration::from_secs(4), "{:?}", asked.elapsed());
    send(2);
    eventually(Duration::from_secs(20), "it is settled", || {
        worker.metric("queryfleet_deliveries_settled_total", &[]) == 2.0
    });
    assert_eq!(fleet.number("SELECT SUM(n) FROM t"), 1);
}

/// A statement that is not atomic may run on: what took effect is not called cancelled.
#[test]
fn what_ran_to_its_end_under_a_cancel_is_done() {
    for how in ["park", "repeat"] {
        let fleet = Fleet::new();
        fleet.counters(1);
        fleet.sql("CREATE PROCEDURE slow() UPDATE t SET n = n + 1 + 0 * SLEEP(3)");
        let script = fleet.script(["CALL slow();"]);
        let path = script.to_str().unwrap();
        fleet.run(&["publish", path, "--run", "slow", "--not-atomic", how]).expect(0);
        let _worker = fleet.worker(1);
        eventually(Duration::from_secs(20), "it runs", || fleet.running("SLEEP(3)") == 1);
        let said = fleet.run(&["cancel", "slow"]).expect(0);
        if how == "park" {
            said.says("0 cancelled, 1 begun and not ended");
        }
        eventually(Duration::from_secs(20), "it is done", || fleet.ledger("done") == 1);
        fleet.assert_each_once();
    }
}

/// `--now` ends a running statement within seconds: its connection is killed, nothing of it stays.
#[test]
fn cancel_now_ends_running_statements() {
    let fleet = Fleet::new();
    fleet.counters(1);
    let endless = fleet.script(["UPDATE t SET n = n + 1 + SLEEP(600) WHERE id = 1"]);
    fleet.publish(&endless, "endless");
    let _worker = fleet.worker(1);
    eventually(Duration::from_secs(20), "the statement runs", || fleet.running("SLEEP(600)") == 1);
    let asked = Instant::now();
    fleet.run(&["cancel", "endless", "--now"]).expect(0);
    eventually(Duration::from_secs(10), "the statement is gone", || fleet.running("SLEEP(600)") == 0);
    assert!(asked.elapsed() < Duration::from_secs(5), "took {:?}", asked.elapsed());
    fleet.wait("endless").expect(4);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM t WHERE n = 0"), 1);
}

/// One kill ends a whole chunk: none of its statements is begun by itself only to be killed.
#[test]
fn cancel_now_kills_a_chunk_once() {
    let fleet = Fleet::new();
    fleet.make_counters(20);
    let script =
        fleet.script((1..=20).map(|id| format!("UPDATE t SET n = n + 1 + SLEEP(600) WHERE id = {id};")));
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "endless", "--chunk", "20"]).expect(0);
    let worker = fleet.worker(1);
    eventually(Duration::from_secs(20), "the chunk runs", || fleet.running("SLEEP(600)") == 1);
    fleet.run(&["cancel", "endless", "--now"]).expect(0);
    fleet.wait("endless").expect(4);
    let in_flight = || worker.metric("queryfleet_jobs_in_flight", &[]);
    eventually(Duration::from_secs(20), "the chunk is settled", || in_flight() == 0.0);
    assert_eq!(worker.metric("queryfleet_statements_killed_total", &["cancel"]), 1.0);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM t WHERE n = 0"), 20);
}

/// Whichever comes first: when the cancel has answered, nothing of the run begins.
#[test]
fn a_job_that_is_replayed_while_its_run_is_cancelled_does_not_run_afterwards() {
    const ROUNDS: u64 = 10;
    let fleet = Fleet::new();
    fleet.make_counters(ROUNDS);
    let name = |round: u64| format!("round-{round}");
    for round in 1..=ROUNDS {
        // The second job waits for a worker, so that the run has not ended.
        let insert = format!("INSERT INTO t (id) VALUES ({round});");
        fleet.publish(&fleet.script([&insert, "DO 1;"]), &name(round));
    }
    let mut worker = fleet.worker(2);
    (1..=ROUNDS).for_each(|round| drop(fleet.wait(&name(round)).expect(3)));
    assert_eq!(worker.drain(), Some(0));
    fleet.sql("DELETE FROM t; DELETE FROM queryfleet_ledger WHERE state = 'done'");
    for round in 1..=ROUNDS {
        let name = name(round);
        let (replay, cancel) = (["dead", "replay", "--run", &name], ["cancel", &name]);
        std::thread::scope(|scope| {
            scope.spawn(|| fleet.run(&replay));
            scope.spawn(|| fleet.run(&cancel).expect(0));
        });
    }
    let worker = fleet.worker(2);
    eventually(Duration::from_secs(20), "an empty queue", || {
        fleet.ready("") == 0 && worker.metric("queryfleet_jobs_in_flight", &[]) == 0.0
    });
    assert_eq!(fleet.number("SELECT COUNT(*) FROM t"), 0);
    assert_eq!(fleet.ledger("dead") + fleet.ledger("cancelled"), 2 * ROUNDS);
}

/// A replay runs each job once more, also when it dies again at once; a mended one is done.
#[test]
fn a_replay_takes_each_dead_job_once() {
    let fleet = Fleet::new();
    fleet.counters(2);
    let script = fleet.script(["INSERT INTO t VALUES (1, 1);", "UPDATE missing SET n = 1 WHERE 1;", "DO 1;"]);
    fleet.publish(&script, "bad");
    let _worker = fleet.worker(2);
    fleet.wait("bad").expect(3);
    fleet.run(&["dead", "replay"]).expect(2).says("--all");
    fleet.run(&["dead", "replay", "--run", "bad", "--dry-run"]).expect(0).says("2 dead jobs");
    fleet.run(&["dead", "replay", "--run", "bad"]).expect(0).says("2 dead jobs replayed");
    fleet.wait("bad").expect(3);
    fleet.sql("CREATE TABLE missing (n INT)");
    fleet.run(&["dead", "replay", "--run", "bad", "--code", "1146"]).expect(0).says("1 dead job replayed");
    fleet.wait("bad").expect(3);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_ledger WHERE state = 'done'"), 2);
    fleet.run(&["dead", "show", "bad", "1"]).expect(0).says("1062");
    fleet.run(&["dead", "discard", "--yes", "--run", "bad"]).expect(0).says("1 dead job discarded");
}

/// What the broker has lost is published again from the same input, and from no other.
#[test]
fn missing_jobs_are_published_again() {
    let fleet = Fleet::new();
    let script = fleet.counters(50);
    fleet.publish(&script, "lost");
    fleet.purge_queue();
    let path = script.to_str().unwrap();
    let other = fleet.script(["DO 1"]);
    fleet.run(&["publish", other.to_str().unwrap(), "--run", "lost", "--missing"]).expect(1).says("lost");
    fleet.run(&["publish", path, "--run", "lost", "--missing"]).expect(0).says("50 jobs published");
    let _worker = fleet.worker(2);
    fleet.wait("lost").expect(0);
    fleet.assert_each_once();
}

/// Statements that are not atomic: parked as unknown when nobody saw their end, repeated when the user says so.
#[test]
fn statements_that_are_not_atomic_run_when_the_run_says_how() {
    let fleet = Fleet::new();
    fleet.counters(3);
    fleet.sql(
        "CREATE PROCEDURE add_one(i INT) BEGIN UPDATE t SET n = n + 1 WHERE id = i; COMMIT; IF i = 3 THEN \
               SIGNAL SQLSTATE '45000'; END IF; END",
    );
    let script = fleet.script([
        "CALL add_one(1);",
        "CALL add_one(2);",
        "CALL add_one(3);",
        "CREATE TABLE made (a INT);",
    ]);
    let path = script.to_str().unwrap();
    fleet.run(&["publish", path, "--run", "calls"]).expect(1).says("non-transactional");
    fleet.run(&["publish", path, "--run", "calls", "--not-atomic", "park"]).expect(0);
    let _worker = fleet.worker(2);
    fleet.wait("calls").expect(3);
    fleet.assert_each_once();
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_dead WHERE seq = 3 AND reason = 'unknown'"), 1);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_ledger WHERE state = 'done'"), 3);
}

/// Messages of a run that was cancelled do not hold up the runs behind them, and what stands among them is executed once,
/// with the attempts that it had.
#[test]
fn a_cancelled_run_is_swept_out_of_the_way() {
    const JOBS: u64 = 20_000;
    let fleet = Fleet::new();
    fleet.make_counters(60);
    let script = fleet.script((0..JOBS).map(|_| "UPDATE t SET n = n + 1 WHERE id = 60;"));
    let publish = |name: &str, ids: std::ops::RangeInclusive<u64>| {
        let jobs = fleet.script(ids.map(|id| format!("UPDATE t SET n = n + 1 WHERE id = {id};")));
        fleet.publish(&jobs, name);
    };
    // Some stand in front, some in the middle, and some behind.
    let publish_big = |name| {
        fleet.run(&["publish", script.to_str().unwrap(), "--run", name, "--chunk", "1"]).expect(0);
    };
    publish("front", 1..=10);
    publish_big("big1");
    publish("middle", 11..=50);
    publish_big("big2");
    publish("behind", 51..=59);
    for name in ["big1", "big2"] {
        fleet.run(&["cancel", name]).expect(0);
    }
    fleet.sql("UPDATE t SET n = 1 WHERE id = 60");
    let workers = [fleet.worker(1), fleet.worker(1)];
    for name in ["front", "middle", "behind"] {
        fleet.wait(name).expect(0);
    }
    fleet.assert_each_once();
    let settled = |action: &str| -> f64 {
        workers.iter().map(|worker| worker.metric("queryfleet_deliveries_settled_total", &[action])).sum()
    };
    eventually(Duration::from_secs(60), "the queue is empty", || fleet.ready("") == 0);
    let taken = settled("action=\"ack\"");
    assert!(taken >= 2.0 * JOBS as f64, "{taken}");
    // A sweep gives back at most what its window holds.
    assert!(settled("action=\"give_back\"") < 1000.0, "{}", settled("action=\"give_back\""));
    for worker in &workers {
        assert_eq!(worker.metric("queryfleet_redeliveries_total", &[]), 0.0);
    }
}

/// A worker that dies while it sweeps costs no job of another run its end.
#[test]
fn a_worker_that_is_killed_while_it_sweeps_loses_nothing() {
    const JOBS: u64 = 20_000;
    let fleet = Fleet::new();
    fleet.make_counters(100);
    let script = fleet.script((0..JOBS).map(|_| "DO 1;"));
    fleet.publish(&script, "big");
    fleet.run(&["cancel", "big"]).expect(0);
    let jobs = fleet.script((1..=100).map(|id| format!("UPDATE t SET n = n + 1 WHERE id = {id};")));
    for _ in 0..3 {
        let mut worker = fleet.worker(2);
        eventually(Duration::from_secs(60), "it sweeps", || {
            worker.metric("queryfleet_deliveries_settled_total", &["action=\"ack\""]) > 500.0
        });
        worker.kill();
    }
    fleet.publish(&jobs, "behind");
    let _worker = fleet.worker(2);
    fleet.wait("behind").expect(0);
    fleet.assert_each_once();
}
