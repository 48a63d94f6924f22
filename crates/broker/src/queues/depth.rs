//! How many messages wait.

use lapin::Channel;
use lapin::options::{BasicGetOptions, QueueDeclareOptions};
use lapin::types::FieldTable;

use super::topology::Topology;
use crate::connection::close_channel;
use crate::subscription::ANSWER_TIMEOUT;
use crate::{Broker, Error, Operation, Subscription};

/// The numbers of messages that are ready; those that a slot holds are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// In the work queue.
    pub work: u32,
    /// In all retry tiers together.
    pub retry: u32,
    /// In the dead queue.
    pub dead: u32,
    /// Consumers of the work queue: slots that can take a message.
    pub consumers: u32,
}

/// The messages that are ready in those queues that exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// In the work queue.
    pub work: u32,
    /// In all retry tiers together.
    pub retry: u32,
    /// The first tier that has a message, from 0: one of them is due within its time.
    pub first_tier: Option<usize>,
    /// Consumers of the work queue: slots that can take a message.
    pub consumers: u32,
}

/// What the broker says about one queue.
struct QueueCounts {
    ready: u32,
    consumers: u32,
}

impl Broker {
    /// The depth of every queue of the topology.
    ///
    /// # Errors
    /// [`Error::NoQueue`] if one does not exist; otherwise an error if the broker cannot be asked.
    pub async fn depth(&self, topology: &Topology) -> Result<Depth, Error> {
        let channel = self.channel().await?;
        let counting = async {
            let work = count(&channel, &topology.work(), Operation::CountingMessages).await?;
            let dead = count(&channel, &topology.dead(), Operation::CountingMessages).await?;
            let mut retry = 0;
            for tier in 0..topology.tiers() {
                retry += count(&channel, &topology.tier(tier), Operation::CountingMessages).await?.ready;
            }
            Ok::<_, Error>(Depth { work: work.ready, retry, dead: dead.ready, consumers: work.consumers })
        };
        let depth = tokio::time::timeout(self.timeout(), counting).await;
        let depth = depth.map_err(|_| self.timed_out(Operation::CountingMessages))??;
        close_channel(channel).await;
        Ok(depth)
    }

    /// The messages that are ready in the work queue and in all retry tiers. A queue that does not exist counts
    /// as empty: somebody has deleted it, or the fleet has other tiers.
    ///
    /// # Errors
    /// Returns an error if the broker cannot be asked.
    pub async fn ready_messages(&self, topology: &Topology) -> Result<Ready, Error> {
        let counting = async {
            let mut ready = Ready::default();
            let mut open = None;
            let tiers = (0..topology.tiers()).map(|tier| topology.tier(tier));
            for (index, name) in std::iter::once(topology.work()).chain(tiers).enumerate() {
                let channel = match open.take() {
                    Some(channel) => channel,
                    None => self.channel().await?,
                };
                match count(&channel, &name, Operation::CountingMessages).await {
                    Ok(counts) => {
                        match index {
                            0 => (ready.work, ready.consumers) = (counts.ready, counts.consumers),
                            _ => {
                                ready.retry += counts.ready;
                                if counts.ready > 0 {
                                    ready.first_tier.get_or_insert(index - 1);
                                }
                            }
                        }
                        open = Some(channel);
                    }
                    // The broker has closed the channel.
                    Err(Error::NoQueue { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            if let Some(channel) = open {
                close_channel(channel).await;
            }
            Ok(ready)
        };
        let ready = tokio::time::timeout(self.timeout(), counting).await;
        ready.map_err(|_| self.timed_out(Operation::CountingMessages))?
    }

    /// Whether nothing is ready in the work queue and all retry tiers, by the word of their leaders. For a quorum queue that has
    /// none, or one that does not answer within 250 ms, RabbitMQ says that it has no message and no consumer
    /// (`rabbit_quorum_queue:stat`). A message that is there after all is taken for a moment and goes back, which counts as a
    /// delivery: ask seldom.
    ///
    /// # Errors
    /// Returns an error if a leader cannot be asked, or the account may not read the queue.
    pub async fn nothing_is_ready(&self, topology: &Topology) -> Result<bool, Error> {
        for name in
            std::iter::once(topology.work()).chain((0..topology.tiers()).map(|tier| topology.tier(tier)))
        {
            let channel = self.channel().await?;
            let getting = channel.basic_get(name.as_str().into(), BasicGetOptions { no_ack: false });
            let got = tokio::time::timeout(self.timeout(), getting).await;
            // This is what gives a message back, also one that comes too late.
            close_channel(channel).await;
            let got = got.map_err(|_| self.timed_out(Operation::CountingMessages))?;
            match got.map_err(|source| Error::of_queue(&name, Operation::CountingMessages, source)) {
                Ok(None) => {}
                Ok(Some(_)) => return Ok(false),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Asks for a queue, which has to exist.
    ///
    /// # Errors
    /// [`Error::NoQueue`] if the queue does not exist; otherwise an error if the broker cannot be asked.
    pub async fn require_queue(&self, name: &str) -> Result<(), Error> {
        let channel = self.channel().await?;
        let finding = count(&channel, name, Operation::FindingQueue);
        let found = tokio::time::timeout(self.timeout(), finding).await;
        found.map_err(|_| self.timed_out(Operation::FindingQueue))??;
        close_channel(channel).await;
        Ok(())
    }
}

impl Subscription {
    /// The messages of a queue that are ready, asked for on this subscription's channel.
    ///
    /// # Errors
    /// Returns an error if the broker cannot be asked. The channel may be closed then.
    pub async fn ready_messages(&self, queue: &str) -> Result<u32, Error> {
        let counting = count(&self.channel, queue, Operation::CountingMessages);
        match tokio::time::timeout(ANSWER_TIMEOUT, counting).await {
            Ok(counts) => counts.map(|counts| counts.ready),
            Err(_) => Err(Error::Timeout {
                operation: Operation::CountingMessages,
                seconds: ANSWER_TIMEOUT.as_secs(),
            }),
        }
    }
}

/// Declares the queue passively, which only asks.
async fn count(channel: &Channel, name: &str, operation: Operation) -> Result<QueueCounts, Error> {
    let options = QueueDeclareOptions {
        passive: true,
        durable: true,
        exclusive: false,
        auto_delete: false,
        nowait: false,
    };
    match channel.queue_declare(name.into(), options, FieldTable::default()).await {
        Ok(queue) => Ok(QueueCounts { ready: queue.message_count(), consumers: queue.consumer_count() }),
        Err(source) => Err(Error::of_queue(name, operation, source)),
    }
}
