//! The exposition: names, help texts, labels and values.

// Clippy sees a test in a function that has the attribute, not in its helpers.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use queryfleet_job::{Action, Class, DeadReason, Word};
use queryfleet_metrics::{CheckSample, Dependency, Health, KillReason, Labels, Metrics, PublishResult};

fn metrics() -> Metrics {
    let labels = Labels { queue: "default", slots: 2, version: "0.1.0", revision: "abc" };
    Metrics::new(&labels, Health::new(Duration::from_secs(10))).unwrap()
}

/// The value of the sample with exactly this name and these labels.
fn value(text: &str, sample: &str) -> f64 {
    let found = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {sample} in\n{text}")).parse().unwrap()
}

/// The type of every family, by name.
fn types(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect()
}

fn texts<W: Word>(words: &[W]) -> Vec<&'static str> {
    words.iter().map(|word| word.as_str()).collect()
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

#[test]
fn the_series_are_those_of_the_design() {
    let metrics = metrics();
    let age = Duration::ZERO;
    metrics.set_checks(&[CheckSample { check: "load".into(), value: Some(2.0), limit: Some(5.0), age }]);
    let text = metrics.render();
    let ours: Vec<_> = types(&text).into_keys().filter_map(|name| name.strip_prefix("queryfleet_")).collect();
    let design = [
        "build_info",
        "check_age_seconds",
        "check_limit",
        "check_value",
        "dead_jobs_total",
        "deliveries_settled_total",
        "dependency_up",
        "draining",
        "governor",
        "held",
        "job_duration_seconds",
        "job_errors_total",
        "job_queue_wait_seconds",
        "jobs_in_flight",
        "jobs_started_total",
        "jobs_total",
        "last_job_completed_timestamp_seconds",
        "messages_published_total",
        "oldest_job_started_timestamp_seconds",
        "reconnects_total",
        "redeliveries_total",
        "rows_affected_total",
        "slots",
        "slots_allowed",
        "statements_killed_total",
    ];
    assert_eq!(ours, design);
}

#[test]
fn names_and_help_texts_follow_the_rules_of_prometheus() {
    let text = metrics().render();
    for (name, kind) in types(&text) {
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name} is a {kind}");
        assert!(kind != "histogram" || name.ends_with("_seconds"), "{name} has no unit");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        for part in ["_ms", "_millis", "_minutes", "_kib", "_percent", "_count", "_sum", "_bucket"] {
            assert!(!name.contains(part), "{name}");
        }
        let help =
            text.lines().find_map(|line| line.strip_prefix("# HELP ")?.strip_prefix(name)?.strip_prefix(' '));
        let help = help.unwrap_or_else(|| panic!("{name} has no help"));
        assert!(help.ends_with('.') && help.starts_with(|c: char| c.is_uppercase()), "{name}: {help}");
    }
}

#[test]
fn every_label_value_is_there_from_the_start() {
    let text = metrics().render();
    for slot in ["1", "2"] {
        assert_eq!(
            value(&text, &format!("queryfleet_jobs_started_total{{queue=\"default\",slot=\"{slot}\"}}")),
            0.0
        );
        for outcome in Class::OF_ATTEMPTS {
            let outcome = outcome.as_str();
            let labels = format!("outcome=\"{outcome}\",queue=\"default\",slot=\"{slot}\"");
            assert_eq!(value(&text, &format!("queryfleet_jobs_total{{{labels}}}")), 0.0);
        }
    }
    for (name, label, values) in [
        ("deliveries_settled_total", "action", texts(&Action::ALL)),
        ("dead_jobs_total", "reason", texts(&DeadReason::ALL)),
        ("job_errors_total", "class", texts(Class::OF_ERRORS)),
        ("reconnects_total", "dependency", texts(&Dependency::ALL)),
        ("dependency_up", "dependency", texts(&Dependency::ALL)),
        ("messages_published_total", "result", texts(&PublishResult::ALL)),
        ("statements_killed_total", "reason", texts(&KillReason::ALL)),
        ("job_duration_seconds_count", "outcome", texts(Class::OF_ATTEMPTS)),
    ] {
        for preset in values {
            let (sample, pair) = (format!("queryfleet_{name}{{"), format!("{label}=\"{preset}\""));
            let line = text.lines().find(|line| line.starts_with(&sample) && line.contains(&pair));
            let line = line.unwrap_or_else(|| panic!("no {sample}{pair}"));
            assert!(line.ends_with(" 0"), "{line}");
        }
    }
    for name in
        ["redeliveries_total", "rows_affected_total", "job_queue_wait_seconds_count", "jobs_in_flight"]
    {
        assert_eq!(value(&text, &format!("queryfleet_{name}{{queue=\"default\"}}")), 0.0);
    }
    assert_eq!(value(&text, "queryfleet_slots{queue=\"default\"}"), 2.0);
    assert_eq!(value(&text, "queryfleet_build_info{revision=\"abc\",version=\"0.1.0\"}"), 1.0);
}

