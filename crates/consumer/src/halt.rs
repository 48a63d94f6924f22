//! Holding the queue for a run of which too many jobs die: each worker looks at the guarded runs that it has messages of.

use std::sync::Arc;
use std::time::{Duration, Instant};

use queryfleet_ledger::{Error, GuardedRun, HALT, LedgerClient, NewEvent};

use crate::shared::Shared;

/// How often the worker looks. All of them do: whichever has executed what died may be gone.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// How often it counts whether anything is left of a run that is halted, whose last job has ended.
const COUNT_INTERVAL: Duration = Duration::from_secs(10);

/// Looks until the worker ends.
pub(crate) async fn watch(shared: Arc<Shared>) {
    let mut counted = None;
    loop {
        tokio::time::sleep(queryfleet_job::jittered(LOOK_INTERVAL)).await;
        if let Err(error) = look(&shared, &mut counted).await {
            let error = queryfleet_job::causes(&error);
            tracing::debug!(worker = shared.worker, error, "guarded runs are not looked at for now");
        }
    }
}

async fn look(shared: &Shared, counted: &mut Option<Instant>) -> Result<(), Error> {
    let runs = shared.runs.known();
    let mut client = shared.clients.heartbeat.lock().await;
    for run in client.halts().of(&runs).await? {
        let GuardedRun { id, name, halt, base, total, .. } = &run;
        let now = client.halts().tally(*id).await?;
        // Of one that is at its end there is nothing left to save, and others wait in its queue.
        let is_over = total.is_some_and(|total| now.ended >= total);
        if is_over || !halt.is_reached(*base, now) {
            continue;
        }
        let because =
            format!("run {name}: {} of {} jobs are dead, and it halts at {halt}", now.dead, now.ended);
        if client.halts().hold(&run, &because).await? {
            let event =
                NewEvent { queue: &run.queue, run: Some(*id), who: HALT, what: "pause", detail: &because };
            client.events().note(&event).await;
        }
    }
    let is_halted = |hold: &queryfleet_job::Hold| hold.by == HALT;
    if shared.control.holds().is_some_and(|holds| holds.iter().any(is_halted)) {
        lift(shared, &mut client, counted).await?;
    }
    Ok(())
}

/// Lifts the holds of runs of which nothing is left: their last jobs ran when they were placed.
async fn lift(
    shared: &Shared,
    client: &mut LedgerClient,
    counted: &mut Option<Instant>,
) -> Result<(), Error> {
    for (hold, id) in client.halts().held(&shared.queue).await? {
        let Some(run) = client.runs().get(&[id]).await?.into_iter().next() else { continue };
        let Some(total) = run.total else { continue };
        // Only then it is worth counting.
        if client.halts().tally(id).await?.ended < total {
            continue;
        }
        // Jobs before its last one may wait in the queue for as long as it is held.
        if counted.is_some_and(|at| at.elapsed() < COUNT_INTERVAL) {
            continue;
        }
        *counted = Some(Instant::now());
        let counts = client.counts_of(std::slice::from_ref(&run)).await?;
        if counts.iter().any(|counts| counts.ended() >= total)
            && client.holds().lift(&shared.queue, hold).await?
        {
            let detail = format!("run {} has ended", run.name);
            let event =
                NewEvent { queue: &run.queue, run: Some(id), who: HALT, what: "resume", detail: &detail };
            client.events().note(&event).await;
        }
    }
    Ok(())
}
