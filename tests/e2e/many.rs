//! Forty workers on one queue, with the intervals that a fleet has unless it is told otherwise: what people say about the queue
//! reaches all of them in time, and together they keep to it, whoever comes, goes, freezes or dies.

use std::time::{Duration, Instant};

use queryfleet_tests::{Fleet, Signal, Worker, eventually};

use crate::limit::{Sampler, allowed};

const SOON: Duration = Duration::from_secs(60);
const WORKERS: usize = 40;
const SLOTS: u16 = 4;
const INTERVALS: [(&str, &str); 3] = [
    ("QUERYFLEET_RUN_POLL_INTERVAL", "1s"),
    ("QUERYFLEET_HEARTBEAT_INTERVAL", "10s"),
    ("QUERYFLEET_BACKOFF_MAX", "5s"),
];

fn workers(fleet: &Fleet, count: usize) -> Vec<Worker> {
    let workers: Vec<Worker> = (0..count).map(|_| fleet.worker_with(SLOTS, &INTERVALS)).collect();
    workers.iter().for_each(|worker| _ = worker.serves());
    workers
}

/// A run `name` of slow increments of the counters 1 to `count`, which say when they began.
fn publish_slow(fleet: &Fleet, name: &str, count: u64) {
    fleet.make_counters(count);
    fleet.sql("ALTER TABLE t ADD COLUMN began DATETIME(6) NULL");
    let job =
        |id| format!("UPDATE t SET began = UTC_TIMESTAMP(6), n = n + 1 + 0 * SLEEP(0.2) WHERE id = {id};");
    let script = fleet.script((1..=count).map(job));
    fleet.run(&["publish", script.to_str().unwrap(), "--run", name, "--chunk", "1"]).expect(0);
}

fn done(fleet: &Fleet) -> u64 {
    fleet.ledger("done")
}

#[test]
#[ignore = "make faults: forty workers"]
fn no_job_begins_two_seconds_after_a_hold_and_all_go_on_after_it() {
    let fleet = Fleet::with_own_servers();
    let _workers = workers(&fleet, WORKERS);
    publish_slow(&fleet, "held", 30_000);
    let late = "SELECT COALESCE(MAX(TIMESTAMPDIFF(MICROSECOND, h.placed, t.began)), 0) \
                FROM queryfleet_hold h, t WHERE h.id = (SELECT MAX(id) FROM queryfleet_hold) AND t.began > h.placed";
    let mut latest = 0;
    for _ in 0..6 {
        let before = done(&fleet);
        eventually(SOON, "jobs run", || done(&fleet) > before + 200);
        fleet.run(&["pause"]).expect(0).says("40 of 40 workers obey the hold");
        latest = latest.max(fleet.number(late));
        // All that began has ended.
        eventually(SOON, "nothing runs", || fleet.running("SLEEP(0.2)") == 0);
        let held = done(&fleet);
        fleet.run(&["resume"]).expect(0);
        let since = Instant::now();
        eventually(SOON, "jobs run again", || done(&fleet) > held + 160);
        assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    }
    assert!(latest < 2_000_000, "{latest} µs");
    fleet.run(&["cancel", "held"]).expect(0);
    fleet.wait("held").expect(4);
    assert_eq!(fleet.rows::<(u64, u64)>("SELECT SUM(n), SUM(n > 1) FROM t"), [(done(&fleet), 0)]);
}

#[test]
#[ignore = "make faults: forty workers"]
fn never_more_statements_run_than_are_allowed_while_workers_come_and_go() {
    const LIMIT: usize = 40;
    let fleet = Fleet::with_own_servers();
    fleet.run(&["limit", "--slots", &LIMIT.to_string()]).expect(0);
    publish_slow(&fleet, "short", 9000);
    // Some of another length.
    fleet.sql("CREATE TABLE long_ones (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0)");
    fleet.sql("INSERT INTO long_ones (id) SELECT id FROM t WHERE id <= 5");
    let script = fleet
        .script((1..=5).map(|id| format!("UPDATE long_ones SET n = n + 1 + 0 * SLEEP(60) WHERE id = {id};")));
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "long", "--chunk", "1"]).expect(0);
    let mut all = workers(&fleet, 1);
    Sampler::beside(&fleet, "SLEEP(", |sampler| {
        sampler.reaches(usize::from(SLOTS));
        all.extend(workers(&fleet, WORKERS - 1));
        sampler.reaches(LIMIT);
        // Some die in mid-statement, some freeze, which have four permits each, and others come in their place.
        all.drain(..4).for_each(|mut worker| worker.kill());
        all[..2].iter().for_each(|worker| worker.signal(Signal::STOP));
        all.extend(workers(&fleet, 4));
        sampler.take();
        eventually(SOON, "others have the permits of the dead", || sampler.take() >= LIMIT - 8);
        all[..2].iter().for_each(|worker| worker.signal(Signal::CONT));
        sampler.reaches(LIMIT);
        // Only three are left, and then as many as before.
        let mut leaving: Vec<Worker> = all.drain(3..).collect();
        leaving.iter().for_each(|worker| worker.signal(Signal::TERM));
        leaving.iter_mut().for_each(|worker| assert_eq!(worker.wait_exit(SOON), Some(0)));
        eventually(SOON, "the others have gone", || allowed(&all) == 12.0);
        sampler.take();
        sampler.reaches(3 * usize::from(SLOTS));
        all.extend(workers(&fleet, WORKERS - 3));
        sampler.reaches(LIMIT);
        assert!(sampler.take() <= LIMIT);
    });
    // It may wait for those that were killed.
    fleet.run(&["limit", "--slots", "off"]).says("queue default is not limited");
    fleet.wait("short").expect(0);
    fleet.wait("long").expect(0);
    fleet.assert_each_once();
    assert_eq!(fleet.number("SELECT COUNT(*) FROM long_ones WHERE n = 1"), 5);
}

#[test]
#[ignore = "make faults: forty workers"]
fn a_share_of_dead_jobs_halts_forty_workers_within_five_seconds() {
    let fleet = Fleet::with_own_servers();
    let _workers = workers(&fleet, WORKERS);
    // The first 2,000 are well, and all others fail.
    let job = |id| match id {
        1..=2000 => format!("DO {id} + 0 * SLEEP(0.2);"),
        _ => format!("INSERT INTO nowhere VALUES ({id});"),
    };
    let script = fleet.script((1..=8000).map(job));
    let arguments = ["publish", script.to_str().unwrap(), "--run", "bad", "--chunk", "1", "--halt", "5%"];
    fleet.run(&arguments).expect(0);
    fleet.wait("bad").expect(7).says("run bad: halted");
    fleet.run(&["pause"]).expect(0).says("40 of 40 workers obey");
    // From the job with which the share was passed to the hold.
    let late = "SELECT GREATEST(0, MAX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', h.placed)) - MAX(d.at)) \
                FROM queryfleet_hold h, \
                (SELECT CAST(UNIX_TIMESTAMP(died) * 1000000 AS SIGNED) AS at FROM queryfleet_dead ORDER BY id LIMIT 106, 1) d \
                WHERE h.mark IS NOT NULL";
    let late = fleet.number(late);
    assert!(late < 5_000_000, "{late} µs");
}
