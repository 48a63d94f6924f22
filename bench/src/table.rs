//! The results as Markdown.

use crate::goals;
use crate::results::{Measured, Results};
use crate::workload::Workload;

/// bench/RESULTS.md.
pub(crate) fn markdown(results: &Results) -> String {
    let often = results.cases.iter().filter(|case| case.workload != Workload::Huge.name());
    let rounds = often.map(|case| case.samples.len());
    let (least, most) = (rounds.clone().min().unwrap_or(0), rounds.max().unwrap_or(0));
    let rounds = if least == most { most.to_string() } else { format!("{least} to {most}") };
    let mut revisions: Vec<&str> = results.cases.iter().map(|case| case.revision.as_str()).collect();
    revisions.sort_unstable();
    revisions.dedup();
    let mut text = format!(
        "# Results of `make bench`\n\n\
         Written by the bench; what each side is set to, and why, is in [README.md](README.md). Medians; rounds:\n\
         {rounds}. A round goes through all sides in turn. All of them share the machine with both servers, so compare rows\n\
         of one run, as ratios. Measured commits (`+`: with changes since): {}.\n\n{}\n",
        revisions.join(", "),
        versions(results)
    );
    text.push_str(
        "## Goals\n\n| what | required | goal | measured | reached |\n| --- | --- | --- | --- | --- |\n",
    );
    for goal in goals::all(results) {
        let measured = goal.measured.map_or("–".into(), |value| format!("{}{}", short(value), goal.unit));
        let (what, required, wanted, unit) = (goal.what, goal.required, goal.wanted, goal.unit);
        text +=
            &format!("| {what} | {required}{unit} | {wanted}{unit} | {measured} | {} |\n", goal.verdict());
    }
    for workload in Workload::ALL {
        text += &section(results, workload);
    }
    text
}

fn versions(results: &Results) -> String {
    let rows = results.versions.iter().map(|(name, version)| format!("| {name} | {version} |\n"));
    format!("| what | version |\n| --- | --- |\n{}", rows.collect::<String>())
}

/// A table of a workload; nothing when it was not measured.
fn section(results: &Results, workload: Workload) -> String {
    let rows: String = cases_of(results, workload).map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    if workload == Workload::Start {
        let value = cases_of(results, workload).next().map_or(0.0, |case| case.median.value);
        return format!("\n## {}\n\n{} ms\n", workload.title(), short(value));
    }
    if workload == Workload::Whole {
        let rows: String = cases_of(results, workload)
            .map(|case| {
                let seconds = case.jobs as f64 / case.median.value;
                format!("| {} | {} | {} | {:.0} |\n", case.side, case.jobs, short(seconds), case.median.value)
            })
            .collect();
        return format!(
            "\n## {}\n\n| command | statements | seconds | statements/s |\n| --- | --- | --- | --- |\n{rows}",
            workload.title()
        );
    }
    let each = if workload == Workload::Purge { "row" } else { "statement" };
    format!(
        "\n## {}\n\n| side | count | {} | CPU of client, µs a {each} | of broker | of database | most \
         memory of client, MiB (PSS) | published/s | CPU of publishing, µs a statement |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n{rows}",
        workload.title(),
        workload.unit()
    )
}

fn cases_of(results: &Results, workload: Workload) -> impl Iterator<Item = &Measured> {
    results.cases.iter().filter(move |case| case.workload == workload.name() && !case.samples.is_empty())
}

fn row(case: &Measured) -> String {
    let median = &case.median;
    let [client, broker, database] = median.micros().map(short);
    let published = median.published.map_or("–".into(), |rate| format!("{rate:.0}"));
    let publishing = median.publishing.map_or("–".into(), short);
    let (side, jobs, value, memory) = (&case.side, case.jobs, short(median.value), median.memory);
    format!(
        "| {side} | {jobs} | {value} | {client} | {broker} | {database} | {memory:.0} | {published} | {publishing} |\n"
    )
}

/// Three digits, or all of a larger number.
fn short(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}
