//! What a worker does beside its slots: reads its runs' states, and says that it is alive.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use queryfleet_ledger::{Error, Heartbeat};

use crate::news::{Case, Topic};
use crate::shared::Shared;

/// How often the worker's own loop turns; /livez wants to see it.
pub(crate) const TURN: Duration = Duration::from_secs(1);

/// How often the rows of dead workers are looked for: the row of a fleet's last worker is found by the next fleet.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// Says that the runtime turns, whatever the broker and the database do.
pub(crate) async fn turn(shared: Arc<Shared>) {
    let mut turns = tokio::time::interval(TURN);
    loop {
        turns.tick().await;
        shared.metrics.health().beat();
        shared.news.turn();
    }
}

/// Reads run states and renews the worker's row, each at its own interval.
pub(crate) async fn keep(shared: Arc<Shared>, id: String, polling: Duration, beating: Duration) {
    let mut polls = tokio::time::interval(polling);
    polls.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut beaten, mut forgotten): (Option<Instant>, Option<Instant>) = (None, None);
    let mut failed = false;
    loop {
        polls.tick().await;
        let due = beaten.is_none_or(|since| since.elapsed() >= beating);
        match once(&shared, &id, failed, due).await {
            Ok(()) => {
                failed = false;
                if due {
                    beaten = Some(Instant::now());
                }
                if forgotten.is_none_or(|since| since.elapsed() >= FORGET_EVERY) {
                    forget(&shared).await;
                    forgotten = Some(Instant::now());
                }
            }
            Err(error) => {
                let error = queryfleet_job::causes(&error);
                if !failed {
                    let case = || Case { class: "runs", error: Some(error), ..Case::default() };
                    shared.news.tell(Topic::Unread, case);
                }
                failed = true;
            }
        }
    }
}

/// Takes away the rows of workers that were killed.
async fn forget(shared: &Shared) {
    if let Err(error) = shared.runs.control().lock().await.workers().remove_silent().await {
        tracing::debug!(
            worker = shared.name,
            error = queryfleet_job::causes(&error),
            "rows of dead workers stay for now"
        );
    }
}

async fn once(shared: &Shared, id: &str, reconnected: bool, beat: bool) -> Result<(), Error> {
    if reconnected {
        // It may be another server now, or one that has been restored.
        shared.runs.identify().await?;
    }
    shared.runs.refresh().await?;
    if beat {
        let row = Heartbeat {
            id,
            name: &shared.name,
            queue: &shared.queue,
            slots: shared.metrics.slots().len() as u32,
            in_flight: shared.in_flight.load(Ordering::Relaxed),
            view: shared.view,
        };
        shared.runs.control().lock().await.workers().beat(&row).await?;
    }
    Ok(())
}
