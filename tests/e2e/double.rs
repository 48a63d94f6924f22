//! What is delivered or published twice takes effect once.

use std::time::Duration;

use queryfleet_job::Job;
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
    fleet.wait("purged").expect(8).says("purged");
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "purged"]).expect(8).says("purged");
    fleet.send_chunk(&late);
    let worker = fleet.worker(1);
    eventually(Duration::from_secs(20), "the late message is settled", || {
        worker.metric("queryfleet_deliveries_settled_total", &[]) == 1.0
    });
    fleet.assert_each_once();
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_ledger"), 0);
}

/// A worker that reads the states of its runs more seldom than whoever purges would have run the late copy.
#[test]
fn a_purge_waits_until_every_worker_has_seen_it() {
    let fleet = Fleet::new();
    let script = fleet.counters(1);
    let worker = fleet.worker_with(1, &[("QUERYFLEET_RUN_POLL_INTERVAL", "1500ms")]);
    fleet.publish(&script, "purged");
    fleet.wait("purged").expect(0);
    let again = vec![Job::new(1, "UPDATE t SET n = n + 1 WHERE id = 1")];
    let late = fleet.chunk(fleet.run_id("purged"), again);
    fleet.sql("UPDATE queryfleet_ledger SET time = time - INTERVAL 25 HOUR");
    let asked = std::time::Instant::now();
    let mut purge = fleet.command(&["purge", "purged"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let mut sent = 1;
    while purge.try_wait().unwrap().is_none() {
        fleet.send_chunk(&late);
        sent += 1;
    }
    assert!(purge.wait().unwrap().success());
    assert!(asked.elapsed() >= Duration::from_secs(6), "{:?}", asked.elapsed());
    fleet.send_chunk(&late);
    eventually(Duration::from_secs(20), "all are settled", || {
        worker.metric("queryfleet_deliveries_settled_total", &[]) == f64::from(sent + 1)
    });
    fleet.assert_each_once();
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_ledger"), 0);
}

#[test]
fn a_time_ahead_of_the_clock_is_not_long_ago() {
    let fleet = Fleet::new();
    let script = fleet.counters(1);
    fleet.publish(&script, "ahead");
    let mut worker = fleet.worker(1);
    fleet.wait("ahead").expect(0);
    fleet.sql("UPDATE queryfleet_ledger SET time = time + INTERVAL 2 DAY");
    fleet.run(&["purge", "ahead"]).expect(1).says("ended 0 h ago");
    // Nor is a worker alive for ever that was seen ahead of it.
    worker.kill();
    fleet.sql("UPDATE queryfleet_worker SET seen = seen + INTERVAL 2 DAY, in_flight = 1");
    fleet.publish(&fleet.script(["DO 1;"]), "nowhere");
    fleet.purge_queue();
    fleet.wait("nowhere").expect(6);
    let worker = fleet.worker(1);
    eventually(Duration::from_secs(20), "the dead worker's row is gone", || {
        fleet.number("SELECT COUNT(*) FROM queryfleet_worker") == 1
    });
    assert_eq!(fleet.number("SELECT view_ms FROM queryfleet_worker"), 800);
    drop(worker);
}

#[test]
fn a_run_published_twice_takes_effect_once() {
    let fleet = Fleet::new();
    let script = fleet.counters(300);
    fleet.publish(&script, "twice").says("300 jobs published");
    fleet.publish(&script, "twice").says("all 300 jobs had been published before");
    let _worker = fleet.worker(4);
    fleet.wait("twice").expect(0);
    fleet.publish(&script, "twice").says("with 300 done: there was nothing to do");
    fleet.wait("twice").expect(0);
    eventually(Duration::from_secs(10), "an empty queue", || fleet.ready("") == 0);
    fleet.assert_each_once();
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 1);
}

#[test]
#[ignore = "make faults: takes long"]
fn a_run_made_by_four_producers_at_once_is_one_run() {
    const ROUNDS: u64 = 20;
    let fleet = Fleet::new();
    fleet.make_counters(ROUNDS);
    for round in 1..=ROUNDS {
        let script = fleet.script([format!("UPDATE t SET n = n + 1 WHERE id = {round};")]);
        let name = format!("both-{round}");
        let arguments = ["publish", script.to_str().unwrap(), "--run", &name];
        std::thread::scope(|scope| {
            let publish = || fleet.run(&arguments).expect(0);
            let producers: Vec<_> = (0..4).map(|_| scope.spawn(publish)).collect();
            producers.into_iter().for_each(|producer| drop(producer.join().unwrap()));
        });
    }
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), ROUNDS);
    let _worker = fleet.worker(4);
    (1..=ROUNDS).for_each(|round| drop(fleet.wait(&format!("both-{round}")).expect(0)));
    eventually(Duration::from_secs(20), "an empty queue", || fleet.ready("") == 0);
    fleet.assert_each_once();
}

#[test]
fn two_producers_at_the_same_run_at_once_take_effect_once() {
    let fleet = Fleet::new();
    let script = fleet.counters(2000);
    let publish = || {
        fleet.run(&["publish", script.to_str().unwrap(), "--run", "both"]).expect(0);
    };
    std::thread::scope(|scope| [scope.spawn(publish), scope.spawn(publish)].map(|one| one.join().unwrap()));
    let _worker = fleet.worker(4);
    fleet.wait("both").expect(0);
    eventually(Duration::from_secs(20), "an empty queue", || fleet.ready("") == 0);
    fleet.assert_each_once();
}
