//! Confirmed publishing: a message is published when the broker has confirmed it, never before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use job::Message;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, Confirmation, PublisherConfirm};

use crate::topology::EXCHANGE;
use crate::{Broker, Error, Topology, properties};

/// How long a confirm may take while the broker is not blocked by an alarm: disk and a majority of its nodes.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a waiting publisher looks whether the broker is blocked.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

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
/// any confirm of its channel, so only a whole batch can be known to be in its queue.
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

    /// Publishes all messages, persistent and mandatory, and returns when the broker has confirmed every one. Waits
    /// as long as an alarm blocks the broker.
    ///
    /// # Errors
    /// Nothing is known then of any message of the batch: publish all of them again. Doubles meet on the ledger.
    pub async fn publish(&mut self, route: Route, messages: &[Message]) -> Result<(), Error> {
        // Taken out: a failed or cancelled batch leaves no channel with confirms of its own behind.
        let channel = match self.channel.take() {
            Some(channel) if channel.status().connected() => channel,
            _ => self.open().await?,
        };
        let key = route.key(&self.topology);
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        // All at once: the connection writes what has gathered, and wakes us once instead of for every message.
        let publishing = messages.iter().map(|message| {
            let properties = properties::write(message);
            channel.basic_publish(EXCHANGE.into(), key.as_str().into(), options, &message.body, properties)
        });
        let confirms = self.unless_hung("publishing", try_join_all(publishing)).await?;
        self.await_all(confirms).await?;
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

    /// Waits for every confirm, whatever the others say: a returned message may hang on any of them.
    async fn await_all(&self, confirms: Vec<PublisherConfirm>) -> Result<(), Error> {
        let mut nacked = 0;
        let mut returned = None;
        for confirm in confirms {
            match self.unless_hung("waiting for a confirm", confirm).await? {
                Confirmation::Ack(None) => {}
                Confirmation::Ack(Some(message)) | Confirmation::Nack(Some(message)) => {
                    returned = Some(message)
                }
                Confirmation::Nack(None) | Confirmation::NotRequested => nacked += 1,
            }
        }
        if let Some(message) = returned {
            let id = message.delivery.properties.message_id().as_ref().map(ToString::to_string);
            return Err(Error::Unroutable { message: id.unwrap_or_default() });
        }
        if nacked > 0 {
            return Err(Error::Nacked { count: nacked });
        }
        Ok(())
    }

    /// Waits for an answer as long as the broker is blocked by an alarm, and for [`CONFIRM_TIMEOUT`] while it is not.
    async fn unless_hung<T>(
        &self,
        doing: &'static str,
        answer: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, Error> {
        let mut answer = std::pin::pin!(answer);
        let mut since = Instant::now();
        loop {
            match tokio::time::timeout(LOOK_AGAIN, answer.as_mut()).await {
                Ok(result) => return result.map_err(|source| Error::Channel { doing, source }),
                Err(_) if self.broker.is_blocked().await => since = Instant::now(),
                Err(_) if since.elapsed() < CONFIRM_TIMEOUT => {}
                Err(_) => return Err(Error::Timeout { doing, seconds: CONFIRM_TIMEOUT.as_secs() }),
            }
        }
    }
}
