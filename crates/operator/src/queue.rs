//! How the fleet's queue stands: what waits in it, and who serves it.

use std::time::Duration;

use queryfleet_broker::{Broker, Topology};

use crate::{Error, Operator};

/// How long the broker may take to say how much waits: who looks at runs does not wait for it.
const BROKER_TIMEOUT: Duration = Duration::from_secs(2);

/// How the queue stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueStanding {
    /// What waits in it, of all runs; `None` if the broker does not say.
    pub messages: Option<Waiting>,
    /// Workers that have been heard of lately.
    pub workers: u64,
    /// Their slots.
    pub slots: u64,
    /// How many of these held a message at the last heartbeat.
    pub busy: u64,
}

/// Messages that wait, of all runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// For a slot.
    pub work: u64,
    /// In retry tiers, for their time.
    pub retry: u64,
}

impl Operator {
    /// How the queue stands.
    ///
    /// # Errors
    /// [`Error::Ledger`] when the database cannot be asked. A broker that cannot be asked is no error.
    pub async fn queue_standing(&mut self) -> Result<QueueStanding, Error> {
        let within_s = self.config.worker_gone_after().as_secs();
        let workers = self.ledger.workers().of_queue(&self.config.queue, within_s).await?;
        let sum = |number: fn(&queryfleet_ledger::WorkerRow) -> u32| {
            workers.iter().map(|worker| u64::from(number(worker))).sum()
        };
        Ok(QueueStanding {
            workers: workers.len() as u64,
            slots: sum(|worker| worker.slots),
            busy: sum(|worker| worker.in_flight),
            messages: self.waiting().await,
        })
    }

    async fn waiting(&mut self) -> Option<Waiting> {
        let config = &self.config;
        let topology = Topology::new(&config.queue, &config.retry_tiers, config.delivery_limit).ok()?;
        let broker = match self.broker.take() {
            Some(broker) => broker,
            None => Broker::new(config, "status").ok()?,
        };
        let asked = tokio::time::timeout(BROKER_TIMEOUT, broker.ready_messages(&topology)).await;
        let waiting = asked.ok()?.ok()?;
        if self.keeps_broker {
            self.broker = Some(broker);
        } else {
            let _ = tokio::time::timeout(BROKER_TIMEOUT, broker.close()).await;
        }
        Some(Waiting { work: waiting.work.into(), retry: waiting.retry.into() })
    }
}
