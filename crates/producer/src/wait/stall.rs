//! Detecting that a run has stalled: jobs are missing everywhere.

use std::time::{Duration, Instant};

use queryfleet_broker::{Broker, Topology};
use queryfleet_config::Config;
use queryfleet_ledger::{LedgerClient, Run};

/// How often the broker and the workers are asked while nothing moves.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// A worker that has been silent for so many heartbeats is gone.
const HEARTBEATS_UNTIL_GONE: u64 = 3;

/// What of a run moves while it makes progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Moved {
    ended: u64,
    confirmed: u64,
}

/// Watches one run for progress.
pub(crate) struct StallDetector {
    broker: Broker,
    topology: Topology,
    patience: Duration,
    heard_within_s: u64,
    last: Moved,
    /// The newest range when it was last asked for.
    newest_range: Option<u64>,
    /// Since when nothing is ready, nothing in flight, and nothing has moved.
    idle_since: Option<Instant>,
    asked_at: Instant,
}

impl StallDetector {
    pub(crate) fn new(broker: Broker, topology: Topology, config: &Config) -> StallDetector {
        StallDetector {
            broker,
            topology,
            patience: config.missing_timeout,
            heard_within_s: config.heartbeat_interval.as_secs().max(1) * HEARTBEATS_UNTIL_GONE,
            last: Moved::default(),
            newest_range: None,
            idle_since: None,
            asked_at: Instant::now(),
        }
    }

    /// Whether jobs of the run have been nowhere for the whole of the patience; `ended` of them have ended. A broker or
    /// database that is unavailable proves nothing: the patience begins anew.
    pub(crate) async fn is_stalled(&mut self, client: &mut LedgerClient, run: &Run, ended: u64) -> bool {
        let now = Moved { ended, confirmed: run.confirmed };
        if now != self.last {
            self.last = now;
            self.idle_since = None;
            self.asked_at = Instant::now();
            return false;
        }
        if self.asked_at.elapsed() < ASK_EVERY {
            return false;
        }
        self.asked_at = Instant::now();
        if !self.is_idle(client, run).await {
            self.idle_since = None;
            return false;
        }
        self.idle_since.get_or_insert_with(Instant::now).elapsed() >= self.patience
    }

    async fn is_idle(&mut self, client: &mut LedgerClient, run: &Run) -> bool {
        if !matches!(self.broker.ready_messages(&self.topology).await, Ok(0)) {
            return false;
        }
        match client.workers().of_queue(&run.queue, self.heard_within_s).await {
            Ok(workers) if workers.iter().all(|worker| worker.in_flight == 0) => {}
            _ => return false,
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
