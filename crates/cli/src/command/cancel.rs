//! `queryfleet cancel`.

use queryfleet_config::Config;
use queryfleet_operator::Operator;

use crate::Exit;
use crate::bar::counted;
use crate::command::status::StandingView;
use crate::failure::Failure;
use crate::output;

/// Cancels a run and prints what became of its jobs.
pub(crate) async fn cancel(config: &Config, run: &str, now: bool, json: bool) -> Result<Exit, Failure> {
    let standing = Operator::new(config)?.cancel(run, now).await?;
    if json {
        output::print_json(&StandingView::from(&standing));
        return Ok(Exit::Success);
    }
    let counts = standing.counts;
    // Not atomic: they have begun, and nobody can take that back.
    let begun = match counts.started {
        0 => String::new(),
        begun => format!(", {begun} begun and not ended"),
    };
    output::print(format_args!(
        "run {}: cancelled; {} done, {} dead, {} cancelled{begun}",
        standing.run.name,
        counted(counts.done, "job"),
        counts.dead,
        counts.cancelled
    ));
    Ok(Exit::Success)
}
