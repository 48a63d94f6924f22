//! A queue whose slots are limited: no more statements run at once than it allows, whatever becomes of the workers.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use queryfleet_tests::{Fleet, Link, Proxy, Signal, Worker, eventually};

const SOON: Duration = Duration::from_secs(30);
/// How often the statements that run are counted.
const SAMPLED_EVERY: Duration = Duration::from_millis(20);

/// What was counted since it was last taken: statements whose text has a word, those of dead workers among them.
pub(crate) struct Sampler {
    most: AtomicUsize,
    samples: AtomicUsize,
    ends: AtomicBool,
}

impl Sampler {
    /// Samples while `body` runs.
    pub(crate) fn beside(fleet: &Fleet, word: &str, body: impl FnOnce(&Sampler)) {
        let sampler =
            Sampler { most: AtomicUsize::new(0), samples: AtomicUsize::new(0), ends: AtomicBool::new(false) };
        std::thread::scope(|scope| {
            let sampling = scope.spawn(|| {
                let mut client = fleet.client();
                while !sampler.ends.load(Ordering::Relaxed) {
                    let sessions = client.try_sessions().unwrap();
                    let running = sessions.iter().filter(|session| session.text.contains(word)).count();
                    sampler.most.fetch_max(running, Ordering::Relaxed);
                    sampler.samples.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(SAMPLED_EVERY);
                }
            });
            // The thread has to end also when the body fails.
            let ending = End(&sampler);
            body(&sampler);
            drop(ending);
            sampling.join().unwrap();
        });
    }

    /// The most since this was last called, of several samples at least.
    pub(crate) fn take(&self) -> usize {
        let before = self.samples.load(Ordering::Relaxed);
        eventually(SOON, "it was sampled", || self.samples.load(Ordering::Relaxed) >= before + 5);
        self.most.swap(0, Ordering::Relaxed)
    }

    /// Waits until so many run at once, and never more.
    pub(crate) fn reaches(&self, count: usize) {
        let mut most = 0;
        eventually(SOON, "all permits are used", || {
            most = most.max(self.take());
            most >= count
        });
        assert_eq!(most, count);
    }
}

struct End<'a>(&'a Sampler);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.ends.store(true, Ordering::Relaxed);
    }
}

/// How many slots of these workers may have a message.
pub(crate) fn allowed(workers: &[Worker]) -> f64 {
    workers.iter().map(|worker| worker.metric("queryfleet_slots_allowed", &[])).sum()
}

#[test]
fn no_more_statements_run_than_are_allowed_whatever_becomes_of_the_workers() {
    let fleet = Fleet::new();
    fleet.make_counters(400);
    let job = |id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP(0.2) WHERE id = {id};");
    let script = fleet.script((1..=400).map(job));
    fleet.run(&["limit"]).expect(0).says("queue default is not limited");
    let said = fleet.run(&["limit", "--slots", "3", "--because", "replicas lag", "--by", "dba"]).expect(0);
    said.says("queue default is limited to 3 slots; 0 in use").says("by dba: replicas lag");
    let mut workers: Vec<Worker> = (0..4).map(|_| fleet.worker(2)).collect();
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "many", "--chunk", "1"]).expect(0);
    fleet.run(&["status"]).expect(0).says("queue default is limited to 3 slots");
    Sampler::beside(&fleet, "SLEEP(0.2)", |sampler| {
        sampler.reaches(3);
        assert_eq!(allowed(&workers), 3.0);
        // More, and fewer: what runs ends first.
        fleet.run(&["limit", "--slots", "6"]).expect(0).says("4 of 4 workers obey the limit");
        sampler.reaches(6);
        fleet.run(&["limit", "--slots", "2"]).expect(0);
        eventually(SOON, "two are left", || allowed(&workers) == 2.0 && sampler.take() <= 2);
        sampler.reaches(2);
        // A worker that drains, and one more that starts.
        let index = workers.iter().position(|worker| worker.metric("queryfleet_slots_allowed", &[]) > 0.0);
        assert_eq!(workers.remove(index.unwrap()).drain(), Some(0));
        workers.push(fleet.worker(2));
        sampler.reaches(2);
        fleet.run(&["limit", "--slots", "off"]).expect(0).says("is not limited");
        eventually(SOON, "all slots are used", || sampler.take() == 8);
    });
    fleet.wait("many").expect(0);
    fleet.assert_each_once();
    for worker in &workers {
        assert_eq!(worker.get("/readyz"), (200, "ok\n".into()));
    }
}

