//! The same input once more executes nothing unless that is asked for, also when its run has ended.

use std::process::{Child, Stdio};
use std::time::Duration;

use queryfleet_tests::{Fleet, eventually};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn the_same_input_needs_again_also_after_its_run_has_ended() {
    let fleet = Fleet::new();
    let script = fleet.counters(3);
    let script = script.to_str().unwrap();
    let refused = |how: &str| {
        for command in ["publish", "run"] {
            let output = fleet.run(&[command, script]).expect(1);
            output.says(how).says("nothing was published").says("--again");
        }
    };
    // Cancelled before any of its jobs began: nothing can happen twice.
    fleet.run(&["publish", script, "--run", "early"]).expect(0);
    fleet.run(&["cancel", "early"]).expect(0);
    fleet.run(&["publish", script, "--run", "first"]).expect(0);
    refused("run first of the same input has not ended");
    {
        let _worker = fleet.worker(2);
        fleet.wait("first").expect(0);
    }
    refused("run first of the same input ended at 20");
    refused("with 3 done");
    // The newest that counts: this one does not.
    fleet.run(&["publish", script, "--again"]).expect(0);
    let newest = fleet.rows::<String>("SELECT name FROM queryfleet_run ORDER BY id DESC LIMIT 1");
    refused(&format!("run {} of the same input has not ended", newest[0]));
    fleet.run(&["cancel", &newest[0]]).expect(0);
    refused("run first of the same input ended at 20");

    fleet.sql("UPDATE queryfleet_ledger SET time = time - INTERVAL 25 HOUR");
    fleet.run(&["purge", "first"]).expect(0);
    refused("run first of the same input has ended and was purged");
    fleet.assert_each_once();
    // A run that is named is a run of its own, and so is another queue's.
    fleet.run(&["publish", script, "--run", "named"]).expect(0);
}

#[test]
fn the_same_rows_and_ranges_need_again_too() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    let rows = fleet.file("rows.csv", "id\n1\n2\n3\n");
    let objects = fleet.file("rows.ndjson", "{\"id\": 1}\n{\"id\": 2}\n");
    let jobs = fleet.file("jobs.ndjson", "{\"sql\": \"UPDATE t SET n = n + 0 WHERE id = 1\"}\n");
    let by_id = "UPDATE t SET n = n + 0 WHERE id = :id";
    for input in [
        vec!["--template", by_id, "--rows", &rows],
        vec!["--template", by_id, "--rows", &objects],
        vec!["--template", "UPDATE t SET n = n + 0 WHERE :range", "--range", "t.id"],
        vec![&jobs],
    ] {
        let arguments = [&["run"], input.as_slice()].concat();
        fleet.run(&arguments).expect(0);
        fleet.run(&arguments).expect(1).says("of the same input ended at");
        fleet.run(&[arguments.as_slice(), &["--again"]].concat()).expect(0);
    }
}

#[test]
fn what_died_or_was_cancelled_is_said_with_the_same_input() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let bad = fleet.script(["UPDATE t SET n = n + 1 WHERE id = 1;", "INSERT INTO nowhere VALUES (1);"]);
    let bad = bad.to_str().unwrap();
    fleet.run(&["run", bad, "--run", "bad"]).expect(3);
    let said = fleet.run(&["publish", bad]).expect(1);
    said.says("with 1 done, 1 dead").says("queryfleet dead list --run bad");

    let script = fleet.script(["DO 1;", "DO 2;"]);
    fleet.publish(&script, "half");
    let id = fleet.run_id("half");
    fleet.sql(&format!("INSERT INTO queryfleet_ledger (run, seq, state) VALUES ({id}, 1, 'done')"));
    fleet.run(&["cancel", "half"]).expect(0);
    let script = script.to_str().unwrap();
    fleet.run(&["publish", script]).expect(1).says("run half of the same input was cancelled with 1 done");
    fleet.run(&["publish", script, "--run", "half"]).expect(4).says("under another name");
}

#[test]
fn a_run_that_has_ended_is_said_to_have_ended_when_it_is_repeated() {
    let fleet = Fleet::new();
    let script = fleet.counters(3);
    let script = script.to_str().unwrap();
    fleet.run(&["publish", script, "--run", "named", "--chunk", "2"]).expect(0);
    let said = fleet.run(&["publish", script, "--run", "named"]).expect(0);
    let said = said.says("run named: all 3 jobs had been published before");
    assert!(!said.err.contains("no effect"), "none was asked for: {}", said.err);
    {
        let _worker = fleet.worker(2);
        fleet.wait("named").expect(0);
    }
    for command in ["publish", "run"] {
        let said = fleet.run(&[command, script, "--run", "named", "--chunk", "32"]).expect(0);
        let said = said.says("run named ended at 20").says("with 3 done: there was nothing to do");
        said.says("--chunk 32 has no effect on the 3 jobs that were published before with --chunk 2");
    }
    let said = fleet.run(&["publish", script, "--run", "named", "--json"]).expect(0);
    let value: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert!(value["ended"].as_str().unwrap().ends_with('Z'), "{value}");
    fleet.assert_each_once();
}

fn begun(fleet: &Fleet, arguments: &[&str]) -> Child {
    fleet.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A cancel waits for the jobs that are being executed, and they have no row yet that others see.
#[test]
fn a_run_whose_cancel_waits_for_a_job_is_not_taken_for_one_that_never_began() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let script = fleet.script(["UPDATE t SET n = n + 1 + 0 * SLEEP(4) WHERE id = 1;"]);
    let script = script.to_str().unwrap();
    let _worker = fleet.worker(1);
    fleet.run(&["publish", script, "--run", "begun"]).expect(0);
    eventually(SOON, "it executes", || fleet.running("SLEEP(4)") == 1);
    let mut cancel = begun(&fleet, &["cancel", "begun"]);
    eventually(SOON, "it is closed", || {
        fleet.number("SELECT COUNT(*) FROM queryfleet_run WHERE state = 'cancelled'") == 1
    });
    fleet.run(&["publish", script]).expect(1).says("run begun of the same input was cancelled");
    assert!(cancel.wait().unwrap().success());
    fleet.run(&["publish", script]).expect(1).says("was cancelled with 1 done");
    fleet.assert_each_once();
}

#[test]
fn of_several_publishes_of_one_input_at_once_one_makes_a_run() {
    let fleet = Fleet::new();
    let script = fleet.counters(20);
    let script = script.to_str().unwrap();
    fleet.run(&["setup"]).expect(0);
    let publishes: Vec<Child> = (0..6).map(|_| begun(&fleet, &["publish", script])).collect();
    let ended: Vec<bool> =
        publishes.into_iter().map(|mut publish| publish.wait().unwrap().success()).collect();
    assert_eq!(ended.iter().filter(|ok| **ok).count(), 1, "{ended:?}");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 1);
    let _worker = fleet.worker(2);
    let name = fleet.rows::<String>("SELECT name FROM queryfleet_run");
    fleet.wait(&name[0]).expect(0);
    fleet.assert_each_once();
}
