//! `queryfleet cancel`.

use queryfleet_config::Config;
use queryfleet_ledger::Standing;
use queryfleet_operator::Operator;

use crate::Exit;
use crate::bar::counted;
use crate::command::status::{StandingView, queue_line};
use crate::failure::Failure;
use crate::output;

/// Cancels a run and prints what became of its jobs.
pub(crate) async fn cancel(config: &Config, run: &str, now: bool, json: bool) -> Result<Exit, Failure> {
    let mut operator = Operator::new(config)?;
    let standing = operator.cancel(run, now).await?;
    if json {
        output::print_json(&StandingView::from(&standing));
        return Ok(Exit::Success);
    }
    output::print(cancelled(&standing));
    // Its messages are still there, among those of other runs: workers sweep them out, and execute none.
    output::say(queue_line(&standing.run.queue, &operator.queue_standing().await?));
    Ok(Exit::Success)
}

/// What became of the jobs of a cancelled run, in a line.
pub(crate) fn cancelled(standing: &Standing) -> String {
    let counts = standing.counts;
    // Not atomic: they have begun, and nobody can take that back.
    let begun = match counts.started {
        0 => String::new(),
        begun => format!(", {begun} begun and not ended"),
    };
    format!(
        "run {}: cancelled; {} done, {} dead, {} cancelled{begun}",
        standing.run.name,
        counted(counts.done, "job"),
        counts.dead,
        counts.cancelled
    )
}
