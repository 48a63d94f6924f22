//! A publish that was interrupted is gone on with.

use std::time::Duration;

use queryfleet_tests::{Fleet, eventually};

#[test]
fn a_producer_killed_at_random_is_gone_on_with() {
    const COUNT: u64 = 20_000;
    let fleet = Fleet::new();
    let script = fleet.counters(COUNT);
    let arguments = ["publish", script.to_str().unwrap(), "--run", "resumed", "--chunk", "8"];
    let worker = fleet.worker(4);
    for _ in 0..3 {
        let already = fleet.number("SELECT COALESCE(MAX(confirmed), 0) FROM queryfleet_run");
        let mut command = fleet.command(&arguments);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut producer = command.env("QUERYFLEET_CONFIRM_WINDOW", "64").spawn().unwrap();
        let moment = fastrand::u64(0..300);
        let began = std::time::Instant::now();
        eventually(Duration::from_secs(60), "some moment of publishing", || {
            let begun = fleet.number("SELECT COUNT(*) FROM queryfleet_run") == 1;
            let ended = producer.try_wait().unwrap().is_some();
            ended || (begun && began.elapsed() > Duration::from_millis(moment))
        });
        let _ = producer.kill();
        producer.wait().unwrap();
        println!("killed after {moment} ms, {already} confirmed before");
    }
    fleet.run(&arguments).expect(0);
    fleet.wait("resumed").expect(0).says("all 20000 jobs done");
    eventually(Duration::from_secs(30), "the doubles are settled too", || {
        fleet.ready("") == 0 && worker.metric("queryfleet_jobs_in_flight", &[]) == 0.0
    });
    fleet.assert_each_once();
    assert_eq!(fleet.ledger("done"), COUNT);
    fleet.run(&arguments).expect(0).says("with 20000 done: there was nothing to do");
}

#[test]
fn a_changed_input_is_refused_with_the_name_of_its_run() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    let line = |id: u64, by: u64| format!("UPDATE t SET n = n + {by} WHERE id = {id};");
    let script = fleet.script([line(1, 1), line(2, 1), line(3, 1)]);
    fleet.publish(&script, "first");
    let changed = [
        (fleet.script([line(1, 1), line(2, 5), line(3, 1)]), "first in job 2 (FILE:2:1)"),
        (fleet.script([line(1, 1), line(2, 1)]), "continued after job 2"),
        (fleet.script([line(1, 1), line(2, 1), line(3, 1), line(3, 1)]), "first in job 4 (FILE:4:1)"),
    ];
    for (script, place) in changed {
        let path = script.to_str().unwrap();
        let output = fleet.run(&["publish", path, "--run", "first"]).expect(1).says("run first");
        output.says(&place.replace("FILE", path));
    }
    let _worker = fleet.worker(2);
    fleet.wait("first").expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_run_goes_on_only_with_the_options_that_it_was_begun_with() {
    let fleet = Fleet::new();
    let script = fleet.counters(3);
    fleet.publish(&script, "options");
    let path = script.to_str().unwrap();
    fleet
        .run(&["publish", path, "--run", "options", "--session-sql", "SET @x = 1"])
        .expect(1)
        .says("--session-sql");
    let other = [("QUERYFLEET_QUEUE", "other")];
    fleet.run_with(&["publish", path, "--run", "options"], &other).expect(1).says("QUERYFLEET_QUEUE");
}
