//! The lag of a real replica over minutes: one that slows down in the middle, and one that applies in parallel.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use queryfleet_tests::{Client, Fleet, Worker, eventually};

const SOON: Duration = Duration::from_secs(40);
/// `--max-lag`, in seconds.
const LIMIT: f64 = 5.0;
/// What is in the relay log when the governor notices cannot be taken back, nor what runs.
const REACTION: f64 = 2.0;

/// A fleet of 20 slots that would do 200 jobs per second, and a replica.
struct Lagging {
    fleet: Fleet,
    replica: Client,
    _workers: Vec<Worker>,
}

impl Lagging {
    fn new(jobs: u64, appliers: u32, seconds_on_the_replica: f64) -> Lagging {
        let fleet = Fleet::with_replica();
        fleet.make_counters(jobs);
        let mut replica = Client::connect(&fleet.replica_url());
        eventually(SOON, "the replica has the rows", || {
            replica.try_rows::<(u64,)>("SELECT COUNT(*) FROM t").is_ok_and(|rows| rows[0].0 == jobs)
        });
        fleet.replica().query("STOP SLAVE").unwrap();
        // Row events fire triggers on a replica only with this setting.
        fleet.replica().query("SET GLOBAL slave_run_triggers_for_rbr = YES").unwrap();
        fleet.replica().query(&format!("SET GLOBAL slave_parallel_threads = {appliers}")).unwrap();
        fleet.replica().query("START SLAVE").unwrap();
        let replicas = fleet.replica_url();
        let replicas = [("QUERYFLEET_REPLICAS", replicas.as_str())];
        fleet.run_with(&["limit", "--max-lag", "5s"], &replicas).expect(0);
        let workers: Vec<Worker> = (0..5).map(|_| fleet.worker_with(4, &replicas)).collect();
        let mut lagging = Lagging { fleet, replica, _workers: workers };
        lagging.takes(seconds_on_the_replica);
        // A tenth of a second on the average, some of them ten times as long as others.
        let seconds = |id: u64| if id.is_multiple_of(10) { 0.55 } else { 0.05 };
        let job = |id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP({}) WHERE id = {id};", seconds(id));
        let script = lagging.fleet.script((1..=jobs).map(job));
        let publish = ["publish", script.to_str().unwrap(), "--run", "spared", "--chunk", "1"];
        lagging.fleet.run(&publish).expect(0);
        eventually(SOON, "jobs are done", || lagging.fleet.ledger("done") > 0);
        lagging
    }

    /// From now on each job takes so long on the replica.
    fn takes(&mut self, seconds: f64) {
        self.replica.run("DROP TRIGGER IF EXISTS slow").unwrap();
        let trigger = format!(
            "CREATE TRIGGER slow BEFORE UPDATE ON t FOR EACH ROW SET NEW.n = NEW.n + 0 * SLEEP({seconds})"
        );
        self.replica.run(&trigger).unwrap();
    }