#[test]
fn a_job_is_counted_in_its_slot() {
    let metrics = metrics();
    let slot = &metrics.slots()[1];
    let before = now();
    let in_flight = slot.begin(3);

    let text = metrics.render();
    assert_eq!(value(&text, "queryfleet_jobs_in_flight{queue=\"default\"}"), 3.0);
    let oldest = value(&text, "queryfleet_oldest_job_started_timestamp_seconds");
    // The timestamp is cut to milliseconds.
    assert!(oldest >= before - 0.001 && oldest <= now(), "{oldest}");
    assert_eq!(value(&text, "queryfleet_last_job_completed_timestamp_seconds"), 0.0);

    slot.ended(Class::Done, Duration::from_millis(2));
    slot.ended(Class::Done, Duration::from_secs(5000));
    slot.ended(Class::Permanent, Duration::from_millis(2));
    // Its run was purged before its attempt began.
    slot.ended(Class::Stale, Duration::from_millis(2));
    drop(in_flight);

    let text = metrics.render();
    assert_eq!(value(&text, "queryfleet_jobs_in_flight{queue=\"default\"}"), 0.0);
    assert_eq!(value(&text, "queryfleet_oldest_job_started_timestamp_seconds"), 0.0);
    assert!(value(&text, "queryfleet_last_job_completed_timestamp_seconds") >= before - 0.001);
    assert_eq!(value(&text, "queryfleet_jobs_started_total{queue=\"default\",slot=\"2\"}"), 3.0);
    assert_eq!(value(&text, "queryfleet_jobs_total{outcome=\"done\",queue=\"default\",slot=\"2\"}"), 2.0);
    let bucket = |le| {
        format!("queryfleet_job_duration_seconds_bucket{{outcome=\"done\",queue=\"default\",le=\"{le}\"}}")
    };
    assert_eq!(value(&text, &bucket("0.001")), 0.0);
    assert_eq!(value(&text, &bucket("0.0025")), 1.0);
    assert_eq!(value(&text, &bucket("3600")), 1.0);
    assert_eq!(value(&text, &bucket("7200")), 2.0);
}

#[test]
fn the_oldest_job_is_that_of_the_slot_which_began_first() {
    let metrics = metrics();
    let first = metrics.slots()[0].begin(1);
    let began = value(&metrics.render(), "queryfleet_oldest_job_started_timestamp_seconds");
    let _second = metrics.slots()[1].begin(1);
    assert_eq!(value(&metrics.render(), "queryfleet_oldest_job_started_timestamp_seconds"), began);
    drop(first);
    assert!(value(&metrics.render(), "queryfleet_oldest_job_started_timestamp_seconds") >= began);
    assert_eq!(value(&metrics.render(), "queryfleet_jobs_in_flight{queue=\"default\"}"), 1.0);
}

#[test]
fn what_happens_outside_of_slots_is_counted() {
    let metrics = metrics();
    metrics.settled(Action::Dead);
    metrics.dead(DeadReason::Timeout);
    metrics.job_error(Class::Conflict);
    // Not an error: it has no series.
    metrics.job_error(Class::EndedBefore);
    metrics.published(PublishResult::Nacked);
    metrics.redelivered();
    metrics.rows_affected(7);
    metrics.queue_wait(Duration::from_secs(2));
    metrics.reconnected(Dependency::Database);
    metrics.statement_killed(KillReason::Drain);
    metrics.health().set_connected(Dependency::Broker, true);
    metrics.health().set_draining(true);
    let text = metrics.render();
    for (sample, expected) in [
        ("deliveries_settled_total{action=\"dead\",queue=\"default\"}", 1.0),
        ("dead_jobs_total{queue=\"default\",reason=\"timeout\"}", 1.0),
        ("job_errors_total{class=\"conflict\",queue=\"default\"}", 1.0),
        ("messages_published_total{queue=\"default\",result=\"nacked\"}", 1.0),
        ("redeliveries_total{queue=\"default\"}", 1.0),
        ("rows_affected_total{queue=\"default\"}", 7.0),
        ("job_queue_wait_seconds_sum{queue=\"default\"}", 2.0),
        ("reconnects_total{dependency=\"database\"}", 1.0),
        ("statements_killed_total{reason=\"drain\"}", 1.0),
        ("dependency_up{dependency=\"broker\"}", 1.0),
        ("dependency_up{dependency=\"database\"}", 0.0),
        ("draining", 1.0),
    ] {
        assert_eq!(value(&text, &format!("queryfleet_{sample}")), expected, "{sample}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_process_set_is_there() {
    let text = metrics().render();
    assert!(value(&text, "process_resident_memory_bytes") > 0.0);
    assert!(types(&text).contains_key("process_cpu_seconds_total"));
}

#[test]
fn two_processes_worth_of_metrics_do_not_share_a_registry() {
    let (one, other) = (metrics(), metrics());
    one.redelivered();
    assert_eq!(value(&other.render(), "queryfleet_redeliveries_total{queue=\"default\"}"), 0.0);
}
