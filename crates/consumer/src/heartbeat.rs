//! What a worker does beside its slots: it shows that it is alive, and reads the states of its runs.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use queryfleet_ledger::{Error, Heartbeat, LedgerClient};
use queryfleet_metrics::Dependency;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::log::{Event, EventKind};
use crate::shared::Shared;

/// How often the worker's own loop turns, which /livez watches.
const LIVENESS_INTERVAL: Duration = Duration::from_secs(1);
/// How often the connection for admissions is used when there are none: well below a session's `wait_timeout`, 60 s.
const ADMISSION_INTERVAL: Duration = Duration::from_secs(20);
/// How often a limited worker without a consumer asks the broker whether it could have one.
const USABLE_INTERVAL: Duration = Duration::from_secs(5);
/// After so long without an answer it could have none, until the answer comes.
const USABLE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often the rows of dead workers are looked for: the row of a fleet's last worker is found by the next fleet.
const FORGET_INTERVAL: Duration = Duration::from_secs(3600);

/// Shows that the runtime turns, whatever the broker and the database do, and writes the log lines that are due.
pub(crate) async fn show_liveness(shared: Arc<Shared>) {
    let mut turns = tokio::time::interval(LIVENESS_INTERVAL);
    loop {
        turns.tick().await;
        shared.metrics.health().beat();
        shared.log.flush_due();
    }
}

/// Keeps the connection for admissions open: a new run is admitted also while the server has no connection left.
pub(crate) async fn keep_admissions_connected(shared: Arc<Shared>) {
    let mut turns = tokio::time::interval(ADMISSION_INTERVAL);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        shared.runs.keep_alive().await;
    }
}

/// Reads run states every `poll_interval`, and renews the worker's row every `beat_interval`.
pub(crate) async fn keep(shared: Arc<Shared>, poll_interval: Duration, beat_interval: Duration) {
    let id = shared.control.worker_id();
    let mut polls = tokio::time::interval(poll_interval);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last_beat: Option<Instant> = None;
    let mut acknowledged = Acknowledged::default();
    let mut usable = Usable::default();
    let mut last_forgotten: Option<Instant> = None;
    let mut has_failed = false;
    loop {
        polls.tick().await;
        let is_beat_due = last_beat.is_none_or(|at| at.elapsed() >= beat_interval);
        if let Err(error) = poll(&shared, id, has_failed, is_beat_due, &mut acknowledged, &mut usable).await {
            if !has_failed {
                shared.log.record(EventKind::RunsUnread, || Event {
                    class: "runs",
                    error: Some(queryfleet_job::causes(&error)),
                    ..Event::default()
                });
            }
            has_failed = true;
            continue;
        }
        has_failed = false;
        if is_beat_due {
            last_beat = Some(Instant::now());
        }
        if last_forgotten.is_none_or(|at| at.elapsed() >= FORGET_INTERVAL) {
            forget_dead_workers(&shared).await;
            last_forgotten = Some(Instant::now());
        }
    }
}

async fn poll(
    shared: &Shared,
    id: &str,
    has_failed: bool,
    is_beat_due: bool,
    acknowledged: &mut Acknowledged,
    usable: &mut Usable,
) -> Result<(), Error> {
    let mut client = shared.clients.heartbeat.lock().await;
    if has_failed {
        begin_anew(shared, &mut client, acknowledged).await?;
    }
    shared.runs.refresh(&mut client).await?;
    // While it is held, others wait for its slots to become idle; while it is limited, for the permits of the dead.
    if is_beat_due || shared.control.is_held() || shared.control.is_limited() {
        let row = Heartbeat {
            id,
            name: &shared.worker,
            queue: &shared.queue,
            slots: shared.metrics.slots().len() as u32,
            in_flight: shared.busy_slots.load(Ordering::Relaxed),
            notice_within: shared.limits.notice_within,
        };
        if client.workers().beat(&row).await? && !has_failed {
            // The row was gone: whoever else uses this connection has met its end.
            begin_anew(shared, &mut client, acknowledged).await?;
        }
    }
    // After the heartbeat: an account that may not read holds must not look dead.
    shared.control.read(&mut client).await?;
    shared.look_at_former_sessions(&mut client).await?;
    if shared.control.is_limited() {
        let is_usable = usable.is_usable(shared);
        // Before a permit is taken for what has begun without one.
        shared.sessions.write(&mut client, id).await?;
        shared.control.keep_permits(&mut client, is_usable).await?;
    }
    show_control(shared);
    if let Some(holds) = shared.control.holds() {
        let ids = queryfleet_ledger::hold_ids(&holds);
        if ids != acknowledged.holds {
            let in_flight = shared.busy_slots.load(Ordering::Relaxed);
            client.holds().acknowledge(id, &ids, in_flight).await?;
            acknowledged.holds = ids;
        }
    }
    let version = shared.control.limit_version();
    if version != acknowledged.limit
        && let Some(version) = version
    {
        client.limits().acknowledge(id, version).await?;
        acknowledged.limit = Some(version);
    }
    Ok(())
}

/// The server may be another one now, or one that has been restored.
async fn begin_anew(
    shared: &Shared,
    client: &mut LedgerClient,
    acknowledged: &mut Acknowledged,
) -> Result<(), Error> {
    shared.runs.identify(client).await?;
    *acknowledged = Acknowledged::default();
    shared.sessions.forget_written();
    Ok(())
}

/// Shows what people have said about the queue, in /readyz and the metrics.
pub(crate) fn show_control(shared: &Shared) {
    let control = &shared.control;
    let health = shared.metrics.health();
    health.set_held(control.holds().iter().flatten().map(ToString::to_string).collect());
    health.set_limited(control.reason().filter(|_| !control.is_held()));
    shared.metrics.set_allowed_slots(control.allowed_slots());
}

/// What the worker's row says that it obeys; nothing if that is not known.
#[derive(Default)]
struct Acknowledged {
    /// The ids of holds.
    holds: String,
    /// The version of the limit.
    limit: Option<u32>,
}

/// Whether the slots of a limited worker could serve: a permit that nobody can use is better used elsewhere.
#[derive(Default)]
struct Usable {
    /// Asks once. It goes on over any number of polls: a broker that is far away answers late, and every time.
    asking: JoinSet<bool>,
    asked: Option<Instant>,
    is_usable: bool,
}

impl Usable {
    fn is_usable(&mut self, shared: &Shared) -> bool {
        if shared.connections.is_any_up(Dependency::Broker) {
            *self = Usable { is_usable: true, ..Usable::default() };
            return true;
        }
        // No slot has a consumer, maybe since none may have one.
        let since = self.asked.map(|asked| asked.elapsed());
        if let Some(answer) = self.asking.try_join_next() {
            self.is_usable = answer.unwrap_or(false);
        } else if !self.asking.is_empty() {
            self.is_usable &= since.is_some_and(|since| since < USABLE_TIMEOUT);
        } else if since.is_none_or(|since| since >= USABLE_INTERVAL) {
            let (broker, queue) = (shared.clients.consuming.clone(), shared.topology.work());
            self.asking.spawn(async move { broker.require_queue(&queue).await.is_ok() });
            self.asked = Some(Instant::now());
        }
        self.is_usable
    }
}

/// Deletes the rows of workers that were killed.
async fn forget_dead_workers(shared: &Shared) {
    if let Err(error) = shared.clients.heartbeat.lock().await.workers().remove_silent().await {
        tracing::debug!(
            worker = shared.worker,
            error = queryfleet_job::causes(&error),
            "rows of dead workers stay for now"
        );
    }
}
