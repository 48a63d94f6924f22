//! What a log tells of thousands of jobs that fail, and of many slots that cannot work: few lines for a person, each job for whoever asks.

use std::collections::BTreeSet;
use std::time::Duration;

use queryfleet_tests::{Fleet, Proxy, eventually};
use serde_json::Value;

const JOBS: u64 = 2000;

/// A run of jobs that all die, and the lines that its worker has logged at this level, as JSON.
fn lines(fleet: &Fleet, level: &str) -> Vec<Value> {
    fleet.make_counters(1);
    let script = fleet.script((0..JOBS).map(|_| "INSERT INTO t (id) VALUES (1);"));
    fleet.publish(&script, "flood");
    let variables = [("QUERYFLEET_LOG", level), ("QUERYFLEET_LOG_FORMAT", "json")];
    let mut worker = fleet.worker_with(4, &variables);
    worker.serves();
    fleet.run_with(&["wait", "flood"], &[]).expect(3);
    assert_eq!(worker.drain(), Some(0));
    let log = worker.log();
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// Requires what is told of a job: its run, its place, and who had it.
fn assert_whole(fleet: &Fleet, line: &Value) {
    assert_eq!(line["run"], fleet.run_id("flood").to_string(), "{line}");
    assert!(line["seq"].as_u64().is_some_and(|seq| (1..=JOBS).contains(&seq)), "{line}");
    assert!(line["slot"].as_u64().is_some_and(|slot| (1..=4).contains(&slot)), "{line}");
    assert!(line["worker"].as_str().is_some_and(|worker| worker.contains(':')), "{line}");
    assert!(line["error"].as_str().is_some_and(|error| error.contains("1062")), "{line}");
}

#[test]
fn a_flood_of_dead_jobs_is_a_few_lines_at_info() {
    let fleet = Fleet::new();
    let lines = lines(&fleet, "info");
    let dead: Vec<&Value> = lines.iter().filter(|line| line["level"] == "WARN").collect();
    // The first at once, then one every ten seconds, and the rest at the end.
    assert!((2..=20).contains(&dead.len()) && lines.len() <= dead.len() + 5, "{lines:#?}");
    dead.iter().for_each(|line| assert_whole(&fleet, line));
    assert_eq!((&dead[0]["message"], &dead[0]["count"]), (&"job is dead".into(), &1.into()));
    assert!(dead[1]["message"].as_str().unwrap().starts_with("jobs are dead"), "{}", dead[1]);
    assert_eq!(dead.iter().filter_map(|line| line["count"].as_u64()).sum::<u64>(), JOBS);
}

#[test]
fn each_job_is_one_line_at_debug() {
    let fleet = Fleet::new();
    let lines = lines(&fleet, "debug");
    let settled: Vec<&Value> = lines.iter().filter(|line| line["message"] == "job settled").collect();
    settled.iter().for_each(|line| {
        assert_whole(&fleet, line);
        assert_eq!((&line["level"], &line["class"]), (&"DEBUG".into(), &"permanent".into()), "{line}");
        assert_eq!(line["settlement"], "dead", "{line}");
    });
    let seqs: BTreeSet<u64> = settled.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!((settled.len() as u64, seqs.len() as u64), (JOBS, JOBS));
    // What is told of jobs is whole, and no other lines come with each of them.
    let others = lines.len() - settled.len();
    assert!(others < 200, "{others} lines more");
}

#[test]
fn a_broker_that_is_away_is_a_few_lines_however_many_slots_miss_it() {
    const SLOTS: u16 = 64;
    let fleet = Fleet::new();
    let proxy = Proxy::to(&fleet.amqp_url());
    let url = proxy.url(&fleet.amqp_url());
    let mut worker = fleet.worker_with(SLOTS, &[("QUERYFLEET_AMQP_URL", &url)]);
    worker.serves();
    eventually(Duration::from_secs(30), "it is ready", || worker.get("/readyz").0 == 200);
    // Nobody listens there any more.
    drop(proxy);
    eventually(Duration::from_secs(30), "every slot misses it", || worker.get("/readyz").0 == 503);
    assert_eq!(worker.drain(), Some(0));
    let log = worker.log();
    let away: Vec<&str> =
        log.lines().filter(|line| line.contains("WARN") && line.contains("serve")).collect();
    assert!((2..=10).contains(&away.len()), "{log}");
    let whole = |line: &&str| {
        ["class=\"broker\"", "error=", "worker=", "slot="].iter().all(|part| line.contains(part))
    };
    assert!(away.iter().all(whole), "{away:#?}");
    assert!(away[0].contains("slot cannot serve") && away[0].ends_with("count=1"), "{away:#?}");
    // The rest of them at the end, if not before.
    assert!(away[1].contains("tries of slots to serve have failed, the first of them"), "{away:#?}");
    let counted = |line: &str| line.split_once("count=")?.1.trim().parse::<u64>().ok();
    assert!(away.iter().filter_map(|line| counted(line)).sum::<u64>() > 10, "{away:#?}");
}
