//! The series as a reference for people: docs/metrics.md has it, and a test keeps it there.

use std::collections::BTreeSet;
use std::fmt::Write;

use prometheus::proto::{MetricFamily, MetricType};

use crate::{Dependency, KillReason, Metrics, PublishResult};

/// What each value of a label says.
pub type Meanings<'a> = [(&'a str, &'a str)];

/// Labels whose values are an installation's own, and what they are.
const OPEN: [(&str, &str); 4] = [
    ("queue", "the queue that the worker serves"),
    ("slot", "`1` to `QUERYFLEET_SLOTS`"),
    ("version", "of the program"),
    ("revision", "the commit that it was built from, or `unknown`"),
];

impl Metrics {
    /// Every series in Markdown: name, labels, unit and meaning by type, then the values of each label. `sets` are the
    /// closed sets of values that other crates own, each under its title.
    pub fn reference(&self, sets: &[(&str, &Meanings<'_>)]) -> String {
        // A family without samples is left out: these have theirs only when they are read.
        self.refresh();
        let families = self.registry.gather();
        let mut text = String::new();
        for (kind, title) in [
            (MetricType::COUNTER, "Counters"),
            (MetricType::HISTOGRAM, "Histograms"),
            (MetricType::GAUGE, "Gauges"),
        ] {
            let of_kind = |ours: bool| {
                let wanted = move |family: &&MetricFamily| {
                    family.get_field_type() == kind && family.name().starts_with("queryfleet_") == ours
                };
                families.iter().filter(wanted)
            };
            let _ = writeln!(
                text,
                "### {title}\n\n| name | labels | unit | meaning |\n| --- | --- | --- | --- |"
            );
            of_kind(true).chain(of_kind(false)).for_each(|family| row(&mut text, family));
            text.push('\n');
        }
        values(&mut text, sets);
        text
    }
}

fn row(text: &mut String, family: &MetricFamily) {
    let names: BTreeSet<&str> = family
        .get_metric()
        .iter()
        .flat_map(|metric| metric.get_label().iter().map(|label| label.name()))
        .collect();
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    let (name, help) = (family.name(), family.help());
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

fn values(text: &mut String, sets: &[(&str, &Meanings<'_>)]) {
    let own: [(&str, &Meanings<'_>); 3] = [
        ("`reason` of queryfleet_statements_killed_total", KillReason::MEANINGS),
        ("`result`", PublishResult::MEANINGS),
        ("`dependency`", Dependency::MEANINGS),
    ];
    for (title, meanings) in sets.iter().chain(&own) {
        let _ = writeln!(text, "### {title}\n\n| value | meaning |\n| --- | --- |");
        for (value, meaning) in *meanings {
            let _ = writeln!(text, "| `{value}` | {} |", meaning.trim());
        }
        text.push('\n');
    }
    let _ = writeln!(text, "### Other labels\n\n| label | values |\n| --- | --- |");
    for (label, meaning) in OPEN {
        let _ = writeln!(text, "| `{label}` | {meaning} |");
    }
}
