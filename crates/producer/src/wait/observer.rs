//! Asking both servers about a run that does not move: why, and whether its jobs are missing.

use std::time::{Duration, Instant};

use queryfleet_broker::{Broker, Topology};
use queryfleet_config::Config;
use queryfleet_job::Limit;
use queryfleet_ledger::{LedgerClient, Run, RunState};

use crate::wait::reason::{Facts, Reason, reason};

/// How often the servers are asked while nothing moves.
const ASK_INTERVAL: Duration = Duration::from_secs(1);

/// What of a run moves while it makes progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Moved {
    ended: u64,
    confirmed: u64,
}

/// Watches one run for progress.
pub(crate) struct Observer {
    broker: Broker,
    topology: Topology,
    retry_tiers: Vec<Duration>,
    missing_timeout: Duration,
    heard_within_s: u64,
    last: Moved,
    /// The newest range when it was last asked for.
    newest_range: Option<u64>,
    /// Since when nothing is ready, nothing in flight, and nothing has moved.
    idle_since: Option<Instant>,
    broker_lost: Option<Instant>,
    asked_at: Instant,
    reason: Option<Reason>,
}

impl Observer {
    pub(crate) fn new(broker: Broker, topology: Topology, config: &Config) -> Observer {
        Observer {
            broker,
            topology,
            retry_tiers: config.retry_tiers.clone(),
            missing_timeout: config.missing_timeout,
            heard_within_s: heard_within_s(config),
            last: Moved::default(),
            newest_range: None,
            idle_since: None,
            broker_lost: None,
            asked_at: Instant::now(),
            reason: None,
        }
    }

    /// Why the run did not move when that was last asked.
    pub(crate) fn reason(&self) -> Option<&Reason> {
        self.reason.as_ref()
    }

    /// Notes that the database has not answered for this time: nothing else can be known then.
    pub(crate) fn database_unavailable(&mut self, since: Duration) {
        self.idle_since = None;
        self.reason = reason(&Facts { database_unavailable: Some(since), ..Facts::default() });
    }

    /// Asks why the run does not move. Returns whether its jobs have been nowhere for the whole of `missing_timeout`;
    /// `ended` of them have ended. A broker or database that is unavailable proves nothing: the time begins anew.
    pub(crate) async fn is_missing(&mut self, client: &mut LedgerClient, run: &Run, ended: u64) -> bool {
        let now = Moved { ended, confirmed: run.confirmed };
        if now != self.last {
            self.last = now;
            self.idle_since = None;
            self.asked_at = Instant::now();
            self.reason = None;
            return false;
        }
        if matches!(self.reason, Some(Reason::DatabaseUnavailable { .. })) {
            self.reason = None;
        }
        if self.asked_at.elapsed() < ASK_INTERVAL {
            return false;
        }
        self.asked_at = Instant::now();
        if !self.is_idle(client, run, ended).await {
            self.idle_since = None;
            return false;
        }
        if self.idle_since.get_or_insert_with(Instant::now).elapsed() < self.missing_timeout {
            return false;
        }
        // Not at each look: a message that is there after all counts a delivery by this.
        match self.broker.nothing_is_ready(&self.topology).await {
            Ok(true) => true,
            // Who may not read the queues has only their counts.
            Err(error) if error.is_access_refused() => true,
            _ => {
                self.idle_since = None;
                false
            }
        }
    }

