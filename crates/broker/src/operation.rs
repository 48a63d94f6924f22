//! What was being done when an error came up.

use std::fmt;

/// An operation on the broker, for error texts (`while publishing`) and for what an error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Connecting and logging in.
    Connecting,
    /// Opening a channel.
    OpeningChannel,
    /// Declaring the exchange, the queues and their bindings.
    Declaring,
    /// Putting a channel into confirm mode.
    SelectingConfirms,
    /// Handing messages to the connection.
    Publishing,
    /// Waiting for the broker's confirms.
    Confirming,
    /// Limiting what a consumer is given at a time.
    SettingPrefetch,
    /// Starting to consume a queue.
    Subscribing,
    /// Taking deliveries.
    Consuming,
    /// Ending a consumer.
    CancellingConsumer,
    /// Asking how many messages a queue has.
    CountingMessages,
    /// Asking whether a queue exists.
    FindingQueue,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::Connecting => "connecting",
            Operation::OpeningChannel => "opening a channel",
            Operation::Declaring => "declaring the queues",
            Operation::SelectingConfirms => "asking for confirms",
            Operation::Publishing => "publishing",
            Operation::Confirming => "waiting for a confirm",
            Operation::SettingPrefetch => "setting the prefetch",
            Operation::Subscribing => "subscribing",
            Operation::Consuming => "consuming",
            Operation::CancellingConsumer => "cancelling the consumer",
            Operation::CountingMessages => "counting messages",
            Operation::FindingQueue => "looking for a queue",
        })
    }
}
