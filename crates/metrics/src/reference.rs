//! The series as a reference for people: docs/metrics.md has it, and `tests/page.rs` keeps it there.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use prometheus::proto::{MetricFamily, MetricType};

use queryfleet_job::{Action, Class, DeadReason, Word};

use crate::{CheckSample, Dependency, Error, Health, KillReason, Labels, Metrics, PublishResult};

/// Labels whose values depend on the installation, and what they are.
const OPEN_LABELS: [(&str, &str); 5] = [
    ("queue", "the queue that the worker serves"),
    ("check", "the checks of the limit, as `queryfleet limit` names them"),
    ("slot", "`1` to `QUERYFLEET_SLOTS`"),
    ("version", "of the program"),
    ("revision", "the commit that it was built from, or `unknown`"),
];

/// Every series in Markdown, as docs/metrics.md has it: name, labels, unit and meaning by type, then the values of each
/// label.
///
/// # Errors
/// As [`Metrics::new`].
pub fn reference() -> Result<String, Error> {
    let labels = Labels { queue: "default", slots: 1, version: "", revision: "" };
    let metrics = Metrics::new(&labels, Health::new(Duration::ZERO))?;
    // A family without samples is left out: these have theirs only when they are read.
    metrics.refresh();
    let check = CheckSample { check: String::new(), value: Some(0.0), limit: Some(0.0), age: Duration::ZERO };
    metrics.set_checks(&[check]);
    let families = metrics.registry.gather();
    let mut text = String::new();
    for (kind, title) in [
        (MetricType::COUNTER, "Counters"),
        (MetricType::HISTOGRAM, "Histograms"),
        (MetricType::GAUGE, "Gauges"),
    ] {
        let _ =
            writeln!(text, "### {title}\n\n| name | labels | unit | meaning |\n| --- | --- | --- | --- |");
        // First our own, then those of every process.
        for is_ours in [true, false] {
            for family in &families {
                if family.get_field_type() == kind && family.name().starts_with("queryfleet_") == is_ours {
                    write_series(&mut text, family);
                }
            }
        }
        text.push('\n');
    }
    write_values(&mut text, "`outcome`", Class::OF_ATTEMPTS);
    write_values(&mut text, "`class`", Class::OF_ERRORS);
    write_values(&mut text, "`action`", &Action::ALL);
    write_values(&mut text, "`reason` of queryfleet_dead_jobs_total", &DeadReason::ALL);
    write_values(&mut text, "`reason` of queryfleet_statements_killed_total", &KillReason::ALL);
    write_values(&mut text, "`result`", &PublishResult::ALL);
    write_values(&mut text, "`dependency`", &Dependency::ALL);
    let _ = writeln!(text, "### Other labels\n\n| label | values |\n| --- | --- |");
    for (label, meaning) in OPEN_LABELS {
        let _ = writeln!(text, "| `{label}` | {meaning} |");
    }
    Ok(text)
}

fn write_series(text: &mut String, family: &MetricFamily) {
    let names: BTreeSet<&str> = family
        .get_metric()
        .iter()
        .flat_map(|metric| metric.get_label().iter().map(|label| label.name()))
        .collect();
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    let name = family.name();
    let help = family.help();
    let _ = writeln!(text, "| `{name}` | {} | {} | {help} |", names.join(" "), unit(name));
}

/// By Prometheus's rule the unit is part of the name.
fn unit(name: &str) -> &'static str {
    let name = name.trim_end_matches("_total");
    match name {
        _ if name.ends_with("_timestamp_seconds") || name.ends_with("_start_time_seconds") => {
            "seconds since 1970"
        }
        _ if name.ends_with("_seconds") => "seconds",
        _ if name.ends_with("_bytes") => "bytes",
        _ => "number",
    }
}

fn write_values<W: Word>(text: &mut String, title: &str, words: &[W]) {
    let _ = writeln!(text, "### {title}\n\n| value | meaning |\n| --- | --- |");
    for word in words {
        let _ = writeln!(text, "| `{}` | {} |", word.as_str(), word.meaning());
    }
    text.push('\n');
}