    /// The worst lag in this time, and the jobs per second in its second half. The lag is the age of the first job that is
    /// done and not on the replica.
    fn watch(&mut self, time: Duration) -> (f64, f64) {
        let mut primary = self.fleet.client();
        let mut seen: VecDeque<(u64, Instant)> = VecDeque::new();
        let mut worst: f64 = 0.0;
        let mut half = None;
        let since = Instant::now();
        while since.elapsed() < time {
            let there = self.replica.rows::<(u64,)>("SELECT COUNT(*) FROM queryfleet_ledger").remove(0).0;
            let done = primary.rows::<(u64,)>("SELECT COUNT(*) FROM queryfleet_ledger").remove(0).0;
            seen.push_back((done, Instant::now()));
            while seen.front().is_some_and(|(done, _)| *done <= there) {
                seen.pop_front();
            }
            worst = worst.max(seen.front().map_or(0.0, |(_, at)| at.elapsed().as_secs_f64()));
            if half.is_none() && since.elapsed() >= time / 2 {
                half = Some((done, Instant::now()));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let (before, since) = half.unwrap();
        let done = primary.rows::<(u64,)>("SELECT COUNT(*) FROM queryfleet_ledger").remove(0).0;
        (worst, (done - before) as f64 / since.elapsed().as_secs_f64())
    }
}

#[test]
#[ignore = "make faults: two minutes"]
fn a_replica_that_slows_down_to_a_third_stays_near_the_limit() {
    let mut lagging = Lagging::new(9000, 0, 0.04);
    let (worst, _) = lagging.watch(Duration::from_secs(40));
    assert!(worst <= LIMIT + 0.5, "{worst} s of lag");
    lagging.takes(0.12);
    let (worst, rate) = lagging.watch(Duration::from_secs(60));
    println!("it bears 8.3 jobs/s: {worst:.1} s, {rate:.1} jobs/s");
    assert!(worst <= LIMIT + REACTION, "{worst} s of lag");
    lagging.takes(0.04);
    let (worst, _) = lagging.watch(Duration::from_secs(40));
    assert!(worst <= LIMIT + REACTION, "{worst} s of lag");
}

#[test]
#[ignore = "make faults: a minute"]
fn a_replica_that_applies_in_parallel_is_used_for_more_than_one_applier_bears() {
    let mut lagging = Lagging::new(9000, 4, 0.04);
    let (worst, rate) = lagging.watch(Duration::from_secs(90));
    println!("four appliers: {worst:.1} s, {rate:.1} jobs/s");
    assert!(worst <= LIMIT + 0.5, "{worst} s of lag");
    assert!(rate >= 1.2 * 25.0, "{rate} jobs/s");
}

/// Ten minutes near the limit, and the rest without it: nothing is lost or doubled, on the replica either.
fn ten_minutes(jobs: u64, appliers: u32, seconds_on_the_replica: f64, least_rate: f64) {
    let mut lagging = Lagging::new(jobs, appliers, seconds_on_the_replica);
    let (worst, rate) = lagging.watch(Duration::from_secs(600));
    println!("{appliers} appliers in parallel: {worst:.1} s, {rate:.1} jobs/s");
    assert!(worst <= LIMIT + 0.5, "{worst} s of lag");
    assert!(rate >= least_rate, "{rate} jobs/s");
    lagging.takes(0.0);
    lagging.fleet.run(&["limit", "--max-lag", "off"]).expect(0);
    let rest = Duration::from_secs(600);
    eventually(rest, "the rest is done", || lagging.fleet.ledger("done") == jobs);
    lagging.fleet.wait("spared").expect(0);
    lagging.fleet.assert_each_once();
    let replica = &mut lagging.replica;
    eventually(SOON, "the replica has each once", || {
        replica.rows::<(u64,)>("SELECT COUNT(*) FROM t WHERE n = 1")[0].0 == jobs
    });
}

#[test]
#[ignore = "make long-test: ten minutes"]
fn ten_minutes_of_a_replica_that_bears_a_quarter_of_the_fleet() {
    ten_minutes(34_000, 0, 0.02, 0.7 * 50.0);
}

#[test]
#[ignore = "make long-test: ten minutes"]
fn ten_minutes_of_a_replica_that_applies_in_parallel() {
    ten_minutes(60_000, 4, 0.04, 1.2 * 25.0);
}

#[test]
fn a_statement_that_lasts_longer_than_the_lag_that_is_allowed_is_said() {
    let fleet = Fleet::with_replica();
    fleet.make_counters(1);
    let replicas = fleet.replica_url();
    let replicas = [("QUERYFLEET_REPLICAS", replicas.as_str())];
    let _worker = fleet.worker_with(1, &replicas);
    let script = fleet.script(["UPDATE t SET n = n + 1 + 0 * SLEEP(8) WHERE id = 1;"]);
    fleet.publish(&script, "long");
    eventually(SOON, "it executes", || fleet.running("SLEEP(8)") == 1);
    fleet.run_with(&["limit", "--max-lag", "2s"], &replicas).expect(0);
    eventually(SOON, "it has lasted for longer", || {
        let said = fleet.run_with(&["limit"], &replicas).expect(0).out;
        said.contains("job 1 of run") && said.contains("a lag below 2 s may not be kept")
    });
    let json = fleet.run_with(&["limit", "--json"], &replicas).expect(0).json();
    let said = &json["outlasts_lag"];
    assert_eq!((said["run"].as_u64(), said["seq"].as_u64()), (Some(fleet.run_id("long").0), Some(1)));
    assert!(said["seconds"].as_u64() >= Some(2) && said["connection"].as_u64() > Some(0), "{said}");
    fleet.wait("long").expect(0);
    assert!(!fleet.run(&["status"]).expect(0).out.contains("may not be kept"));
}
