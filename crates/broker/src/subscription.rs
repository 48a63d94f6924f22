//! A slot's consumer: a channel of its own, prefetch 1, deliveries taken and settled one at a time.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use queryfleet_job::Headers;

use crate::connection::close_channel;
use crate::properties::{self, DeadLettered};
use crate::{Broker, Error, Operation};

/// By design not a setting: a slot holds one message. To make larger units, use chunks.
const PREFETCH: u16 = 1;
/// How long to wait for an answer: the connection may be half-open.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// A consumer of a queue. If it is dropped, what was not settled goes back to the queue.
pub struct Subscription {
    pub(crate) channel: Channel,
    consumer: Consumer,
}

/// A message as it was delivered.
pub struct Delivery {
    /// The envelope.
    pub body: Vec<u8>,
    /// Attempts, first error, signature.
    pub headers: Headers,
    /// Whether the broker has delivered it before.
    pub redelivered: bool,
    /// How the broker has last dead-lettered it; `None` if it never did.
    pub dead_lettered: Option<DeadLettered>,
    /// Whole seconds since it was published, by the clocks of two machines; `None` if it has no time stamp.
    pub waited_s: Option<u64>,
    channel: Channel,
    tag: u64,
}

impl Broker {
    /// Starts consuming a queue of the topology on a channel of its own. The broker lists the consumer as `tag`.
    ///
    /// # Errors
    /// [`Error::NoQueue`] if the queue does not exist; otherwise an error if the broker cannot be reached or refuses.
    pub async fn subscribe(&self, queue: &str, tag: &str) -> Result<Subscription, Error> {
        self.subscribe_with(queue, tag, PREFETCH).await
    }

    /// As [`subscribe`](Self::subscribe), with up to `window` messages that are not settled yet. All of them are in memory.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub async fn subscribe_with(&self, queue: &str, tag: &str, window: u16) -> Result<Subscription, Error> {
        let channel = self.channel().await?;
        let subscribing = async {
            channel
                .basic_qos(window, BasicQosOptions { global: false })
                .await
                .map_err(|source| Error::channel(Operation::SettingPrefetch, source))?;
            let options =
                BasicConsumeOptions { no_local: false, no_ack: false, exclusive: false, nowait: false };
            let consumer =
                channel.basic_consume(queue.into(), tag.into(), options, FieldTable::default()).await;
            consumer.map_err(|source| Error::of_queue(queue, Operation::Subscribing, source))
        };
        let subscribed = tokio::time::timeout(self.timeout(), subscribing).await;
        let error = match subscribed {
            Ok(Ok(consumer)) => return Ok(Subscription { consumer, channel }),
            Ok(Err(error)) => error,
            Err(_) => self.timed_out(Operation::Subscribing),
        };
        // A broker that answers too late has a consumer then, and gives it a message that nobody takes. lapin keeps the channel
        // open for that answer.
        close_channel(channel).await;
        Err(error)
    }
}

impl Subscription {
    /// The next delivery. After `None` or an error this subscription is over, whatever the reason (a lost connection, a
    /// deleted queue, a consumer timeout): subscribe again.
    pub async fn next(&mut self) -> Option<Result<Delivery, Error>> {
        let delivery = match self.consumer.next().await? {
            Ok(delivery) => delivery,
            Err(source) => return Some(Err(Error::channel(Operation::Consuming, source))),
        };
        Some(Ok(Delivery {
            headers: properties::read(&delivery.properties),
            waited_s: properties::waited_s(&delivery.properties),
            redelivered: delivery.redelivered,
            dead_lettered: properties::dead_lettered(&delivery.properties),
            body: delivery.data,
            channel: self.channel.clone(),
            tag: delivery.delivery_tag,
        }))
    }

    /// Takes no further message: what comes after this call is never delivered here. Deliveries that were taken can
    /// still be settled. A message that was on its way goes back to the queue with [`close`](Self::close).
    ///
    /// # Errors
    /// Returns an error if the channel is gone; then nothing more is delivered either.
    pub async fn cancel(&mut self) -> Result<(), Error> {
        let cancelling = self.channel.basic_cancel(self.consumer.tag(), BasicCancelOptions { nowait: false });
        match tokio::time::timeout(ANSWER_TIMEOUT, cancelling).await {
            Ok(cancelled) => {
                cancelled.map_err(|source| Error::channel(Operation::CancellingConsumer, source))
            }
            Err(_) => Err(Error::Timeout {
                operation: Operation::CancellingConsumer,
                seconds: ANSWER_TIMEOUT.as_secs(),
            }),
        }
    }

    /// Closes the channel; what was not settled goes back to the queue.
    pub async fn close(self) {
        close_channel(self.channel).await;
    }
}

impl Delivery {
    /// Acknowledges the message. Returns whether the acknowledgement was queued on the connection. Nobody learns whether
    /// it arrives, so nothing may depend on it: an unacknowledged message is delivered again and meets its ledger row.
    pub fn ack(&self) -> bool {
        is_queued(self.channel.basic_ack(self.tag, BasicAckOptions { multiple: false }))
    }

    /// Lets the broker dead-letter the message; returns as [`ack`](Self::ack) does. Never requeues: on RabbitMQ 4.3 that
    /// does not count toward the delivery limit, and could loop forever.
    pub fn reject(&self) -> bool {
        is_queued(self.channel.basic_reject(self.tag, BasicRejectOptions { requeue: false }))
    }
}

/// Queues a frame on the connection without waiting until it is written: that would say nothing about its arrival, cost
/// the slot a wake-up per job, and could hang on a half-open connection. lapin queues the frame before its future waits
/// for the first time, so one poll is enough; frames of a channel keep their order.
fn is_queued(settling: impl Future<Output = lapin::Result<()>>) -> bool {
    settling.now_or_never().is_none_or(|result| result.is_ok())
}