    async fn is_idle(&mut self, client: &mut LedgerClient, run: &Run, ended: u64) -> bool {
        let asked = self.broker.ready_messages(&self.topology).await;
        self.broker_lost = asked.is_err().then(|| self.broker_lost.unwrap_or_else(Instant::now));
        let ready = asked.as_ref().copied().unwrap_or_default();
        let holds = client.holds().in_force(&run.queue).await.ok().flatten().unwrap_or_default();
        // A right that is missing takes a reason away, and nothing else.
        let running = client.inspect().longest_running(run.id).await.ok().flatten();
        let is_running = running.is_some();
        let live = live_slots(client, run, self.heard_within_s).await;
        self.reason = reason(&Facts {
            queue: run.queue.clone(),
            database_unavailable: None,
            broker_unavailable: self.broker_lost.map(|since| since.elapsed()),
            left: run.last_seq().saturating_sub(ended),
            work: ready.work.into(),
            retry: ready.retry.into(),
            retry_within: ready.first_tier.and_then(|tier| self.retry_tiers.get(tier).copied()),
            consumers: ready.consumers,
            slots: live.map(|live| live.slots),
            limit: limit(client, &run.queue).await,
            holds: holds.iter().map(|row| row.hold.to_string()).collect(),
            running,
        });
        if let Some(Reason::Behind { runs, .. }) = &mut self.reason {
            *runs = in_front(client, run).await;
        }
        // A worker says what it does with its heartbeats only, and they may be far between.
        if asked.is_err() || ready.work > 0 || ready.retry > 0 || is_running {
            return false;
        }
        // A consumer of no live worker is one whose connection is gone without the broker's knowledge, or somebody else's. What it
        // has taken is neither ready nor seen anywhere.
        if !live.is_some_and(|live| live.in_flight == 0 && ready.consumers <= live.slots) {
            return false;
        }
        self.has_stopped_walking(client, run).await
    }

    /// Whether no range was written since this was last asked: a run of ranges walks its table before it publishes any.
    async fn has_stopped_walking(&mut self, client: &mut LedgerClient, run: &Run) -> bool {
        if run.total.is_some() {
            return true;
        }
        match client.ranges().last_seq(run.id).await {
            Ok(newest) => std::mem::replace(&mut self.newest_range, newest) == newest,
            Err(_) => false,
        }
    }

    pub(crate) async fn close(&self) {
        self.broker.close().await;
    }
}

/// For how many seconds a worker counts after it was heard of. The heartbeats of others may be further apart than those
/// that this process is configured for.
pub(crate) fn heard_within_s(config: &Config) -> u64 {
    config.worker_gone_after().max(config.missing_timeout + config.heartbeat_interval).as_secs()
}

/// What the workers of a queue say of themselves.
#[derive(Clone, Copy)]
struct LiveSlots {
    slots: u32,
    in_flight: u32,
}

/// The workers of the run's queue that were heard of lately; `None` if they cannot be read.
async fn live_slots(client: &mut LedgerClient, run: &Run, heard_within_s: u64) -> Option<LiveSlots> {
    let workers = client.workers().of_queue(&run.queue, heard_within_s).await.ok()?;
    let slots = workers.iter().map(|worker| worker.slots).sum();
    Some(LiveSlots { slots, in_flight: workers.iter().map(|worker| worker.in_flight).sum() })
}

/// Whether no job of the run is being executed, as far as is known.
pub(crate) async fn nothing_runs(client: &mut LedgerClient, run: &Run, heard_within_s: u64) -> bool {
    matches!(client.inspect().longest_running(run.id).await, Ok(None))
        && live_slots(client, run, heard_within_s).await.is_some_and(|live| live.in_flight == 0)
}

/// The runs in front of this one, in words; none if they cannot be read.
async fn in_front(client: &mut LedgerClient, run: &Run) -> Vec<String> {
    let found = client.runs().in_front(&run.queue, run.id).await.unwrap_or_default();
    let named = |found: Run| match found.state {
        RunState::Cancelled => format!("{}, cancelled", found.name),
        RunState::Publishing | RunState::Published | RunState::Purged => found.name,
    };
    found.into_iter().map(named).collect()
}

/// The limit of a queue and what its checks say, in words; `None` if there is none, or it cannot be read.
async fn limit(client: &mut LedgerClient, queue: &str) -> Option<String> {
    let row = client.limits().of_queue(queue).await.ok()??.filter(|row| row.terms != "{}")?;
    // Its signature is for the workers to verify: this only says it.
    let limit = Limit::read(queue, row.version, &row.terms, None, None).ok()?;
    let reasons = match limit.has_checks() {
        true => client.governors().of_queue(queue).await.ok().flatten().and_then(|governor| governor.reasons),
        false => None,
    };
    match reasons.filter(|reasons| !reasons.is_empty()) {
        Some(reasons) => Some(format!("{limit}; {reasons}")),
        None => Some(limit.to_string()),
    }
}
