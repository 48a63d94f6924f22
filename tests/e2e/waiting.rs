//! `wait` ends, whatever became of the run.

use std::process::Stdio;
use std::time::Duration;

use queryfleet_tests::{Fleet, Proxy, Signal, eventually, interrupted};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn jobs_that_are_nowhere_are_missing() {
    let fleet = Fleet::new();
    let script = fleet.counters(50);
    fleet.publish(&script, "purged");
    fleet.purge_queue();
    let _worker = fleet.worker(1);
    fleet.wait("purged").expect(6).says("50 missing");
    // Also when some have ended, and when nobody serves the queue.
    let script = fleet.script(["UPDATE t SET n = n + 1 WHERE id = 1"]);
    fleet.publish(&script, "other");
    fleet.wait("other").expect(0);
}

#[test]
fn a_publish_that_stopped_half_way_is_said() {
    let fleet = Fleet::new();
    let script = fleet.counters(5);
    fleet.publish(&script, "half");
    let _worker = fleet.worker(1);
    fleet.wait("half").expect(0);
    fleet.sql("UPDATE queryfleet_run SET state = 'publishing', total = NULL, confirmed = 3");
    fleet.wait("half").expect(6).says("publish it again with --run half");
}

#[test]
fn a_timeout_ends_the_wait_and_not_the_run() {
    let fleet = Fleet::new();
    let script = fleet.counters(5);
    fleet.publish(&script, "slow");
    fleet.run(&["wait", "slow", "--timeout", "1s"]).expect(5).says("0 jobs ended so far; the run continues");
    let _worker = fleet.worker(1);
    fleet.run(&["wait", "slow", "--timeout", "1m"]).expect(0);
    fleet.assert_each_once();
}

#[test]
fn jobs_that_wait_for_a_worker_are_not_missing() {
    let fleet = Fleet::new();
    let script = fleet.counters(5);
    fleet.publish(&script, "patient");
    // Longer than the patience for missing jobs.
    fleet.run(&["wait", "patient", "--timeout", "5s"]).expect(5);
}

/// One that was not told the fleet's retry tiers looks for queues that are not there.
#[test]
fn jobs_in_the_queue_are_not_missing_for_want_of_a_retry_tier() {
    let fleet = Fleet::new();
    let script = fleet.counters(5);
    fleet.publish(&script, "patient");
    let tiers = [("QUERYFLEET_RETRY_TIERS", "7m,8m")];
    fleet.run_with(&["wait", "patient", "--timeout", "6s"], &tiers).expect(5);
    fleet.purge_queue();
    fleet.run_with(&["wait", "patient"], &tiers).expect(6);
}

#[test]
fn a_long_statement_is_not_missing() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let script = fleet.script(["UPDATE t SET n = n + 1 + 0 * SLEEP(6) WHERE id = 1"]);
    fleet.publish(&script, "long");
    let _worker = fleet.worker(1);
    fleet.wait("long").expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_run_that_is_not_there_is_said() {
    let fleet = Fleet::new();
    fleet.wait("nobody").expect(1).says("nobody");
    fleet.run(&["status", "nobody"]).expect(1).says("nobody");
    fleet.run(&["wait"]).expect(2);
    fleet.run(&["wait", "x", "--timeout", "5"]).expect(2).says("unit");
}

#[test]
fn run_is_publish_work_and_wait_in_one() {
    let fleet = Fleet::new();
    let script = fleet.counters(200);
    let path = script.to_str().unwrap();
    fleet.run(&["run", path, "--run", "one", "--slots", "4"]).expect(0).says("all 200 jobs done");
    fleet.assert_each_once();
    fleet.run(&["run", path, "--run", "one", "--slots", "4"]).expect(0).says("all 200 jobs done");
    fleet.assert_each_once();
    let bad = fleet.script(["UPDATE nowhere SET n = 1 WHERE id = 1;", "DO 1;"]);
    fleet.run(&["run", bad.to_str().unwrap()]).expect(3).says("1 job done, 1 dead");
    let json = fleet.run(&["run", path, "--run", "one", "--json"]).expect(0).json();
    assert_eq!(json["done"], 200);
}

