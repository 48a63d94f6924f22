//! Cancelling a run.

use std::time::Duration;

use queryfleet_ledger::{LedgerClient, Run, RunState};

use crate::{Error, Standing, standing};

/// Cancels a run and answers how it stands then: nothing of it begins any more, also of what is published later. Running
/// jobs are awaited, or ended with `now`; what has ended stays as it ended. Calling it again goes on.
///
/// `view` is how long a worker that does not say it may take to see that the run is closed.
///
/// # Errors
/// [`Error::NoRun`], [`Error::Closed`] for a run that has ended or was purged, and as the database can fail.
pub async fn cancel(
    control: &mut LedgerClient,
    name_or_id: &str,
    now: bool,
    view: Duration,
) -> Result<Standing, Error> {
    let before = standing(control, name_or_id).await?;
    let closed = |state| Err(Error::Closed { name: before.run.name.clone(), state });
    match before.run.state {
        RunState::Purged => return closed("purged"),
        RunState::Published if before.has_ended() => return closed("finished"),
        _ => {}
    }
    control.close_run(before.run.id, now).await?;
    // Read after it was closed: a producer writes its manifest into an open run only, and publishes nothing before.
    let mut run = read(control, &before.run).await?;
    if run.total.or(run.planned).is_none() {
        // Of an older producer nobody knows how much it still publishes, so every worker has to know that the run is
        // closed. Otherwise each of its jobs has a row in the ledger, whatever is published.
        control.workers_have_seen(view).await?;
        run = read(control, &before.run).await?;
    }
    control.cancel_jobs(run.id, 1, run.last_seq()).await?;
    standing(control, &run.id.to_string()).await
}

async fn read(control: &mut LedgerClient, run: &Run) -> Result<Run, Error> {
    let found = control.runs(&[run.id]).await?;
    found.into_iter().next().ok_or_else(|| Error::NoRun(run.name.clone()))
}