#[test]
#[ignore = "make faults: takes long"]
fn a_statement_that_outlives_its_worker_keeps_the_permit_and_a_frozen_worker_that_thaws_has_lost_it() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    // A statement waits for the row for as long as the test wants, also when its client is gone, which ends a SLEEP.
    let mut lock = fleet.client();
    lock.run("BEGIN; UPDATE t SET n = n WHERE id = 1").unwrap();
    fleet.run(&["limit", "--slots", "1"]).expect(0);
    let mut first = fleet.worker(1);
    eventually(SOON, "it has the permit", || first.metric("queryfleet_slots_allowed", &[]) == 1.0);
    let second = fleet.worker(1);
    let script = fleet.script(["UPDATE t SET n = n + 1 WHERE id = 1;"]);
    fleet.publish(&script, "long");
    eventually(SOON, "it runs", || fleet.running("UPDATE t SET n = n + 1") == 1);
    let owner = || fleet.rows::<(String,)>("SELECT owner FROM queryfleet_permit WHERE id = 0").remove(0).0;
    let dead = owner();
    first.kill();
    // Its row grows old, and its statement runs on: the broker gives the job to nobody.
    let silent =
        format!("SELECT TIMESTAMPDIFF(SECOND, seen, NOW()) > 18 FROM queryfleet_worker WHERE id = '{dead}'");
    eventually(SOON, "it counts as silent", || fleet.number(&silent) == 1);
    assert_eq!((owner(), second.metric("queryfleet_slots_allowed", &[])), (dead, 0.0));
    assert_eq!(fleet.running("UPDATE t SET n = n + 1"), 1);
    let (code, text) = second.get("/readyz");
    assert_eq!((code, text.contains("limited: the queue is limited: 1 slot")), (200, true), "{text}");
    // It commits, and the job that comes again meets its ledger row.
    drop(lock);
    fleet.wait("long").expect(0);
    eventually(SOON, "the other has it", || second.metric("queryfleet_slots_allowed", &[]) == 1.0);
    // Frozen for longer than its sessions live: another one gets the permit, and this one begins nothing when it thaws.
    second.signal(Signal::STOP);
    let mut third = fleet.worker(1);
    eventually(Duration::from_secs(120), "its permit is free", || {
        third.metric("queryfleet_slots_allowed", &[]) == 1.0
    });
    // Two: the broker may still give one to the frozen worker, which gives it back when it thaws.
    let job = |id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP(3) WHERE id = {id};");
    let slow = fleet.script([job(2), job(3)]);
    fleet.run(&["publish", slow.to_str().unwrap(), "--run", "slow", "--chunk", "1"]).expect(0);
    eventually(SOON, "it runs", || fleet.running("SLEEP(3)") == 1);
    second.signal(Signal::CONT);
    eventually(SOON, "it knows", || second.metric("queryfleet_slots_allowed", &[]) == 0.0);
    fleet.wait("slow").expect(0);
    fleet.assert_each_once();
    // What drains gives its permit back at once.
    let since = Instant::now();
    assert_eq!(third.drain(), Some(0));
    eventually(SOON, "the other has it", || second.metric("queryfleet_slots_allowed", &[]) == 1.0);
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
}

