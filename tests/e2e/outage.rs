//! Servers that die in the middle of a run, and come back.

use std::process::Stdio;
use std::time::Duration;

use queryfleet_tests::{Fleet, Signal, Worker, eventually, interrupted};

const COUNT: u64 = 3000;
const SOON: Duration = Duration::from_secs(60);

#[test]
fn servers_killed_in_the_middle_of_a_run_leave_every_effect_once() {
    let fleet = Fleet::with_own_servers();
    let script = fleet.counters(COUNT);
    fleet.publish(&script, "outage");
    let variables = [("QUERYFLEET_MAX_ATTEMPTS", "50")];
    let workers = [fleet.worker_with(4, &variables), fleet.worker_with(2, &variables)];
    let stack = &fleet.servers().stack;
    let ended = |count| eventually(SOON, "some of it has ended", || fleet.ledger("done") >= count);

    ended(COUNT / 6);
    stack.rabbitmq.kill().unwrap();
    let worker = &workers[0];
    worker.serves();
    eventually(SOON, "unready without the broker", || worker.get("/readyz").0 == 503);
    assert!(worker.get("/readyz").1.contains("broker"));
    assert_eq!(worker.get("/livez").0, 200);
    stack.rabbitmq.start_again().unwrap();
    eventually(SOON, "ready again", || worker.get("/readyz").0 == 200);

    ended(COUNT / 2);
    stack.database.kill().unwrap();
    eventually(SOON, "unready without the database", || worker.get("/readyz").0 == 503);
    assert!(worker.get("/readyz").1.contains("database"));
    assert_eq!(worker.get("/livez").0, 200);
    stack.database.start_again().unwrap();
    eventually(SOON, "ready again", || worker.get("/readyz").0 == 200);

    fleet.wait("outage").expect(0);
    fleet.assert_each_once();
    assert_eq!(fleet.ledger("done"), COUNT);
    assert!(worker.metric("queryfleet_reconnects_total", &["dependency=\"broker\""]) >= 1.0);
    assert!(worker.metric("queryfleet_reconnects_total", &["dependency=\"database\""]) >= 1.0);
}

/// Raises an alarm that stops publishing, and ends it, by these arguments of rabbitmqctl.
fn an_alarm_holds_publishing_up_and_nothing_else(raise: [&str; 2], end: [&str; 2], reason: &str) {
    let fleet = Fleet::with_own_servers();
    let script = fleet.counters(200);
    fleet.publish(&script, "before");
    let ctl = |arguments: [&str; 2]| fleet.servers().stack.rabbitmq.ctl(&arguments).unwrap();
    ctl(raise);
    let _worker = fleet.worker(2);
    fleet.wait("before").expect(0);
    fleet.assert_each_once();

    fleet.sql("UPDATE t SET n = 0");
    let publish = || {
        let mut publish = fleet.command(&["publish", script.to_str().unwrap(), "--run", "blocked"]);
        publish.stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut producer = publish();
    eventually(SOON, "its row is there", || fleet.number("SELECT COUNT(*) FROM queryfleet_run") == 2);
    fleet.run(&["wait", "blocked", "--timeout", "3s"]).expect(5);
    assert!(producer.try_wait().unwrap().is_none(), "it waits");
    let said = interrupted(producer, Signal::INT);
    assert!(said.contains(&format!("the broker has blocked publishing: {reason}")), "{said}");
    assert!(said.contains("the broker has confirmed nothing for "), "{said}");
    assert!(said.contains("--run blocked"), "{said}");

    let mut producer = publish();
    fleet.run(&["wait", "blocked", "--timeout", "1s"]).expect(5);
    assert!(producer.try_wait().unwrap().is_none(), "it waits");
    ctl(end);
    eventually(SOON, "it goes on", || producer.try_wait().unwrap().is_some_and(|status| status.success()));
    fleet.wait("blocked").expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_memory_alarm_holds_publishing_up_and_nothing_else() {
    let watermark = "set_vm_memory_high_watermark";
    an_alarm_holds_publishing_up_and_nothing_else(
        [watermark, "0.000001"],
        [watermark, "0.6"],
        "low on memory",
    );
}

#[test]
#[ignore = "make faults: servers of its own"]
fn a_disk_alarm_holds_publishing_up_and_nothing_else() {
    let limit = "set_disk_free_limit";
    an_alarm_holds_publishing_up_and_nothing_else([limit, "1000000GB"], [limit, "64MB"], "low on disk");
}

#[test]
#[ignore = "make faults: servers of its own"]
fn a_broker_restarted_is_connected_to_again() {
    let fleet = Fleet::with_own_servers();
    let script = fleet.counters(COUNT);
    fleet.publish(&script, "restarted");
    let worker = fleet.worker(4);
    eventually(SOON, "some of it has ended", || fleet.ledger("done") >= COUNT / 6);
    let ctl = |command| fleet.servers().stack.rabbitmq.ctl(&[command]).unwrap();
    ctl("stop_app");
    eventually(SOON, "unready without the broker", || worker.get("/readyz").0 == 503);
    ctl("start_app");
    fleet.wait("restarted").expect(0);
    fleet.assert_each_once();
    assert_eq!(fleet.ledger("done"), COUNT);
}

/// What people have said about the queue is in the database, and holds from its first moment.
#[test]
#[ignore = "make faults: servers of its own"]
fn a_database_that_was_away_begins_no_more_than_it_allowed_before() {
    let fleet = Fleet::with_own_servers();
    fleet.make_counters(120);
    fleet.sql("ALTER TABLE t ADD COLUMN began DATETIME(6) NULL");
    let job =
        |id| format!("UPDATE t SET began = UTC_TIMESTAMP(6), n = n + 1 + 0 * SLEEP(0.2) WHERE id = {id};");
    let script = fleet.script((1..=120).map(job));
    fleet.run(&["limit", "--slots", "1"]).expect(0);
    let workers: Vec<Worker> = (0..3).map(|_| fleet.worker(2)).collect();
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "away", "--chunk", "1"]).expect(0);
    let database = &fleet.servers().stack.database;
    let restart = || {
        let noticed = |worker: &Worker| worker.log().matches("run states cannot be read").count();
        let before: Vec<usize> = workers.iter().map(noticed).collect();
        database.kill().unwrap();
        let all_have = || workers.iter().zip(&before).all(|(worker, before)| noticed(worker) > *before);
        eventually(SOON, "all of them have noticed", all_have);
        database.start_again().unwrap();
    };
    for part in 1..=2 {
        eventually(SOON, "jobs run", || fleet.ledger("done") >= part * 10);
        restart();
    }
    let done = fleet.ledger("done");
    eventually(SOON, "they run again", || fleet.ledger("done") > done);
    fleet.run(&["pause"]).expect(0).says("3 of 3 workers obey the hold");
    eventually(SOON, "nothing runs", || fleet.running("SLEEP(0.2)") == 0);
    let held = fleet.ledger("done");
    restart();
    eventually(SOON, "all of them have looked", || {
        fleet.number("SELECT COUNT(*) FROM queryfleet_worker WHERE seen > NOW(3) - INTERVAL 1 SECOND") == 3
    });
    assert_eq!(fleet.ledger("done"), held);
    fleet.run(&["resume"]).expect(0);
    fleet.wait("away").expect(0);
    fleet.assert_each_once();
    // No two of them ran at once.
    let twins = fleet.number(
        "SELECT COUNT(*) FROM t a JOIN t b ON b.began > a.began AND b.began < a.began + INTERVAL 199000 MICROSECOND",
    );
    assert_eq!(twins, 0);
}
