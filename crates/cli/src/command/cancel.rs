//! `queryfleet cancel` and `queryfleet purge`.

use std::time::Duration;

use queryfleet_config::Config;

use crate::Exit;
use crate::command::control;
use crate::failure::Failure;
use crate::output;

/// A run is purged only when its last job ended at least so many hours ago: nothing of it is still on its way then.
const PURGE_AFTER_H: u64 = 24;

/// A wait for the workers that is told.
const TOLD_FROM: Duration = Duration::from_secs(5);

/// Cancels a run and says what became of its jobs.
pub(crate) async fn cancel(config: &Config, run: &str, now: bool) -> Result<Exit, Failure> {
    let view = config.workers_see_within();
    let standing = queryfleet_producer::cancel(&mut control(config)?, run, now, view).await?;
    let counts = standing.counts;
    // Not atomic: they have begun, and nobody can take that back.
    let begun = match counts.started {
        0 => String::new(),
        begun => format!(", {begun} begun and not ended"),
    };
    output::print(format_args!(
        "run {}: cancelled; {} jobs done, {} dead, {} cancelled{begun}",
        standing.run.name, counts.done, counts.dead, counts.cancelled
    ));
    Ok(Exit::AllDone)
}

/// Deletes the ledger rows of a run that ended long ago.
pub(crate) async fn purge(config: &Config, run: &str) -> Result<Exit, Failure> {
    let mut control = control(config)?;
    let standing = queryfleet_producer::standing(&mut control, run).await?;
    let (state, name) = (standing.state(), &standing.run.name);
    if !matches!(state, "done" | "finished" | "cancelled" | "purged") {
        return Err(Failure::new(format!("run {name} is {state}: only a run that has ended can be purged")));
    }
    let hours = control.hours_since_end(&standing.run).await?.unwrap_or(PURGE_AFTER_H);
    if hours < PURGE_AFTER_H {
        return Err(Failure::new(format!(
            "run {name} ended {hours} h ago: it can be purged {PURGE_AFTER_H} h after its end, when no message of it \
             is on its way any more"
        )));
    }
    let view = control.view_of_workers(config.workers_see_within()).await?;
    if view >= TOLD_FROM {
        output::say(format_args!("waits {} s, until every worker has seen it", view.as_secs()));
    }
    let rows = control.purge(standing.run.id, view).await?;
    output::print(format_args!(
        "run {name}: purged, {rows} ledger rows deleted; its row stays, so that its id is never used again"
    ));
    Ok(Exit::AllDone)
}