#[test]
fn a_very_long_run_is_counted_in_steps() {
    let fleet = Fleet::new();
    let script = fleet.counters(1);
    fleet.publish(&script, "long");
    let run = fleet.run_id("long");
    let rows = [(1, "done"), (10_000_000, "done"), (10_000_001, "dead"), (25_000_000, "done")];
    for (seq, state) in rows {
        fleet.sql(&format!(
            "INSERT INTO queryfleet_ledger (run, seq, state, time) \
             VALUES ({run}, {seq}, '{state}', CURRENT_TIMESTAMP - INTERVAL {seq} SECOND)"
        ));
    }
    fleet.sql("UPDATE queryfleet_run SET manifest = NULL, total = 25000000");
    let status = fleet.run(&["status", "long", "--json"]).expect(0).json();
    assert_eq!(
        (&status["state"], &status["done"], &status["dead"]),
        (&"running".into(), &3.into(), &1.into())
    );
    // The job that ended last is in the first step.
    fleet.sql("UPDATE queryfleet_run SET state = 'cancelled'");
    fleet.run(&["purge", "long"]).expect(1).says("ended 0 h ago");
}

/// Rows that a person or a faulty job has written: neither do they count, nor does anything walk to them.
#[test]
fn only_the_jobs_of_a_run_are_counted() {
    let fleet = Fleet::new();
    let script = fleet.counters(2);
    fleet.publish(&script, "two");
    let run = fleet.run_id("two");
    fleet.purge_queue();
    for seq in ["0", "3", "777", "10000000000", "9223372036854775808", "18446744073709551615"] {
        fleet.sql(&format!("INSERT INTO queryfleet_ledger (run, seq, state) VALUES ({run}, {seq}, 'done')"));
    }
    let _worker = fleet.worker(1);
    let none =
        |status: serde_json::Value| assert_eq!((&status["done"], &status["total"]), (&0.into(), &2.into()));
    none(fleet.run(&["status", "two", "--json"]).expect(0).json());
    fleet.wait("two").expect(6).says("2 missing");
    fleet
        .run(&["publish", script.to_str().unwrap(), "--run", "two", "--missing"])
        .expect(0)
        .says("2 jobs published");
    fleet.wait("two").expect(0).says("all 2 jobs done");
    fleet.assert_each_once();
    // While the end is not written down, either.
    fleet.sql("UPDATE queryfleet_run SET state = 'publishing', total = NULL, confirmed = 1");
    let status = fleet.run(&["status", "two", "--json"]).expect(0).json();
    assert_eq!((&status["done"], &status["state"]), (&2.into(), &"publishing".into()));
    fleet.run(&["cancel", "two"]).expect(0).says("2 jobs done, 0 dead, 0 cancelled");
    fleet.sql("UPDATE queryfleet_ledger SET time = time - INTERVAL 25 HOUR");
    fleet.run(&["purge", "two"]).expect(0).says("8 ledger rows deleted");
}

#[test]
fn an_interrupted_wait_ends_with_130_and_leaves_the_run_alone() {
    let fleet = Fleet::new();
    let script = fleet.counters(5);
    fleet.publish(&script, "patient");
    for signal in [Signal::INT, Signal::TERM] {
        let child = fleet.command(&["wait", "patient"]).stderr(Stdio::piped()).spawn().unwrap();
        // It minds signals before it connects.
        eventually(SOON, "it waits", || fleet.sessions().len() == 1);
        assert!(interrupted(child, signal).contains("the run continues; queryfleet wait patient"));
        eventually(SOON, "it is gone", || fleet.sessions().is_empty());
    }
    let _worker = fleet.worker(1);
    fleet.wait("patient").expect(0);
    fleet.assert_each_once();
}

