//! What is delivered or published twice takes effect once.

use std::time::Duration;

use job::Job;
use queryfleet_tests::{Fleet, eventually};

#[test]
fn a_job_delivered_twice_takes_effect_once() {
    let fleet = Fleet::new();
    let script = fleet.counters(20);
    fleet.publish(&script, "double");
    let run = fleet.run_id("double");
    let again =
        |seq| fleet.chunk(run, vec![Job::new(seq, format!("UPDATE t SET n = n + 1 WHERE id = {seq}"))]);
    (1..=20).for_each(|seq| fleet.send_chunk(&again(seq)));
    let worker = fleet.worker(4);
    eventually(Duration::from_secs(20), "all forty messages settled", || {
        worker.metric("queryfleet_deliveries_settled_total", &[]) == 40.0
    });
    fleet.assert_each_once();
    assert_eq!(fleet.ledger("done"), 20);
    assert_eq!(worker.metric("queryfleet_jobs_total", &["outcome=\"done\""]), 20.0);
    assert_eq!(worker.metric("queryfleet_jobs_total", &["outcome=\"ended_before\""]), 20.0);
    fleet.wait("double").expect(0);
}

#[test]
fn a_late_message_of_a_purged_run_is_never_executed() {
    let fleet = Fleet::new();
    let script = fleet.counters(3);
    fleet.publish(&script, "purged");
    let mut worker = fleet.worker(1);
    fleet.wait("purged").expect(0);
    assert_eq!(worker.drain(), Some(0));
    let run = fleet.run_id("purged");
    let late = fleet.chunk(run, vec![Job::new(2, "UPDATE t SET n = n + 1 WHERE id = 2")]);
    fleet.sql("UPDATE queryfleet_ledger SET time = time - INTERVAL 25 HOUR");
    fleet.run(&["purge", "purged"]).expect(0);
    fleet.send_chunk(&late);
    let worker = fleet.worker(1);
    eventually(Duration::from_secs(20), "the late message is settled", || {
        worker.metric("queryfleet_deliveries_settled_total", &[]) == 1.0
    });
    fleet.assert_each_once();
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_ledger"), 0);
}

#[test]
fn a_run_published_twice_takes_effect_once() {
    let fleet = Fleet::new();
    let script = fleet.counters(300);
    fleet.publish(&script, "twice").says("300 jobs published");
    fleet.publish(&script, "twice").says("all 300 jobs had been published before");
    let _worker = fleet.worker(4);
    fleet.wait("twice").expect(0);
    fleet.publish(&script, "twice").says("all 300 jobs had been published before");
    fleet.wait("twice").expect(0);
    eventually(Duration::from_secs(10), "an empty queue", || fleet.ready("") == 0);
    fleet.assert_each_once();
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 1);
}

#[test]
fn two_producers_at_the_same_run_at_once_take_effect_once() {
    let fleet = Fleet::new();
    let script = fleet.counters(2000);
    let publish = || {
        let output = fleet.run(&["publish", script.to_str().unwrap(), "--run", "both"]);
        assert!(output.code == 0 || output.err.contains("run name `both` is taken"), "{output:#?}");
        output.code
    };
    let codes = std::thread::scope(|scope| {
        [scope.spawn(publish), scope.spawn(publish)].map(|one| one.join().unwrap())
    });
    assert!(codes.contains(&0));
    let _worker = fleet.worker(4);
    fleet.wait("both").expect(0);
    eventually(Duration::from_secs(20), "an empty queue", || fleet.ready("") == 0);
    fleet.assert_each_once();
}
