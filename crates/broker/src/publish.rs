//! Confirmed publishing: a message is published when the broker has confirmed it, never before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, PublisherConfirm};
use queryfleet_job::Message;

use crate::error::{CONFIRMING, PUBLISHING};
use crate::fate::{Failed, Fates};
use crate::topology::EXCHANGE;
use crate::{Broker, Class, Error, Topology, properties};

/// How long a confirm may take while the broker is not blocked by an alarm: disk and a majority of its nodes.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a waiting publisher looks whether the broker is blocked.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// After so many looks it looks whether the queue is still there: of a queue that is deleted no confirm may come.
const LOOKS: u32 = 3;
/// The time between two lines that say what is waited for.
const QUIET: Duration = Duration::from_secs(10);

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

/// A channel in confirm mode, opened when it is needed. One batch at a time: lapin attaches a returned message to
/// any confirm of its channel, so only of a whole batch can it be known what is in its queue.
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

    /// What an error of publishing means, after all that its connection has done before.
    pub fn class(&self, error: &Error) -> Class {
        self.broker.class(error)
    }

    /// Publishes all messages, persistent and mandatory, and returns when the broker has confirmed every one. Waits
    /// as long as an alarm blocks the broker.
    ///
    /// # Errors
    /// Nothing is said then of any message of the batch: publish all of them again. Doubles meet on the ledger.
    pub async fn publish(&mut self, route: Route, messages: &[Message]) -> Result<(), Error> {
        self.send(route, messages).await.map_err(|failed| *failed.error)
    }

    /// The same, and takes those out of `messages` that are known to be in their queue: what is left after an error is
    /// to be published again, and nothing else. So an error doubles no more than what was under way.
    ///
    /// # Errors
    /// Why the rest is not known to be in its queue.
    pub async fn publish_rest(&mut self, route: Route, messages: &mut Vec<Message>) -> Result<(), Error> {
        let Err(Failed { error, arrived }) = self.send(route, messages).await else {
            messages.clear();
            return Ok(());
        };
        let mut arrived = arrived.into_iter();
        messages.retain(|_| !arrived.next().unwrap_or(false));
        Err(*error)
    }

    /// With an error comes which messages are known to be in their queue all the same.
    async fn send(&mut self, route: Route, messages: &[Message]) -> Result<(), Failed> {
        // Taken out: a failed or cancelled batch leaves no channel with confirms of its own behind.
        let channel = match self.channel.take() {
            Some(channel) if channel.status().connected() => channel,
            _ => self.open().await?,
        };
        let key = route.key(&self.topology);
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        // All at once: the connection writes what has gathered, and wakes us once instead of for every message.
        let publishing = join_all(messages.iter().map(|message| {
            let properties = properties::write(message);
            channel.basic_publish(EXCHANGE.into(), key.as_str().into(), options, &message.body, properties)
        }));
        let publishing = async { Ok(publishing.await) };
        let handed = self.unless_hung(PUBLISHING, &key, publishing).await?;
        self.await_all(&key, messages, handed).await?;
        self.broker.record.confirmed();
        self.channel = Some(channel);
        Ok(())
    }

    async fn open(&self) -> Result<Channel, Error> {
        let channel = self.broker.channel().await?;
        let selecting = channel.confirm_select(ConfirmSelectOptions { nowait: false });
        match tokio::time::timeout(self.broker.timeout(), selecting).await {
            Ok(Ok(())) => Ok(channel),
            Ok(Err(source)) => Err(Error::Channel { doing: "asking for confirms", source }),
            Err(_) => Err(self.broker.timed_out("asking for confirms")),
        }
    }

    /// Waits for every confirm, whatever the others say: a returned message may hang on any of them, and the cause of
    /// a closed channel may be said to any of them.
    async fn await_all(
        &self,
        key: &str,
        messages: &[Message],
        handed: Vec<lapin::Result<PublisherConfirm>>,
    ) -> Result<(), Failed> {
        let mut fates = Fates::default();
        for confirm in handed {
            let confirmed = match confirm {
                Ok(_) if fates.has_hung() => continue,
                Ok(confirm) => self.unless_hung(CONFIRMING, key, confirm).await,
                Err(source) => Err(Error::Channel { doing: PUBLISHING, source }),
            };
            fates.add(confirmed);
        }
        fates.judge(messages)
    }

    /// Waits for an answer as long as the broker is blocked by an alarm, and for [`CONFIRM_TIMEOUT`] while it is not.
    async fn unless_hung<T>(
        &self,
        doing: &'static str,
        key: &str,
        answer: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, Error> {
        let mut answer = std::pin::pin!(answer);
        let (mut since, mut looks) = (Instant::now(), 0);
        loop {
            match tokio::time::timeout(LOOK_AGAIN, answer.as_mut()).await {
                Ok(result) => return result.map_err(|source| Error::Channel { doing, source }),
                Err(_) if self.broker.is_blocked().await => since = Instant::now(),
                Err(_) if since.elapsed() >= CONFIRM_TIMEOUT => {
                    return Err(Error::Timeout { doing, seconds: CONFIRM_TIMEOUT.as_secs() });
                }
                Err(_) => {
                    looks += 1;
                    if looks % LOOKS == 0 {
                        self.look(key, since.elapsed()).await?;
                    }
                }
            }
        }
    }

    /// Whether what is waited for can still come, and tells that it is waited for.
    async fn look(&self, key: &str, waited: Duration) -> Result<(), Error> {
        if let Err(error @ Error::NoQueue { .. }) = self.broker.find(key).await {
            return Err(error);
        }
        // One line for all publishers of this connection; a poisoned lock holds a whole value.
        let mut told = self.broker.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= QUIET) {
            *told = Some(Instant::now());
            let seconds = waited.as_secs();
            tracing::warn!("publishing waits: {key} has not confirmed for {seconds} s");
        }
        Ok(())
    }
}
