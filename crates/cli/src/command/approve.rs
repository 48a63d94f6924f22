//! `queryfleet approve`.

use queryfleet_config::Config;
use queryfleet_ledger::{Counts, Run};
use queryfleet_operator::Operator;
use serde::Serialize;

use crate::Exit;
use crate::bar::counted;
use crate::failure::Failure;
use crate::output::{self, print_json};

/// What was approved, as JSON. A contract: keys are added, never changed.
#[derive(Serialize)]
struct ApprovedView<'a> {
    run: u64,
    name: &'a str,
    canary: Option<u64>,
    done: u64,
    dead: u64,
}

/// Approves the jobs after a canary.
pub(crate) async fn approve(
    config: &Config,
    run: &str,
    by: Option<String>,
    json: bool,
) -> Result<Exit, Failure> {
    let by = by.unwrap_or_else(queryfleet_config::login_name);
    let (run, counts) = Operator::new(config)?.acting_as(&by).approve(run).await?;
    if json {
        print_json(&ApprovedView {
            run: run.id.0,
            name: &run.name,
            canary: run.canary,
            done: counts.done,
            dead: counts.dead,
        });
    } else {
        output::print(approved(&run, &counts));
    }
    Ok(Exit::Success)
}

/// What was approved, in a line.
pub(crate) fn approved(run: &Run, counts: &Counts) -> String {
    format!("run {}: approved after {} done, {} dead", run.name, counted(counts.done, "job"), counts.dead)
}
