//! `queryfleet plan`.

use queryfleet::Fleet;
use queryfleet_config::Config;
use queryfleet_producer::{Counted, Plan, Seen};
use serde::Serialize;

use crate::Exit;
use crate::advice::with_producer_advice;
use crate::bar::counted;
use crate::command::publish::chunk_lines;
use crate::failure::Failure;
use crate::output;
use crate::publish_arguments::{Explain, PublishArgs};
use crate::signal::Stop;

/// A contract: keys are added, never changed.
#[derive(Serialize)]
struct PlanView<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    refusals: Vec<String>,
}

impl<'a> From<&'a Plan> for PlanView<'a> {
    fn from(plan: &'a Plan) -> PlanView<'a> {
        PlanView { plan, refusals: plan.refusals.iter().map(with_producer_advice).collect() }
    }
}

/// Prints what a publish with these arguments would do.
pub(crate) async fn plan(config: &Config, args: &PublishArgs, explain: Explain) -> Result<Exit, Failure> {
    args.check().map_err(Failure::usage)?;
    let mut stop = Stop::listen()?;
    let fleet = Fleet::of_binary(config);
    let plan = tokio::select! {
        plan = fleet.plan(args.request(), explain == Explain::All) => plan?,
        _ = stop.next() => return Ok(Exit::Interrupted),
    };
    if args.json {
        output::print_json(&PlanView::from(&plan));
    } else {
        lines(&plan).iter().for_each(output::print);
    }
    Ok(if plan.refused == 0 { Exit::Success } else { Exit::Failed })
}

/// The plan for people: what there is, then what to look at, the gravest last, where it is seen.
fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = vec![format!("{}, {} of statements", counted(plan.jobs, "job"), size(plan.bytes))];
    lines.extend(plan.kinds.iter().map(|kind| format!("  {}", kind_line(kind))));
    if let Some((bytes, place)) = &plan.largest {
        lines.push(format!("largest statement: {}, {place}", size(*bytes)));
    }
    lines.push(format!("the ledger grows by some {}", size(plan.ledger_bytes)));
    lines.push(format!(
        "{} of {} explained, {}{}",
        plan.explained,
        counted(plan.jobs, "job"),
        counted(plan.shapes, "different statement"),
        plan.rows.map_or_else(String::new, |rows| format!(
            "; all jobs together read some {}",
            counted(rows, "row")
        ))
    ));
    for scan in &plan.full_scans {
        lines.push(format!(
            "no index: {} reads all of {}, some {}; {} like it: {}",
            scan.place,
            scan.table,
            counted(scan.rows, "row"),
            counted(scan.jobs, "job"),
            scan.statement
        ));
    }
    lines.extend(plan.chunks.iter().flat_map(|chunks| chunk_lines(&chunks.into())));
    lines.extend(plan.failing.iter().map(|failed| format!("would fail: {}: {}", failed.place, failed.error)));
    let compared = if plan.repeats_complete { "" } else { " (of the first million conditions)" };
    lines.extend(seen("the same rows as a job before it", &plan.repeats, compared));
    lines.extend(plan.not_atomic.iter().map(|kind| format!("non-transactional: {}", kind_line(kind))));
    lines.extend(seen("without a WHERE", &plan.no_where, ""));
    lines.extend(plan.refusals.iter().map(|refusal| format!("refused: {}", with_producer_advice(refusal))));
    if plan.refused > 0 {
        let rest = if plan.complete { "" } else { "; what follows could not be read" };
        lines.push(format!("publish would refuse this: {}{rest}", counted(plan.refused, "statement")));
    }
    lines
}

fn kind_line(kind: &Counted) -> String {
    let table = kind.table.as_deref().map_or_else(String::new, |table| format!(" {table}"));
    let first = kind.seen.first.as_deref().unwrap_or_default();
    format!("{}{table}: {}, the first at {first}", kind.kind, kind.seen.count)
}

fn seen(what: &str, seen: &Seen, note: &str) -> Option<String> {
    let first = seen.first.as_deref()?;
    Some(format!("{what}: {}{note}, the first at {first}", counted(seen.count, "job")))
}

fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use queryfleet_producer::Error;

    use super::*;

    #[test]
    fn a_plan_says_what_to_look_at() {
        let seen = |count, first: &str| Seen { count, first: Some(first.into()) };
        let plan = Plan {
            jobs: 2,
            bytes: 2048,
            kinds: vec![Counted { kind: "update".into(), table: Some("t".into()), seen: seen(2, "a:1:1") }],
            largest: Some((1500, "a:2:1".into())),
            repeats: seen(1, "a:2:1"),
            ledger_bytes: 110,
            shapes: 1,
            refused: 1,
            refusals: vec![Error::Empty("a".into())],
            ..Plan::default()
        };
        let wanted = "2 jobs, 2.00 KiB of statements\n  update t: 2, the first at a:1:1\n\
            largest statement: 1.46 KiB, a:2:1\nthe ledger grows by some 110 B\n\
            0 of 2 jobs explained, 1 different statement\n\
            the same rows as a job before it: 1 job (of the first million conditions), the first at a:2:1\n\
            refused: a holds no statement and no row: nothing was published\n\
            publish would refuse this: 1 statement; what follows could not be read\n";
        assert_eq!(lines(&plan).join("\n") + "\n", wanted);
    }
}
