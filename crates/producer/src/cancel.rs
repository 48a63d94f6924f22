//! Cancelling a run.

use ledger::{Control, RunState};

use crate::{Error, Standing, standing};

/// Cancels a run and answers how it stands then. Running jobs are awaited, or ended with `now`; what has ended stays
/// as it ended. Calling it again goes on.
///
/// # Errors
/// [`Error::NoRun`], [`Error::Closed`] for a run that has ended or was purged, and as the database can fail.
pub async fn cancel(control: &mut Control, name_or_id: &str, now: bool) -> Result<Standing, Error> {
    let before = standing(control, name_or_id).await?;
    let closed = |state| Err(Error::Closed { name: before.run.name.clone(), state });
    match before.run.state {
        RunState::Purged => return closed("purged"),
        RunState::Published if before.has_ended() => return closed("finished"),
        _ => {}
    }
    control.close_run(before.run.id, now).await?;
    let last = before.run.total.unwrap_or(before.run.confirmed);
    control.cancel_jobs(before.run.id, 1, last).await?;
    standing(control, name_or_id).await
}