#[test]
fn a_statement_that_outlives_its_session_keeps_its_slot_from_beginning_another() {
    let fleet = Fleet::new();
    let script = fleet.counters(20);
    let mut lock = fleet.client();
    lock.run("BEGIN; UPDATE t SET n = n WHERE id <= 2").unwrap();
    let proxy = Proxy::to(&fleet.mysql_url());
    let url = proxy.url(&fleet.mysql_url());
    // Statements that begin before the limit count, too.
    let worker = fleet.worker_with(2, &[("QUERYFLEET_MYSQL_URL", &url)]);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "cut", "--chunk", "1"]).expect(0);
    let running = || fleet.running("UPDATE t SET n = n + 1");
    eventually(SOON, "two wait for their rows", || running() == 2);
    fleet.run(&["limit", "--slots", "2"]).expect(0);
    eventually(SOON, "it has both permits", || worker.metric("queryfleet_slots_allowed", &[]) == 2.0);
    // The server does not notice: it executes them on. The worker connects anew.
    proxy.cut();
    let sessions = || fleet.rows::<Option<String>>("SELECT sessions FROM queryfleet_worker").remove(0);
    let ids = |text: Option<String>| text.unwrap_or_default().matches("\"id\"").count();
    eventually(SOON, "it has others", || ids(sessions()) > 2);
    let seen = || fleet.rows::<String>("SELECT CAST(seen AS CHAR) FROM queryfleet_worker").remove(0);
    for _ in 0..3 {
        let before = seen();
        eventually(SOON, "it was heard of", || seen() != before);
    }
    assert_eq!((fleet.ledger("done"), running()), (0, 2), "nothing has begun beside them");
    assert_eq!(worker.get("/readyz").0, 200);
    drop(lock);
    fleet.wait("cut").expect(0);
    fleet.assert_each_once();
}

#[test]
#[ignore = "make faults: takes long"]
fn a_statement_that_began_before_the_limit_keeps_the_permit_of_its_dead_worker() {
    let fleet = Fleet::new();
    let script = fleet.counters(2);
    let mut lock = fleet.client();
    lock.run("BEGIN; UPDATE t SET n = n WHERE id = 1").unwrap();
    let mut first = fleet.worker(1);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "long", "--chunk", "1"]).expect(0);
    eventually(SOON, "it runs", || fleet.running("UPDATE t SET n = n + 1") == 1);
    fleet.run(&["limit", "--slots", "1"]).expect(0);
    eventually(SOON, "it has the permit", || first.metric("queryfleet_slots_allowed", &[]) == 1.0);
    first.kill();
    let second = fleet.worker(1);
    let silent = "SELECT MAX(TIMESTAMPDIFF(SECOND, seen, NOW())) > 20 FROM queryfleet_worker";
    eventually(SOON, "it counts as silent", || fleet.number(silent) == 1);
    assert_eq!((second.metric("queryfleet_slots_allowed", &[]), fleet.ledger("done")), (0.0, 0));
    drop(lock);
    fleet.wait("long").expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_worker_whose_row_is_gone_says_anew_what_it_obeys() {
    let fleet = Fleet::new();
    let script = fleet.counters(1);
    let _worker = fleet.worker(1);
    fleet.run(&["limit", "--slots", "1"]).expect(0);
    fleet.publish(&script, "one");
    fleet.wait("one").expect(0);
    let says =
        "SELECT COUNT(*) FROM queryfleet_worker WHERE limit_version IS NOT NULL AND sessions IS NOT NULL";
    assert_eq!(fleet.number(says), 1);
    // As after a failover to a server that lacks the last writes.
    fleet.sql("DELETE FROM queryfleet_worker");
    eventually(SOON, "it says it again", || fleet.number(says) == 1);
}

#[test]
#[ignore = "make faults: takes long"]
fn a_worker_without_a_way_to_the_broker_leaves_its_permits_to_others() {
    let fleet = Fleet::new();
    let proxy = Proxy::to(&fleet.amqp_url());
    let cut = fleet.worker_with(2, &[("QUERYFLEET_AMQP_URL", &proxy.url(&fleet.amqp_url()))]);
    fleet.run(&["limit", "--slots", "2"]).expect(0);
    eventually(SOON, "it has them", || cut.metric("queryfleet_slots_allowed", &[]) == 2.0);
    let other = fleet.worker(2);
    proxy.set(Link { stalled: true, ..Link::default() });
    proxy.cut();
    eventually(SOON, "the other has them", || other.metric("queryfleet_slots_allowed", &[]) == 2.0);
    proxy.set(Link::default());
    drop(other);
    eventually(SOON, "it has them again", || cut.metric("queryfleet_slots_allowed", &[]) == 2.0);
}