#[test]
fn an_interrupted_run_ends_with_130_and_says_how_to_go_on() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    let script = fleet.script([
        "UPDATE t SET n = n + 1 + 0 * SLEEP(2) WHERE id = 1;",
        "UPDATE t SET n = n + 1 + 0 * SLEEP(0.1) WHERE id = 2;",
    ]);
    let mut command = fleet.command(&["run", script.to_str().unwrap(), "--run", "cut", "--slots", "1"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    eventually(SOON, "the first statement runs", || fleet.running("SLEEP(2)") == 1);
    let said = interrupted(child, Signal::INT);
    assert!(said.contains("queryfleet work, then queryfleet wait cut"), "{said}");
    assert_eq!(fleet.ledger("done"), 1, "what ran has ended, nothing else was begun");
    let _worker = fleet.worker(1);
    fleet.wait("cut").expect(0);
    fleet.assert_each_once();
}

/// The standard error of a `wait` that is told to stop after some seconds.
fn waited(fleet: &Fleet, run: &str, seconds: u32) -> String {
    fleet
        .run(&["wait", run, "--timeout", &format!("{seconds}s")])
        .expect(5)
        .says("the run continues: queryfleet wait")
        .err
}

#[test]
fn a_run_that_does_not_move_says_why() {
    let fleet = Fleet::new();
    let script = fleet.counters(1);
    fleet.publish(&script, "one");
    let said = waited(&fleet, "one", 7);
    assert!(said.contains("no worker serves queue default: start one with queryfleet work"), "{said}");
    fleet.run(&["pause", "--because", "lag", "--by", "dba"]).expect(0);
    let said = waited(&fleet, "one", 7);
    assert!(said.contains("the queue is held: hold 1 by dba: lag: queryfleet resume lifts it"), "{said}");
    fleet.run(&["resume"]).expect(0);
    // Nobody is told to start a worker while one works.
    let mut lock = fleet.client();
    let blocker: Vec<u64> = lock.rows("SELECT CONNECTION_ID()");
    lock.run("START TRANSACTION").unwrap();
    lock.run("SELECT * FROM t WHERE id = 1 FOR UPDATE").unwrap();
    let _worker = fleet.worker(1);
    eventually(Duration::from_secs(20), "it waits for the row", || fleet.running("UPDATE t") == 1);
    let said = waited(&fleet, "one", 10);
    assert!(said.contains("job 1 has been running for"), "{said}");
    assert!(said.contains(&format!("waiting for a row lock of connection {}", blocker[0])), "{said}");
    let more = fleet.script(["DO 1;", "DO 2;", "DO 3;"]);
    fleet.publish(&more, "others");
    let next = fleet.script(["DO 4;"]);
    fleet.publish(&next, "next");
    let said = waited(&fleet, "next", 7);
    assert!(said.contains("behind 3 messages of other runs (others; one)"), "{said}");
    lock.run("ROLLBACK").unwrap();
    fleet.wait("next").expect(0);
    fleet.assert_each_once();
}

#[test]
#[ignore = "make faults: takes long"]
fn a_run_outlasts_a_database_for_as_long_as_it_is_told() {
    let fleet = Fleet::with_own_servers();
    let seconds = |id| if id == 1 { 3 } else { 0 };
    fleet.make_counters(20);
    let script = fleet.script(
        (1..=20).map(|id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP({}) WHERE id = {id};", seconds(id))),
    );
    let log = std::env::temp_dir().join(format!("queryfleet-run-{}", std::process::id()));
    let start = |arguments: &[&str]| {
        let log = std::fs::File::create(&log).unwrap();
        fleet.command(arguments).stderr(log).spawn().unwrap()
    };
    let said = || std::fs::read_to_string(&log).unwrap();
    let path = script.to_str().unwrap();
    let mut run = start(&["run", path, "--run", "long", "--slots", "1"]);
    eventually(Duration::from_secs(30), "the first runs", || fleet.running("SLEEP(3)") == 1);
    fleet.servers().stack.database.kill().unwrap();
    eventually(Duration::from_secs(60), "it waits for longer than it once did", || {
        // QUERYFLEET_MISSING_TIMEOUT is 3 s here.
        said().lines().filter(|line| line.contains("database unavailable for")).count() >= 2
    });
    // It gives up when it is told to, and says how to go on.
    let mut impatient = fleet.command(&["wait", "long", "--give-up-after", "1s"]);
    let output = impatient.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    fleet.servers().stack.database.start_again().unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(0), "{}", said());
    fleet.assert_each_once();
    let lines = said().lines().count();
    assert!(lines < 20, "{lines} lines: {}", said());
    std::fs::remove_file(&log).unwrap();
}

/// Between two heartbeats the statement itself shows that its job is not lost.
#[test]
fn a_job_of_a_worker_with_rare_heartbeats_is_not_missing() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let worker = fleet.worker_with(1, &[("QUERYFLEET_HEARTBEAT_INTERVAL", "10m")]);
    worker.serves();
    let script = fleet.script(["UPDATE t SET n = n + 1 + 0 * SLEEP(8) WHERE id = 1;"]);
    fleet.publish(&script, "rare");
    fleet.wait("rare").expect(0);
    fleet.assert_each_once();
}

