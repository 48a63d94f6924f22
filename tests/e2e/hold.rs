//! A queue that is held: no job begins, nothing is lost or counted, and the command says who obeys.

use std::process::Stdio;
use std::time::{Duration, Instant};

use queryfleet_tests::{Client, Fleet, Signal, Worker, eventually};

const SOON: Duration = Duration::from_secs(30);

/// Jobs that increment a counter each, and take ten minutes if they begin while the returned client lives.
fn slow(fleet: &Fleet, count: u64) -> (std::path::PathBuf, Client) {
    fleet.make_counters(count);
    let mut client = fleet.client();
    client.run("DO GET_LOCK('slow', 0)").unwrap();
    let seconds = "600 * (IS_USED_LOCK('slow') IS NOT NULL)";
    let job = |id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP({seconds}) WHERE id = {id};");
    (fleet.script((1..=count).map(job)), client)
}

fn settled(worker: &Worker) -> f64 {
    worker.metric("queryfleet_deliveries_settled_total", &[])
}

#[test]
fn a_held_queue_begins_nothing_and_resumes_with_every_attempt_left() {
    let fleet = Fleet::new();
    fleet.make_counters(20);
    let seconds = |id| if id <= 4 { 4 } else { 0 };
    let script = fleet.script(
        (1..=20).map(|id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP({}) WHERE id = {id};", seconds(id))),
    );
    let workers = [fleet.worker(2), fleet.worker(2)];
    workers.iter().for_each(|worker| _ = worker.serves());
    fleet.publish(&script, "held");
    eventually(SOON, "four statements run", || fleet.running("SLEEP(4)") == 4);
    let said = fleet.run(&["pause", "--because", "replicas lag", "--by", "dba"]).expect(0);
    let said = said.says("queue default is held: hold 1 by dba: replicas lag");
    said.says("2 of 2 workers obey the hold").says("; 4 statements still run");
    // What runs ends; its slot takes nothing more with the acknowledgement.
    eventually(SOON, "four have ended", || fleet.ledger("done") == 4);
    eventually(SOON, "no slot holds a message", || fleet.ready("") == 16);
    for worker in &workers {
        assert_eq!(worker.metric("queryfleet_held", &[]), 1.0);
        let (code, text) = worker.get("/readyz");
        assert_eq!((code, text.as_str()), (200, "ok\nheld: hold 1 by dba: replicas lag\n"));
    }
    fleet.run(&["status"]).expect(0).says("queue default is held: hold 1 by dba: replicas lag");
    fleet.run(&["resume"]).expect(0).says("lifted: hold 1").says("queue default is not held");
    fleet.wait("held").expect(0);
    fleet.assert_each_once();
    for worker in &workers {
        assert_eq!(worker.metric("queryfleet_held", &[]), 0.0);
        assert_eq!(worker.metric("queryfleet_redeliveries_total", &[]), 0.0);
    }
}

#[test]
fn a_hold_survives_every_restart_and_what_is_started_into_it_begins_nothing() {
    let fleet = Fleet::new();
    let script = fleet.counters(20);
    let mut worker = fleet.worker(2);
    worker.serves();
    fleet.run(&["pause"]).expect(0);
    worker.kill();
    fleet.publish(&script, "held");
    let worker = fleet.worker(2);
    worker.serves();
    eventually(SOON, "it says that it is held", || worker.metric("queryfleet_held", &[]) == 1.0);
    assert_eq!((fleet.ready(""), settled(&worker)), (20, 0.0));
    assert_eq!(worker.get("/readyz").0, 200);
    assert!(
        fleet.run(&["resume", "--all", "--json"]).expect(0).json()["holds"].as_array().unwrap().is_empty()
    );
    fleet.wait("held").expect(0);
    fleet.assert_each_once();
}

#[test]
fn now_ends_what_runs_and_spends_no_attempt_but_leaves_what_is_not_atomic() {
    let fleet = Fleet::new();
    let (script, lock) = slow(&fleet, 2);
    fleet.sql("CREATE TABLE u (n INT); CREATE PROCEDURE slow() INSERT INTO u VALUES (SLEEP(8))");
    let other = fleet.script(["CALL slow();"]);
    fleet.publish(&script, "held");
    fleet.run(&["publish", other.to_str().unwrap(), "--run", "parked", "--not-atomic", "park"]).expect(0);
    let worker = fleet.worker_with(3, &[("QUERYFLEET_MAX_ATTEMPTS", "1")]);
    eventually(SOON, "all of them run", || fleet.running("SLEEP(") == 3);
    fleet.run(&["pause", "--now"]).expect(0).says("1 of 1 worker obey");
    eventually(SOON, "two are ended", || fleet.running("SLEEP(") == 1 && fleet.ready("") == 2);
    assert_eq!(worker.metric("queryfleet_statements_killed_total", &["reason=\"hold\""]), 2.0);
    // It ends by itself, under the hold.
    fleet.wait("parked").expect(0);
    drop(lock);
    fleet.run(&["resume"]).expect(0);
    fleet.wait("held").expect(0);
    fleet.assert_each_once();
}

#[test]
fn two_people_hold_a_queue_for_two_reasons() {
    let fleet = Fleet::new();
    let script = fleet.counters(5);
    let worker = fleet.worker(1);
    worker.serves();
    fleet.run(&["resume"]).expect(0).says("queue default is not held");
    fleet.run(&["pause", "--because", "lag"]).expect(0);
    fleet
        .run(&["pause", "--because", "backup", "--until", "720h"])
        .expect(0)
        .says("hold 2 by")
        .says("until 2");
    fleet.run(&["resume"]).expect(2).says("hold 1 by").says("hold 2 by").says("--all");
    fleet.run(&["resume", "7"]).expect(1).says("hold 7 is not in force");
    fleet.run(&["resume", "1"]).expect(0).says("queue default is still held: hold 2").says("1 of 1 worker");
    fleet.publish(&script, "held");
    assert_eq!((fleet.ready(""), settled(&worker)), (5, 0.0));
    fleet.run(&["resume", "2"]).expect(0).says("queue default is not held");
    fleet.wait("held").expect(0);
}

#[test]
fn a_hold_ends_by_itself_at_its_time() {
    let fleet = Fleet::new();
    let script = fleet.counters(5);
    let worker = fleet.worker(1);
    worker.serves();
    let since = Instant::now();
    fleet.run(&["pause", "--until", "4s"]).expect(0);
    fleet.publish(&script, "held");
    fleet.wait("held").expect(0);
    assert!(since.elapsed() >= Duration::from_secs(4), "{:?}", since.elapsed());
    fleet.run(&["pause", "--until", "2020-01-31T06:00:00Z"]).expect(1).says("would have ended already");
    for bad in ["tomorrow", "5", "0s", "2020-13-01T00:00:00Z"] {
        fleet.run(&["pause", "--until", bad]).expect(2).says("a time such as 90s or 2h");
    }
    fleet.run(&["resume"]).expect(0).says("queue default is not held");
    drop(worker);
}

#[test]
fn a_worker_that_does_not_obey_is_named() {
    let fleet = Fleet::new();
    let worker = fleet.worker(1);
    worker.serves();
    fleet.sql(
        "INSERT INTO queryfleet_worker (id, name, queue, slots, in_flight) VALUES (REPEAT('0', 32), 'older:1', 'default', 4, 4)",
    );
    let said = fleet.run(&["pause"]).expect(1).says("1 of 2 workers obey the hold");
    said.says("does not know of holds, and executing jobs: older:1");
    // One that is frozen has its row, and says nothing.
    fleet.run(&["resume", "--all"]).expect(0);
    worker.signal(Signal::STOP);
    let said = fleet.run(&["pause"]).expect(1).says("0 of 2 workers obey the hold");
    said.says(&format!(":{}", worker.pid()));
    worker.signal(Signal::CONT);
}

#[test]
fn a_ledger_of_a_version_without_holds_is_served_and_gets_them_by_setup() {
    let fleet = Fleet::new();
    fleet.sql(
        "DROP TABLE queryfleet_hold; ALTER TABLE queryfleet_worker DROP COLUMN holds; \
         DELETE FROM queryfleet_meta WHERE name = 'additions'",
    );
    let script = fleet.counters(10);
    let worker = fleet.worker(2);
    fleet.publish(&script, "before");
    fleet.wait("before").expect(0);
    fleet.run(&["pause"]).expect(1).says("queryfleet setup");
    fleet.run(&["setup"]).expect(0);
    fleet.run(&["setup"]).expect(0);
    fleet.run(&["pause"]).expect(0).says("1 of 1 worker obey");
    fleet.run(&["resume"]).expect(0);
    fleet.assert_each_once();
    drop(worker);
}

/// A message that went back to the broker with each hold would reach its limit of deliveries.
#[test]
#[ignore = "make long-test: ten minutes"]
fn ten_minutes_of_a_thousand_holds_spend_no_deliveries() {
    const HOLDS: u32 = 1000;
    const JOBS: u64 = 3000;
    let fleet = Fleet::with_own_servers();
    fleet.make_counters(JOBS);
    let workers: Vec<Worker> =
        (0..2).map(|_| fleet.worker_with(2, &[("QUERYFLEET_MAX_ATTEMPTS", "50")])).collect();
    workers.iter().for_each(|worker| _ = worker.serves());
    // A fifth of the attempts fails, so that retries are always under way, and the queue is nearly empty.
    let two_rows = "(SELECT 1 UNION ALL SELECT 1 FROM DUAL WHERE RAND() < 0.2)";
    let job = |id| format!("UPDATE t SET n = n + 1 WHERE id = {id} AND 1 = {two_rows};");
    let script = fleet.script((1..=JOBS).map(job));
    let publish = ["publish", script.to_str().unwrap(), "--run", "flaps", "--rate", "5", "--chunk", "1"];
    let mut publisher = fleet.command(&publish).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    eventually(SOON, "jobs are done", || fleet.ledger("done") > 0);
    for _ in 0..HOLDS {
        fleet.run(&["pause"]).expect(0);
        fleet.run(&["resume"]).expect(0);
    }
    assert_eq!(publisher.wait().unwrap().code(), Some(0));
    fleet.wait("flaps").expect(0);
    fleet.assert_each_once();
    let sum = |name: &str| workers.iter().map(|worker| worker.metric(name, &[])).sum::<f64>();
    let (retried, redelivered) = (sum("queryfleet_job_errors_total"), sum("queryfleet_redeliveries_total"));
    println!("{HOLDS} holds: {retried} attempts failed, {redelivered} messages were delivered again");
    assert!(retried > JOBS as f64 / 10.0, "{retried}");
    // The broker counts the delivery of a message that was on its way to a consumer when that ended: of so many ends
    // two in a hundred at most. That none is dead says that no message was unlucky time and again.
    let ends = f64::from(HOLDS) * 4.0;
    assert!(redelivered <= ends / 50.0, "{redelivered} of {ends}");
}

#[test]
#[ignore = "make faults: takes long"]
fn a_chunk_that_fails_ends_under_a_gate_that_opens_for_less_time_than_it_takes() {
    let fleet = Fleet::with_own_servers();
    fleet.make_counters(100);
    let mut jobs: Vec<String> =
        (1..=100).map(|id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP(0.05) WHERE id = {id};")).collect();
    jobs.push("UPDATE nowhere SET n = 1 WHERE id = 1;".into());
    let script = fleet.script(jobs);
    let _worker = fleet.worker(1);
    fleet.sql("SET GLOBAL log_output = 'TABLE'");
    fleet.sql("SET GLOBAL general_log = ON");
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "flaps", "--chunk", "1000"]).expect(0);
    eventually(SOON, "the whole chunk is attempted", || fleet.running("SLEEP(0.05)") == 1);
    let since = Instant::now();
    let ended = || fleet.ledger("done") + fleet.ledger("dead");
    while ended() < 101 {
        assert!(since.elapsed() < Duration::from_secs(60), "{} have ended", ended());
        fleet.run(&["pause"]).expect(0);
        std::thread::sleep(Duration::from_secs(2));
        fleet.run(&["resume"]).expect(0);
        std::thread::sleep(Duration::from_secs(2));
    }
    fleet.assert_each_once();
    // Together with all others once, and by itself.
    // MariaDB logs a packet as one, MySQL each of its statements.
    let of_last = "SELECT COUNT(*) FROM mysql.general_log WHERE CONVERT(argument USING utf8mb4) LIKE '%/100 */ UPDATE t%' \
                   AND CONVERT(argument USING utf8mb4) NOT LIKE 'SELECT%'";
    assert_eq!(fleet.number(of_last), 2);
}

/// The query of the chart's KEDA trigger, as the chart renders it for the queue `default`.
fn query_of_the_chart() -> String {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../helm/tests/golden/limited.yaml");
    let golden = std::fs::read_to_string(golden).unwrap();
    let (_, query) = golden.split_once("query: SELECT IF(").unwrap();
    let (query, _) = query.split_once("queryValue").unwrap();
    format!("SELECT IF({}", query.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn an_autoscaler_finds_a_held_queue_and_its_workers() {
    let fleet = Fleet::new();
    fleet.run(&["setup"]).expect(0);
    let wanted = || fleet.number(&query_of_the_chart());
    assert_eq!(wanted(), 0);
    fleet.run(&["pause", "--by", "a"]).expect(0);
    assert_eq!(wanted(), 1, "it is not scaled to zero, nor from it");
    let _workers = [fleet.worker(1), fleet.worker(1), fleet.worker(1)];
    eventually(SOON, "it keeps those that there are", || wanted() == 3);
    fleet.run(&["pause", "--by", "b", "--until", "1s"]).expect(0);
    fleet.run(&["resume", "1"]).expect(0);
    eventually(SOON, "it is not held", || wanted() == 0);
}