/// A broker that takes more than a second to answer is far away, not cut off.
#[test]
fn a_limited_worker_serves_over_a_slow_link() {
    let fleet = Fleet::new();
    let proxy = Proxy::to(&fleet.amqp_url());
    proxy.set(Link { delay: Duration::from_millis(400), ..Link::default() });
    let script = fleet.counters(4);
    fleet.run(&["limit", "--slots", "2"]).expect(0);
    let worker = fleet.worker_with(4, &[("QUERYFLEET_AMQP_URL", &proxy.url(&fleet.amqp_url()))]);
    eventually(SOON, "it has its permits", || worker.metric("queryfleet_slots_allowed", &[]) == 2.0);
    fleet.publish(&script, "far");
    fleet.wait("far").expect(0);
    fleet.assert_each_once();
}

#[test]
fn all_workers_together_keep_to_a_rate_with_chunks_and_without() {
    const RATE: f64 = 200.0;
    let fleet = Fleet::new();
    fleet.make_counters(2000);
    fleet.run(&["limit", "--rate", "200/s"]).expect(0).says("queue default is limited to 200 jobs/s");
    let mut workers: Vec<Worker> = (0..3).map(|_| fleet.worker(4)).collect();
    workers.iter().for_each(|worker| _ = worker.serves());
    for (name, chunk, ids) in [("single", "1", 1..=1000), ("chunks", "32", 1001..=2000)] {
        let jobs: Vec<u64> = ids.collect();
        let script = fleet.script(jobs.iter().map(|id| format!("UPDATE t SET n = n + 1 WHERE id = {id};")));
        fleet.run(&["publish", script.to_str().unwrap(), "--run", name, "--chunk", chunk]).expect(0);
        let run = fleet.run_id(name);
        let done = || fleet.number(&format!("SELECT COUNT(*) FROM queryfleet_ledger WHERE run = {run}"));
        eventually(SOON, "the first jobs have ended", || done() > 0);
        let since = Instant::now();
        let mut samples = vec![(Duration::ZERO, done())];
        eventually(SOON, "all jobs have ended", || {
            samples.push((since.elapsed(), done()));
            samples.last().unwrap().1 == 1000
        });
        let took = since.elapsed().as_secs_f64();
        assert!((1000.0 / took) >= 0.9 * RATE, "{name}: {took} s");
        // In any time: what the rate has for it, what was claimed for half a second, and a chunk.
        for (index, (from, before)) in samples.iter().enumerate() {
            for (to, after) in &samples[index..] {
                let most = RATE * ((*to - *from).as_secs_f64() + 0.5) + chunk.parse::<f64>().unwrap() + 10.0;
                let begun = (after - before) as f64;
                assert!(begun <= most, "{name}: {begun} from {from:?} to {to:?}");
            }
        }
        // The second run has one worker more, and one less.
        workers.push(fleet.worker(4));
        assert_eq!(workers.remove(0).drain(), Some(0));
    }
    fleet.run(&["limit", "--rate", "off"]).expect(0).says("is not limited");
    fleet.assert_each_once();
}

#[test]
fn a_limit_that_is_not_signed_or_not_understood_is_not_obeyed() {
    let keys = [("QUERYFLEET_SIGNING_KEY", "a signing key of the tests")];
    let fleet = Fleet::new();
    let worker = fleet.worker_with(2, &keys);
    worker.serves();
    let allowed = || worker.metric("queryfleet_slots_allowed", &[]);
    fleet.run_with(&["limit", "--slots", "1"], &keys).expect(0);
    eventually(SOON, "it obeys", || allowed() == 1.0);
    // Without the key, by hand, and by putting the row back.
    fleet.sql("CREATE TABLE kept AS SELECT * FROM queryfleet_limit");
    let said = fleet.run(&["limit", "--slots", "2"]).expect(1);
    said.says("0 of 1 worker obey the limit").says(&format!(":{}", worker.pid()));
    assert_eq!(allowed(), 1.0);
    fleet.run_with(&["limit", "--slots", "2"], &keys).expect(0);
    eventually(SOON, "it obeys", || allowed() == 2.0);
    fleet.sql("REPLACE INTO queryfleet_limit SELECT * FROM kept");
    let polls = || fleet.number("SELECT ROUND(1000 * UNIX_TIMESTAMP(MAX(seen))) FROM queryfleet_worker");
    let before = polls();
    eventually(SOON, "it has looked", || polls() > before + 2000);
    assert_eq!(allowed(), 2.0);
    // A worker that has never known another one begins nothing.
    fleet.sql("UPDATE queryfleet_limit SET version = 9, terms = '{\"moon\":1}', signature = NULL");
    let late = fleet.worker(2);
    eventually(SOON, "it is closed", || late.metric("queryfleet_slots_allowed", &[]) == 0.0);
    let (code, text) = late.get("/readyz");
    assert_eq!((code, text.contains("this version does not know")), (200, true), "{text}");
}

