//! Many jobs a message: only faster, never less exact.

use queryfleet_tests::Fleet;
use std::time::Duration;

#[test]
fn one_bad_job_in_a_chunk_dies_alone() {
    let fleet = Fleet::new();
    fleet.make_counters(32);
    let script = fleet.script((1..=32).map(|id| match id {
        17 => "INSERT INTO t (id) VALUES (1);".to_owned(),
        _ => format!("UPDATE t SET n = n + 1 WHERE id = {id};"),
    }));
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "bad", "--chunk", "32"]).expect(0);
    assert_eq!(fleet.ready(""), 1, "one message");
    let _worker = fleet.worker(1);
    fleet.wait("bad").expect(3).says("31 jobs done, 1 dead");
    assert_eq!(fleet.dead(), [(17, "error".to_owned(), Some(1062))]);
    fleet.sql("UPDATE t SET n = n + 1 WHERE id = 17");
    fleet.assert_each_once();
}

#[test]
fn workers_killed_in_a_chunk_leave_every_effect_once() {
    let fleet = Fleet::new();
    fleet.make_counters(320);
    let script = fleet.script((1..=320).map(|id| match id % 64 {
        // A chunk with a bad job runs one by one: killed in the middle, some of its jobs have ended.
        20 => format!("INSERT INTO t (id) VALUES ({id});"),
        _ => format!("UPDATE t SET n = n + 1 WHERE id = {id};"),
    }));
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "kills", "--chunk", "32"]).expect(0);
    for passed in [2, 9, 30] {
        let actions = format!("after-attempt={passed}*off->return");
        let mut worker = fleet.worker_with(1, &[("FAILPOINTS", &actions)]);
        assert_eq!(worker.wait_exit(Duration::from_secs(30)), None, "{}", worker.log());
    }
    let _worker = fleet.worker(2);
    fleet.wait("kills").expect(3).says("315 jobs done, 5 dead");
    fleet.sql("UPDATE t SET n = n + 1 WHERE id % 64 = 20");
    fleet.assert_each_once();
}

/// The rows of a dump: no message is above the limit, and a run that lost them all is completed from the same input.
#[test]
fn a_chunk_of_large_statements_is_closed_before_it_is_too_large() {
    let fleet = Fleet::new();
    fleet.make_counters(20);
    // Six bytes each in a message, and few for the splitter.
    let long = "\u{1}".repeat(180_000);
    let script = fleet
        .script((1..=20).map(|id| format!("UPDATE t SET n = n + 1 + 0 * LENGTH('{long}') WHERE id = {id};")));
    let arguments = ["publish", script.to_str().unwrap(), "--run", "large", "--chunk", "20"];
    fleet.run(&arguments).expect(0);
    assert_eq!(fleet.ready(""), 2, "messages");
    fleet.run(&arguments).expect(0).says("all 20 jobs had been published before");
    fleet.purge_queue();
    // As if the producer had been killed when the first job was noted: the borders are others.
    fleet.sql("UPDATE queryfleet_run SET state = 'publishing', total = NULL, confirmed = 1");
    fleet.run(&arguments).expect(0).says("19 jobs published");
    fleet.run(&[&arguments[..], &["--missing"]].concat()).expect(0).says("20 jobs published");
    let _worker = fleet.worker(2);
    fleet.wait("large").expect(0);
    fleet.assert_each_once();
}