/// RabbitMQ says of such a queue that nothing is ready, and that nobody consumes it.
#[test]
fn a_queue_without_a_leader_is_not_taken_for_empty() {
    let fleet = Fleet::new();
    let script = fleet.counters(5);
    fleet.publish(&script, "leaderless");
    let server = |what: &str| {
        let erlang = format!(
            "{{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<\"{}\">>, queue, <<\"queryfleet.default\">>)), \
             {{Name, _}} = amqqueue:get_pid(Q), ok = ra:{what}_server(quorum_queues, {{Name, node()}}).",
            fleet.share()
        );
        fleet.servers().stack.rabbitmq.ctl(&["eval", &erlang]).unwrap();
    };
    server("stop");
    eventually(Duration::from_secs(10), "the broker says that nothing is ready", || fleet.ready("") == 0);
    // QUERYFLEET_MISSING_TIMEOUT is 3 s here.
    let waited = fleet.run(&["wait", "leaderless", "--timeout", "12s"]);
    server("restart");
    waited.expect(5);
    let _worker = fleet.worker(1);
    fleet.wait("leaderless").expect(0);
    fleet.assert_each_once();
}

/// It has begun, its worker is dead, and its message is lost, too.
#[test]
fn a_job_that_has_begun_and_has_no_message_is_unknown_in_the_end() {
    let fleet = Fleet::new();
    let script = fleet.script(["CREATE TABLE made (id INT);", "CREATE TABLE made_too (id INT);"]);
    let publish = ["publish", script.to_str().unwrap(), "--run", "parked", "--not-atomic", "park"];
    fleet.run(&publish).expect(0);
    fleet.ctl(&["purge_queue", "queryfleet.default"]);
    let id = fleet.run_id("parked");
    fleet.sql(&format!("INSERT INTO queryfleet_ledger (run, seq, state) VALUES ({id}, 1, 'started')"));
    fleet.wait("parked").expect(6);
    fleet.run(&[&publish[..], &["--missing"]].concat()).expect(0);
    let _worker = fleet.worker(1);
    fleet.wait("parked").expect(3).says("1 job done, 1 dead");
    assert_eq!(fleet.dead(), [(1, "unknown".to_owned(), None)]);
}

/// Its worker is dead, and the broker does not know: without AMQP heartbeats a connection that is half-open stays.
#[test]
fn what_a_consumer_without_a_worker_has_taken_is_not_missing() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let proxy = Proxy::to(&fleet.amqp_url());
    let url = proxy.url(&fleet.amqp_url()) + "?heartbeat=0";
    let mut dead = fleet.worker_with(1, &[("QUERYFLEET_AMQP_URL", &url)]);
    dead.serves();
    // The server has the COMMIT already, and would do without its worker.
    fleet.publish(&fleet.script(["UPDATE t SET n = n + 1 + 0 * SLEEP(9) WHERE id = 1;"]), "taken");
    eventually(SOON, "it runs", || fleet.running("SLEEP(9)") == 1);
    assert!(proxy.blackhole() >= 1);
    dead.kill();
    let session = fleet.sessions().into_iter().find(|session| session.text.contains("SLEEP(9)")).unwrap();
    fleet.sql(&format!("KILL {}", session.id));
    let worker = fleet.worker(1);
    worker.serves();
    // QUERYFLEET_MISSING_TIMEOUT is 3 s here, and a worker is gone after another 3 s.
    let said = fleet.run(&["wait", "taken", "--timeout", "10s"]).expect(5).err;
    assert!(said.contains("the broker counts 2 consumers, and live workers have 1 of them"), "{said}");
    proxy.cut();
    fleet.wait("taken").expect(0);
    fleet.assert_each_once();
}
