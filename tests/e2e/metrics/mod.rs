//! What a worker's metrics count: every outcome is brought about, and every series has to move.

mod faults;
mod outcomes;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use queryfleet_tests::{Fleet, Worker, eventually};

const SOON: Duration = Duration::from_secs(60);

/// Brings outcomes about, on a fleet of its own.
type Scenario = fn(&Seen);

const SCENARIOS: [(&str, Scenario); 13] = [
    ("work", outcomes::work),
    ("dead", outcomes::dead),
    ("unsigned", outcomes::unsigned),
    ("locks", outcomes::locks),
    ("kills", outcomes::kills),
    ("unfit", outcomes::unfit),
    ("cancel", outcomes::cancel),
    ("hold", faults::hold),
    ("limit", faults::limit),
    ("drain", faults::drain),
    ("broker", faults::broker),
    ("database", faults::database),
    ("copies", faults::copies),
];

/// A series that moves where a server takes over a second to answer, as one on a machine with much to do may. The age of
/// the throttle query is the one that has to move.
const WHERE_LATE: &str = r#"queryfleet_check_age_seconds{check="Threads_connected",queue="default"}"#;

/// Series that none of them moves, and why.
const STILL: [(&str, &str); 4] = [
    (
        r#"queryfleet_dead_jobs_total{queue="default",reason="delivery_limit"}"#,
        "it takes the death of several workers: poison.rs looks at it",
    ),
    (r#"queryfleet_dead_jobs_total{queue="default",reason="expired"}"#, "a policy's: moved.rs looks at it"),
    (r#"queryfleet_dead_jobs_total{queue="default",reason="maxlen"}"#, "a policy's: moved.rs looks at it"),
    (r#"queryfleet_dead_jobs_total{queue="default",reason="moved"}"#, "a person's: moved.rs looks at it"),
];

/// The largest value of each series that any worker has shown.
#[derive(Default)]
struct Seen(Mutex<BTreeMap<String, f64>>);

impl Seen {
    /// Waits until each of these series of a worker has been above 0: names without their prefix, and the value of a
    /// label.
    fn moves(&self, worker: &Worker, series: &[(&str, &str)]) {
        for (name, label) in series {
            let (name, label) = (format!("queryfleet_{name}"), format!("=\"{label}\""));
            eventually(SOON, &format!("{name} {label} moves"), || {
                self.look(worker).iter().any(|(key, value)| {
                    key.split('{').next() == Some(&name) && key.contains(&label) && *value > 0.0
                })
            });
        }
    }

    /// Reads all series of a worker, and answers the largest values of this worker's.
    fn look(&self, worker: &Worker) -> Vec<(String, f64)> {
        let (_, body) = worker.get("/metrics");
        let samples = body.lines().filter(|line| line.starts_with("queryfleet_"));
        // The buckets below a job's time stay at 0, and a wait is in whole seconds.
        let samples = samples.filter(|line| !line.contains("_bucket{") && !line.contains("_sum{"));
        let found: Vec<(String, f64)> = samples.filter_map(sample).collect();
        let mut seen = self.0.lock().unwrap();
        for (key, value) in &found {
            let largest = seen.entry(key.clone()).or_default();
            *largest = largest.max(*value);
        }
        found
    }
}

/// A line's name with its labels, and its value; slots count as one.
fn sample(line: &str) -> Option<(String, f64)> {
    let (key, value) = line.rsplit_once(' ')?;
    let key = match key.split_once(",slot=") {
        Some((before, _)) => format!("{before}}}"),
        None => key.to_owned(),
    };
    Some((key, value.parse().ok()?))
}

#[test]
fn every_outcome_moves_its_counters_and_no_series_stands_still() {
    let seen = Seen::default();
    std::thread::scope(|scope| {
        let seen = &seen;
        for (name, scenario) in SCENARIOS {
            let thread = std::thread::Builder::new().name(name.to_owned());
            thread.spawn_scoped(scope, move || scenario(seen)).unwrap();
        }
    });
    let seen = seen.0.into_inner().unwrap();
    assert!(seen.contains_key(WHERE_LATE), "{seen:#?}");
    let still = seen.iter().filter(|(key, value)| **value == 0.0 && *key != WHERE_LATE).map(|(key, _)| key);
    let still: Vec<&String> = still.collect();
    let listed: Vec<&str> = STILL.iter().map(|(key, _)| *key).collect();
    assert_eq!(still, listed, "of {} series; with a reason:\n{STILL:#?}", seen.len());
}

#[test]
fn a_job_that_dies_beside_one_that_is_tried_again_is_counted_as_dead() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    let (broken, fault) = fleet.broken(2);
    let script = fleet.script(["INSERT INTO t (id) VALUES (1);", &broken]);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "beside", "--chunk", "2"]).expect(0);
    let worker = fleet.worker(1);
    let settled = "queryfleet_deliveries_settled_total";
    eventually(SOON, "a retry", || worker.metric(settled, &["action=\"retry\""]) >= 1.0);
    assert_eq!(worker.metric("queryfleet_dead_jobs_total", &["reason=\"error\""]), 1.0);
    drop(fault);
    fleet.wait("beside").expect(3);
    assert_eq!(worker.metric("queryfleet_dead_jobs_total", &[]), 1.0);
    assert_eq!(worker.metric(settled, &["action=\"dead\""]), 0.0);
}
