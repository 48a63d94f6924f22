//! `queryfleet pause` and `queryfleet resume`.

use queryfleet_config::Config;
use queryfleet_ledger::{HoldRow, NewHold, Until};
use queryfleet_operator::{Lift, Obedience, Operator};
use serde::Serialize;

use crate::Exit;
use crate::bar::counted;
use crate::failure::Failure;
use crate::hold_arguments::{HoldEnd, PauseArgs};
use crate::output::{self, print_json};

/// A hold as JSON. A contract: keys are added, never changed.
#[derive(Serialize)]
pub(crate) struct HoldView<'a> {
    hold: u64,
    by: &'a str,
    because: &'a str,
    since: &'a str,
    until: Option<&'a str>,
    now: bool,
}

impl<'a> From<&'a HoldRow> for HoldView<'a> {
    fn from(row: &'a HoldRow) -> HoldView<'a> {
        HoldView {
            hold: row.hold.id,
            by: &row.hold.by,
            because: &row.hold.because,
            since: &row.since,
            until: row.until.as_deref(),
            now: row.hold.ends_running,
        }
    }
}

/// What the workers made of it, as JSON.
#[derive(Serialize)]
struct ChangeView<'a> {
    queue: &'a str,
    /// The holds that are in force now.
    holds: Vec<HoldView<'a>>,
    acknowledged: usize,
    silent: &'a [String],
    unaware: &'a [String],
    running: u32,
}

/// Holds the queue, and says whether every worker obeys.
pub(crate) async fn pause(config: &Config, arguments: PauseArgs) -> Result<Exit, Failure> {
    let PauseArgs { until, now, because, by, json } = arguments;
    let until = until.as_ref().map(|until| match until {
        HoldEnd::After(after) => Until::After(*after),
        HoldEnd::At(utc) => Until::Utc(utc),
    });
    let because = because.unwrap_or_default();
    let by = by.unwrap_or_else(queryfleet_config::login_name);
    let mut operator = Operator::new(config)?.acting_as(&by);
    let hold = NewHold { queue: &config.queue, until, ends_running: now, by: &by, because: &because };
    let row = operator.pause(hold).await?;
    if !json {
        output::print(format_args!("queue {} is held: {}", config.queue, described(&row)));
    }
    let obedience = operator.obedience_to(row.hold.id, false).await?;
    report(&mut operator, &obedience, "obey the hold", json).await?;
    Ok(if obedience.is_complete() { Exit::Success } else { Exit::Failed })
}

/// Lifts holds, and says which remain.
pub(crate) async fn resume(config: &Config, ids: Vec<u64>, all: bool, json: bool) -> Result<Exit, Failure> {
    let mut operator = Operator::new(config)?;
    let lift = if all { Lift::All } else { Lift::These(ids) };
    let lifted = operator.resume(&lift).await?;
    let mut obedience = Obedience::default();
    for row in &lifted {
        if !json {
            output::print(format_args!("lifted: {}", described(row)));
        }
        obedience = operator.obedience_to(row.hold.id, true).await?;
    }
    let remaining = operator.holds().await?;
    if !json {
        match remaining.as_slice() {
            [] => output::print(format_args!("queue {} is not held", config.queue)),
            rows => rows.iter().for_each(|row| {
                output::print(format_args!("queue {} is still held: {}", config.queue, described(row)));
            }),
        }
    }
    if json || !lifted.is_empty() {
        report(&mut operator, &obedience, "have seen it", json).await?;
    }
    // Whoever has not seen it stays held for a while: that does no harm.
    Ok(Exit::Success)
}

/// A hold in one line.
pub(crate) fn described(row: &HoldRow) -> String {
    let until = row.until.as_ref().map(|until| format!(", until {until}")).unwrap_or_default();
    format!("{} (since {}{until})", row.hold, row.since)
}

/// Says how many workers know of the change, and names those that do not.
async fn report(
    operator: &mut Operator,
    obedience: &Obedience,
    doing: &str,
    json: bool,
) -> Result<(), Failure> {
    let Obedience { acknowledged, silent, unaware, running, .. } = obedience;
    if json {
        let queue = operator.queue().to_owned();
        let rows = operator.holds().await?;
        print_json(&ChangeView {
            queue: &queue,
            holds: rows.iter().map(HoldView::from).collect(),
            acknowledged: *acknowledged,
            silent,
            unaware,
            running: *running,
        });
        return Ok(());
    }
    obeyed(obedience, doing, "holds").iter().for_each(output::print);
    Ok(())
}

/// How many workers know of a change, and the names of those that do not; `of`: of what some may know nothing.
pub(crate) fn obeyed(obedience: &Obedience, doing: &str, of: &str) -> Vec<String> {
    let Obedience { acknowledged, silent, unaware, running, took } = obedience;
    let all = acknowledged + silent.len() + unaware.len();
    if all == 0 {
        return vec!["no worker serves the queue".to_owned()];
    }
    let still = match running {
        0 => String::new(),
        running => format!(
            "; {} still {}",
            counted(u64::from(*running), "statement"),
            if *running == 1 { "runs" } else { "run" }
        ),
    };
    let mut lines = vec![format!(
        "{acknowledged} of {} {doing} after {:.1} s{still}",
        counted(all as u64, "worker"),
        took.as_secs_f64()
    )];
    if !silent.is_empty() {
        lines.push(format!("not acknowledged by: {}", silent.join(", ")));
    }
    if !unaware.is_empty() {
        lines.push(format!(
            "of a version that does not know of {of}, and executing jobs: {}",
            unaware.join(", ")
        ));
    }
    lines
}
