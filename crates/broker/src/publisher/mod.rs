//! Confirmed publishing: a message counts as published when the broker has confirmed it, never before.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, PublisherConfirm};
use queryfleet_job::Message;

use crate::queues::EXCHANGE;
use crate::{Broker, Error, ErrorClass, Operation, Topology, properties};
use confirms::{BatchConfirms, FailedBatch};

mod confirms;

/// How long a confirm may take while no alarm blocks the broker: it waits for disks and a majority of nodes.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(60);
/// The interval at which a waiting publisher asks whether the broker is blocked.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// The number of such checks after which it asks whether the queue still exists: a deleted queue may confirm nothing.
const CHECKS_PER_QUEUE_CHECK: u32 = 3;
/// The least time between two log lines that say what is waited for.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The work queue.
    Work,
    /// A retry tier, by its index.
    Tier(usize),
}

impl Route {
    fn key(self, topology: &Topology) -> String {
        match self {
            Route::Work => topology.work(),
            Route::Tier(index) => topology.tier(index),
        }
    }
}

/// A channel in confirm mode, opened when it is needed. It publishes one batch at a time: lapin attaches a returned
/// message to any confirm of its channel, so that only a whole batch says what is in its queue.
pub struct Publisher {
    broker: Arc<Broker>,
    topology: Topology,
    channel: Option<Channel>,
}

impl Publisher {
    /// A publisher on this connection; opens nothing yet.
    pub fn new(broker: Arc<Broker>, topology: Topology) -> Publisher {
        Publisher { broker, topology, channel: None }
    }

    /// What an error of publishing means, given all that its connection has done before.
    pub fn class(&self, error: &Error) -> ErrorClass {
        self.broker.class(error)
    }

    /// Publishes all messages, persistent and mandatory, and returns when the broker has confirmed every one. Waits
    /// as long as an alarm blocks the broker.
    ///
    /// # Errors
    /// After an error nothing is known about any message of the batch: publish all of them again. The ledger takes care
    /// of duplicates.
    pub async fn publish_all(&mut self, route: Route, messages: &[Message]) -> Result<(), Error> {
        self.send_batch(route, messages).await.map_err(|failed| *failed.error)
    }

    /// As [`publish_all`](Self::publish_all), but removes from `messages` those that are known to be in their queue:
    /// what is left after an error has to be published again, and nothing else. So an error duplicates only what was
    /// under way.
    ///
    /// # Errors
    /// Returns why the rest is not known to be in its queue.
    pub async fn publish_remaining(
        &mut self,
        route: Route,
        messages: &mut Vec<Message>,
    ) -> Result<(), Error> {
        let Err(FailedBatch { error, arrived }) = self.send_batch(route, messages).await else {
            messages.clear();
            return Ok(());
        };
        let mut arrived = arrived.into_iter();
        messages.retain(|_| !arrived.next().unwrap_or(false));
        Err(*error)
    }

    /// An error says which messages are known to be in their queue all the same.
    async fn send_batch(&mut self, route: Route, messages: &[Message]) -> Result<(), FailedBatch> {
        // Taken out: a failed or cancelled batch leaves no channel with confirms of its own behind.
        let channel = match self.channel.take() {
            Some(channel) if channel.status().connected() => channel,
            _ => self.open_channel().await?,
        };
        let key = route.key(&self.topology);
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        // All at once: the connection writes what has gathered, and wakes us once instead of for every message.
        let publishing = join_all(messages.iter().map(|message| {
            let properties = properties::write(message);
            channel.basic_publish(EXCHANGE.into(), key.as_str().into(), options, &message.body, properties)
        }));
        let publishing = async { Ok(publishing.await) };
        let confirms = self.unless_hung(Operation::Publishing, &key, publishing).await?;
        self.await_all(&key, messages, confirms).await?;
        self.broker.history.note_confirmed();
        self.channel = Some(channel);
        Ok(())
    }

    async fn open_channel(&self) -> Result<Channel, Error> {
        let channel = self.broker.channel().await?;
        let selecting = channel.confirm_select(ConfirmSelectOptions { nowait: false });
        match tokio::time::timeout(self.broker.timeout(), selecting).await {
            Ok(Ok(())) => Ok(channel),
            Ok(Err(source)) => Err(Error::channel(Operation::SelectingConfirms, source)),
            Err(_) => Err(self.broker.timed_out(Operation::SelectingConfirms)),
        }
    }

    /// Waits for every confirm, whatever the others say: a returned message may be attached to any of them, and any of
    /// them may be told why a channel was closed.
    async fn await_all(
        &self,
        key: &str,
        messages: &[Message],
        confirms: Vec<lapin::Result<PublisherConfirm>>,
    ) -> Result<(), FailedBatch> {
        let mut results = BatchConfirms::default();
        for confirm in confirms {
            let confirmed = match confirm {
                Ok(_) if results.has_hung() => continue,
                Ok(confirm) => self.unless_hung(Operation::Confirming, key, confirm).await,
                Err(source) => Err(Error::channel(Operation::Publishing, source)),
            };
            results.add(confirmed);
        }
        results.into_result(messages)
    }

    /// Waits for an answer as long as an alarm blocks the broker, and for [`CONFIRM_TIMEOUT`] while none does.
    async fn unless_hung<T>(
        &self,
        operation: Operation,
        key: &str,
        answer: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, Error> {
        let mut answer = std::pin::pin!(answer);
        let mut unblocked_since = Instant::now();
        let mut checks = 0;
        loop {
            match tokio::time::timeout(CHECK_INTERVAL, answer.as_mut()).await {
                Ok(result) => return result.map_err(|source| Error::channel(operation, source)),
                Err(_) if self.broker.is_blocked().await => unblocked_since = Instant::now(),
                Err(_) if unblocked_since.elapsed() >= CONFIRM_TIMEOUT => {
                    return Err(Error::Timeout { operation, seconds: CONFIRM_TIMEOUT.as_secs() });
                }
                Err(_) => {
                    checks += 1;
                    if checks % CHECKS_PER_QUEUE_CHECK == 0 {
                        self.require_queue(key).await?;
                        self.log_wait(key, unblocked_since.elapsed());
                    }
                }
            }
        }
    }

    /// A queue that does not exist is an error: its confirm cannot come any more. Any other error says nothing of that.
    async fn require_queue(&self, key: &str) -> Result<(), Error> {
        match self.broker.require_queue(key).await {
            Err(error @ Error::NoQueue { .. }) => Err(error),
            _ => Ok(()),
        }
    }

    /// One line for all publishers of this connection.
    fn log_wait(&self, key: &str, waited: Duration) {
        // A poisoned lock holds a whole value.
        let mut logged_at = self.broker.wait_logged_at.lock().unwrap_or_else(PoisonError::into_inner);
        if logged_at.is_none_or(|logged_at| logged_at.elapsed() >= LOG_INTERVAL) {
            *logged_at = Some(Instant::now());
            let seconds = waited.as_secs();
            tracing::warn!("publishing waits: {key} has not confirmed for {seconds} s");
        }
    }
}