#[test]
fn bad_limits_change_nothing() {
    let fleet = Fleet::new();
    for bad in ["0", "-1", "many", "10001"] {
        fleet.run(&["limit", &format!("--slots={bad}")]).expect(2);
    }
    for bad in ["500", "0/s", "-1/s", "5/day", "1e9/s"] {
        fleet.run(&["limit", &format!("--rate={bad}")]).expect(2).says("/s");
    }
    fleet.run(&["limit", "--json"]).expect(0).says("\"version\":0");
    fleet.sql(
        "INSERT INTO queryfleet_worker (id, name, queue, slots, in_flight) VALUES (REPEAT('0', 32), 'older:1', 'default', 4, 4)",
    );
    let said = fleet.run(&["limit", "--slots", "5"]).expect(1);
    said.says("does not know of limits, and executing jobs: older:1");
    let json = fleet.run(&["limit", "--json"]).expect(0).json();
    assert_eq!((json["slots"].as_u64(), json["version"].as_u64()), (Some(5), Some(1)));
}

#[test]
fn a_ledger_of_a_version_without_limits_is_served_and_gets_them_by_setup() {
    let fleet = Fleet::new();
    fleet.sql(
        "DROP TABLE queryfleet_limit, queryfleet_permit, queryfleet_rate, queryfleet_governor, queryfleet_event; \
         ALTER TABLE queryfleet_run DROP COLUMN kept, DROP COLUMN approved, DROP COLUMN halt, \
         DROP COLUMN halt_base; ALTER TABLE queryfleet_hold DROP COLUMN mark; \
         ALTER TABLE queryfleet_worker DROP COLUMN limit_version, DROP COLUMN account, DROP COLUMN sessions; \
         UPDATE queryfleet_meta SET value = '2' WHERE name = 'additions'",
    );
    let script = fleet.counters(10);
    let worker = fleet.worker(2);
    fleet.publish(&script, "before");
    fleet.wait("before").expect(0);
    fleet.run(&["limit", "--slots", "1"]).expect(1).says("queryfleet setup");
    fleet.run(&["setup"]).expect(0);
    fleet.run(&["limit", "--slots", "1"]).expect(0).says("1 of 1 worker obey");
    fleet.assert_each_once();
    drop(worker);
}

#[test]
fn the_default_of_a_deployment_keeps_what_a_person_has_set() {
    let fleet = Fleet::new();
    fleet.run(&["setup"]).expect(0);
    let deploy =
        |slots: &str| fleet.run(&["limit", "--default", "--by", "helm/a", "--slots", slots]).expect(0);
    deploy("40").says("is limited to 40 slots");
    deploy("30").says("is limited to 30 slots");
    fleet.run(&["limit", "--slots", "4", "--by", "dba", "--because", "replicas lag"]).expect(0);
    deploy("50").says("kept: queue default is limited to 4 slots").says("by dba: replicas lag");
    fleet.run(&["limit", "--slots", "off", "--by", "dba"]).expect(0);
    deploy("50").says("kept: queue default is not limited").says("by dba");
    // Whoever wants the default back says so.
    fleet.run(&["limit", "--slots", "50", "--by", "helm/a"]).expect(0);
    deploy("60").says("is limited to 60 slots");
    fleet.run(&["limit", "--default", "--slots", "4"]).expect(2).says("--by");
}
