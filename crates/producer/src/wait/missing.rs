//! Noticing that a run has come to a stand: jobs that are nowhere.

use std::time::{Duration, Instant};

use queryfleet_broker::{Broker, Topology};
use queryfleet_config::Config;
use queryfleet_ledger::{LedgerClient, Run, Standing};

/// How often the broker and the workers are asked while nothing moves.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Watches one run for progress.
pub(crate) struct Missing {
    broker: Broker,
    topology: Topology,
    patience: Duration,
    /// A worker that has been silent for longer is gone.
    heard_within_s: u64,
    seen: (u64, u64),
    /// The newest range at the last look.
    walked: Option<u64>,
    /// Since when nothing is ready, nothing in flight, and nothing has moved.
    idle_since: Option<Instant>,
    asked: Instant,
}

impl Missing {
    pub(crate) fn new(broker: Broker, topology: Topology, config: &Config) -> Missing {
        let heard_within_s = config.heartbeat_interval.as_secs().max(1) * 3;
        let patience = config.missing_timeout;
        Missing {
            broker,
            topology,
            patience,
            heard_within_s,
            seen: (0, 0),
            walked: None,
            idle_since: None,
            asked: Instant::now(),
        }
    }

    /// Whether jobs have been nowhere for the whole of the patience. A broker or database that does not answer is no
    /// proof of anything: the patience begins anew.
    pub(crate) async fn noticed(&mut self, control: &mut LedgerClient, standing: &Standing) -> bool {
        let now = (standing.counts.ended(), standing.run.confirmed);
        if now != self.seen {
            self.seen = now;
            self.idle_since = None;
            self.asked = Instant::now();
            return false;
        }
        if self.asked.elapsed() < ASK_EVERY {
            return false;
        }
        self.asked = Instant::now();
        if !self.is_idle(control, &standing.run).await {
            self.idle_since = None;
            return false;
        }
        self.idle_since.get_or_insert_with(Instant::now).elapsed() >= self.patience
    }

    async fn is_idle(&mut self, control: &mut LedgerClient, run: &Run) -> bool {
        if !matches!(self.broker.waiting(&self.topology).await, Ok(0)) {
            return false;
        }
        match control.workers().of_queue(&run.queue, self.heard_within_s).await {
            Ok(workers) if workers.iter().all(|worker| worker.in_flight == 0) => {}
            _ => return false,
        }
        self.has_stopped_walking(control, run).await
    }

    /// Whether no range was written since the last look: before a run of ranges publishes any, it walks its table.
    async fn has_stopped_walking(&mut self, control: &mut LedgerClient, run: &Run) -> bool {
        if run.total.is_some() {
            return true;
        }
        match control.ranges().last_seq(run.id).await {
            Ok(last) => std::mem::replace(&mut self.walked, last) == last,
            Err(_) => false,
        }
    }

    pub(crate) async fn close(&self) {
        self.broker.close().await;
    }
}
