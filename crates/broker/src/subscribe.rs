//! A slot's consumer: its own channel, prefetch 1, messages taken one at a time and settled one at a time.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use queryfleet_job::Headers;

use crate::declare::close;
use crate::properties::{self, Death};
use crate::{Broker, Error};

/// By design, not a setting: a slot holds one message; chunks are the lever.
const PREFETCH: u16 = 1;
/// How long a connection that may be half-open is waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// A consumer of a queue. Dropped, it gives back what was not settled.
pub struct Subscription {
    channel: Channel,
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
    /// How the broker has last dead-lettered it, if it did.
    pub death: Option<Death>,
    /// Whole seconds since it was published, by the two machines' clocks.
    pub waited_s: Option<u64>,
    channel: Channel,
    tag: u64,
}

impl Broker {
    /// Starts consuming a queue of the topology on a channel of its own. `tag` is what the broker lists the consumer as.
    ///
    /// # Errors
    /// [`Error::NoQueue`] when the queue is not there, and as connecting can fail.
    pub async fn subscribe(&self, queue: &str, tag: &str) -> Result<Subscription, Error> {
        let channel = self.channel().await?;
        let subscribing = async {
            channel
                .basic_qos(PREFETCH, BasicQosOptions { global: false })
                .await
                .map_err(|source| Error::Channel { doing: "setting prefetch", source })?;
            let options =
                BasicConsumeOptions { no_local: false, no_ack: false, exclusive: false, nowait: false };
            let consumer =
                channel.basic_consume(queue.into(), tag.into(), options, FieldTable::default()).await;
            consumer.map_err(|source| match source.is_amqp_soft_error() {
                true => Error::NoQueue { name: queue.to_owned(), source },
                false => Error::Channel { doing: "subscribing", source },
            })
        };
        match tokio::time::timeout(self.timeout(), subscribing).await {
            Ok(Ok(consumer)) => Ok(Subscription { consumer, channel }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(self.timed_out("subscribing")),
        }
    }
}

impl Subscription {
    /// The next message. `None` or an error: this subscription is over, whatever the reason (a lost connection, a
    /// deleted queue, a consumer timeout); make another.
    pub async fn next(&mut self) -> Option<Result<Delivery, Error>> {
        let delivery = match self.consumer.next().await? {
            Ok(delivery) => delivery,
            Err(source) => return Some(Err(Error::Channel { doing: "consuming", source })),
        };
        Some(Ok(Delivery {
            headers: properties::read(&delivery.properties),
            waited_s: properties::waited_s(&delivery.properties),
            redelivered: delivery.redelivered,
            death: properties::death(&delivery.properties),
            body: delivery.data,
            channel: self.channel.clone(),
            tag: delivery.delivery_tag,
        }))
    }

    /// Takes no further message: what comes after this call is never delivered here. Messages that were taken can
    /// still be settled. A message that was on its way goes back to the queue with [`close`](Self::close).
    ///
    /// # Errors
    /// When the channel is gone; then nothing comes any more either.
    pub async fn cancel(&mut self) -> Result<(), Error> {
        let cancelling = self.channel.basic_cancel(self.consumer.tag(), BasicCancelOptions { nowait: false });
        match tokio::time::timeout(ANSWER_TIMEOUT, cancelling).await {
            Ok(cancelled) => {
                cancelled.map_err(|source| Error::Channel { doing: "cancelling the consumer", source })
            }
            Err(_) => {
                Err(Error::Timeout { doing: "cancelling the consumer", seconds: ANSWER_TIMEOUT.as_secs() })
            }
        }
    }

    /// Closes the channel; what was not settled goes back to the queue.
    pub async fn close(self) {
        close(self.channel).await;
    }
}

impl Delivery {
    /// Acknowledges. Answers whether the acknowledgement could be handed to the connection; that it arrives is never
    /// known, so nothing may depend on it: an unacknowledged message comes again and meets the ledger.
    pub fn ack(&self) -> bool {
        handed_over(self.channel.basic_ack(self.tag, BasicAckOptions { multiple: false }))
    }

    /// Lets the broker dead-letter the message. Never requeues: on RabbitMQ 4.3 that does not count toward the
    /// delivery limit, and could go on for ever.
    pub fn reject(&self) -> bool {
        handed_over(self.channel.basic_reject(self.tag, BasicRejectOptions { requeue: false }))
    }
}

/// Hands a frame over without waiting until it is written: that would tell nothing, cost the slot a wake-up a job,
/// and could hang on a half-open connection. Frames of a channel keep their order.
fn handed_over(settling: impl Future<Output = lapin::Result<()>>) -> bool {
    settling.now_or_never().is_none_or(|result| result.is_ok())
}
