//! The topology as data: one exchange, and the names and arguments of the queues.

use std::time::Duration;

use lapin::types::{AMQPValue, FieldTable};

use crate::Error;

/// The one exchange; direct, so a routing key is a queue's name.
pub(crate) const EXCHANGE: &str = "queryfleet";

/// Stated for every queue that is consumed, because the server's default differs: none before 4.0, 20 from then on.
const DELIVERY_LIMIT: &str = "x-delivery-limit";
/// A delivery limit that is never reached. The dead queue has no queue to dead-letter to, so a message past its limit
/// would be dropped. 4.x takes -1 for no limit at all, but 3.x reads any negative limit as 0.
const NO_DELIVERY_LIMIT: i32 = i32::MAX;

/// The queues that serve one named queue of the fleet.
#[derive(Clone, Debug)]
pub struct Topology {
    queue: String,
    tiers: Vec<Duration>,
    delivery_limit: u32,
}

/// A queue to declare: its name and its arguments.
pub(crate) struct QueueDeclaration {
    pub(crate) name: String,
    pub(crate) arguments: FieldTable,
}

impl Topology {
    /// The topology of a fleet's queue: its retry tiers, which grow, and how often the broker may redeliver a message.
    ///
    /// # Errors
    /// [`Error::Tier`] if a tier is shorter than a millisecond or longer than some 49 days: the broker takes none of these.
    pub fn new(queue: &str, tiers: &[Duration], delivery_limit: u32) -> Result<Topology, Error> {
        if tiers.iter().any(|tier| tier.is_zero() || u32::try_from(tier.as_millis()).is_err()) {
            return Err(Error::Tier);
        }
        Ok(Topology { queue: queue.to_owned(), tiers: tiers.to_vec(), delivery_limit })
    }

    /// The name of the work queue, where jobs wait for a slot.
    pub fn work(&self) -> String {
        format!("{EXCHANGE}.{}", self.queue)
    }

    /// The name of a retry tier, where a job waits before its next attempt; the last tier for any index past it.
    pub fn tier(&self, index: usize) -> String {
        let index = index.min(self.tiers.len().saturating_sub(1));
        let delay = self.tiers.get(index).copied().unwrap_or_default();
        format!("{}.retry.{}", self.work(), queryfleet_config::format_duration(delay))
    }

    /// The number of retry tiers.
    pub fn tiers(&self) -> usize {
        self.tiers.len()
    }

    /// The name of the dead queue, where the broker puts what cannot be decoded and what kills its workers repeatedly.
    pub fn dead(&self) -> String {
        format!("{}.dead", self.work())
    }

    pub(crate) fn queues(&self) -> Vec<QueueDeclaration> {
        let mut queues = vec![self.dead_queue(), self.work_queue()];
        queues.extend((0..self.tiers.len()).map(|index| self.tier_queue(index)));
        queues
    }

    fn dead_queue(&self) -> QueueDeclaration {
        let mut arguments = quorum();
        arguments.insert(DELIVERY_LIMIT.into(), AMQPValue::LongInt(NO_DELIVERY_LIMIT));
        QueueDeclaration { name: self.dead(), arguments }
    }

    fn work_queue(&self) -> QueueDeclaration {
        let mut arguments = dead_lettering(&self.dead());
        arguments.insert(DELIVERY_LIMIT.into(), AMQPValue::LongInt(self.delivery_limit as i32));
        QueueDeclaration { name: self.work(), arguments }
    }

    fn tier_queue(&self, index: usize) -> QueueDeclaration {
        let mut arguments = dead_lettering(&self.work());
        // The queue's TTL, never a message's: messages expire only at the head of a queue.
        let ttl = self.tiers[index].as_millis() as i64;
        arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(ttl));
        QueueDeclaration { name: self.tier(index), arguments }
    }
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments
}

/// Arguments for dead-lettering that waits for the target's confirm. Without reject-publish the server silently falls
/// back to at-most-once.
fn dead_lettering(target: &str) -> FieldTable {
    let mut arguments = quorum();
    for (name, value) in [
        ("x-dead-letter-exchange", EXCHANGE),
        ("x-dead-letter-routing-key", target),
        ("x-dead-letter-strategy", "at-least-once"),
        ("x-overflow", "reject-publish"),
    ] {
        arguments.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_queue_has_the_names_of_the_design() {
        let tiers = [1, 10, 60, 600].map(Duration::from_secs);
        let topology = Topology::new("default", &tiers, 20).unwrap();
        let names: Vec<String> = topology.queues().into_iter().map(|queue| queue.name).collect();
        assert_eq!(
            names,
            [
                "queryfleet.default.dead",
                "queryfleet.default",
                "queryfleet.default.retry.1s",
                "queryfleet.default.retry.10s",
                "queryfleet.default.retry.1m",
                "queryfleet.default.retry.10m",
            ]
        );
    }

    #[test]
    fn a_tier_past_the_last_is_the_last() {
        let topology = Topology::new("q", &[Duration::from_secs(1), Duration::from_secs(2)], 20).unwrap();
        assert_eq!(topology.tier(7), "queryfleet.q.retry.2s");
    }
}
