//! A publish that is held back: by a rate, by the queue's length, by a database that is away.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use queryfleet_tests::{Fleet, eventually};

const SOON: Duration = Duration::from_secs(60);

fn publishing(fleet: &Fleet, script: &std::path::Path, options: &[&str]) -> Child {
    let arguments = [&["publish", script.to_str().unwrap(), "--run", "paced"], options].concat();
    fleet.command(&arguments).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_rate_is_kept() {
    let fleet = Fleet::new();
    let script = fleet.counters(200);
    let began = Instant::now();
    assert!(publishing(&fleet, &script, &["--rate", "100"]).wait().unwrap().success());
    // The last batch of a quarter of a second is not waited for.
    assert!(began.elapsed() > Duration::from_millis(1700), "{:?}", began.elapsed());
    let _worker = fleet.worker(2);
    fleet.wait("paced").expect(0);
    fleet.assert_each_once();
}

/// Seven seconds lie between two chunks as they were asked for, more than the patience of `wait`.
#[test]
fn a_chunk_is_no_longer_than_a_second_at_the_rate() {
    let fleet = Fleet::new();
    let script = fleet.counters(80);
    let mut producer = publishing(&fleet, &script, &["--rate", "10", "--chunk", "70"]);
    let _worker = fleet.worker(2);
    eventually(SOON, "it has begun", || fleet.ledger("done") > 0);
    fleet.wait("paced").expect(0);
    assert!(producer.wait().unwrap().success());
    fleet.assert_each_once();
}

#[test]
fn a_long_queue_is_waited_for() {
    let fleet = Fleet::new();
    let script = fleet.counters(200);
    let mut producer = publishing(&fleet, &script, &["--max-backlog", "20"]);
    eventually(SOON, "the queue is full", || fleet.ready("") >= 20);
    fleet.run(&["wait", "paced", "--timeout", "1s"]).expect(5);
    assert!(producer.try_wait().unwrap().is_none(), "it waits");
    assert!(fleet.ready("") <= 40, "{}", fleet.ready(""));
    let _worker = fleet.worker(2);
    assert!(producer.wait().unwrap().success());
    fleet.wait("paced").expect(0);
    fleet.assert_each_once();
    fleet.run(&["run", script.to_str().unwrap(), "--rate", "5"]).expect(2);
}

#[test]
fn a_long_queue_and_a_cancelled_run_end_the_wait() {
    let fleet = Fleet::new();
    let script = fleet.counters(100);
    let producer = publishing(&fleet, &script, &["--max-backlog", "2"]);
    eventually(SOON, "the queue is full", || fleet.ready("") >= 2);
    fleet.run(&["cancel", "paced"]).expect(0);
    let output = producer.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cancelled"), "{output:?}");
}

#[test]
fn a_run_cancelled_while_it_is_published_ends_with_4() {
    let fleet = Fleet::new();
    let script = fleet.counters(200);
    fleet.ctl(&["set_policy", "short", "^queryfleet\\.default$", r#"{"max-length":20}"#]);
    let mut run = fleet.command(&["run", script.to_str().unwrap(), "--run", "paced"]);
    run.env("QUERYFLEET_CONFIRM_WINDOW", "32").stderr(Stdio::piped());
    let run = run.spawn().unwrap();
    eventually(SOON, "the queue is full", || fleet.ready("") >= 20);
    fleet.run(&["cancel", "paced"]).expect(0);
    fleet.ctl(&["clear_policy", "short"]);
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("cancelled"), "{output:?}");
    fleet.wait("paced").expect(4);
}

#[test]
#[ignore = "make faults: servers of its own"]
fn a_database_that_is_away_does_not_end_a_publish() {
    let fleet = Fleet::with_own_servers();
    let script = fleet.counters(600);
    let mut producer = publishing(&fleet, &script, &["--rate", "200", "--chunk", "1"]);
    eventually(SOON, "some of it is published", || fleet.ready("") >= 100);
    let database = &fleet.servers().stack.database;
    database.kill().unwrap();
    eventually(SOON, "all of it is published", || fleet.ready("") >= 600);
    assert!(producer.try_wait().unwrap().is_none(), "it has to write down the end");
    database.start_again().unwrap();
    let output = producer.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("not written down"), "{output:?}");
    let _worker = fleet.worker(2);
    fleet.wait("paced").expect(0);
    fleet.assert_each_once();
}
