//! The window of unconfirmed messages: two batches, each on a channel of its own.
//!
//! lapin may attach a returned message to any confirm of its channel, so a message is known to be in its queue only
//! when all of its channel's are. While one batch is confirmed the other is filled.

use std::sync::Arc;
use std::time::Duration;

use broker::{Broker, Publisher, Route, Topology};
use job::{Backoff, Message};
use tokio::task::JoinHandle;

/// Bytes of messages in a batch at which it is sent, whatever their number: memory stays flat with large statements.
const BATCH_BYTES: usize = 4 << 20;
/// How often an unroutable message is published again before the run is interrupted: somebody may be setting up.
const UNROUTABLE_TRIES: u32 = 3;

/// Two publishers and what they have under way.
pub(crate) struct Window {
    idle: Vec<Publisher>,
    under_way: std::collections::VecDeque<JoinHandle<(Publisher, Result<u64, broker::Error>)>>,
    messages: Vec<Message>,
    bytes: usize,
    size: usize,
    backoff_max: Duration,
}

impl Window {
    /// A window of at most `size` unconfirmed messages.
    pub(crate) fn new(
        broker: Arc<Broker>,
        topology: &Topology,
        size: usize,
        backoff_max: Duration,
    ) -> Window {
        let idle = (0..2).map(|_| Publisher::new(broker.clone(), topology.clone())).collect();
        let under_way = std::collections::VecDeque::new();
        Window { idle, under_way, messages: Vec::new(), bytes: 0, size: size.div_ceil(2), backoff_max }
    }

    /// Puts a message into the window and says whether its batch is full now.
    pub(crate) fn push(&mut self, message: Message) -> bool {
        self.bytes += message.body.len();
        self.messages.push(message);
        self.messages.len() >= self.size || self.bytes >= BATCH_BYTES
    }

    /// Sends the batch; `end` is the place of its last job in the input. Waits for the older batch first, and answers
    /// that one's end: all up to there is confirmed.
    ///
    /// # Errors
    /// What publishing again does not mend.
    pub(crate) async fn send(&mut self, end: u64) -> Result<Option<u64>, broker::Error> {
        let older = if self.idle.is_empty() { self.confirmed().await? } else { None };
        let (messages, backoff) = (std::mem::take(&mut self.messages), Backoff::new(self.backoff_max));
        self.bytes = 0;
        if let Some(publisher) = self.idle.pop() {
            self.under_way.push_back(tokio::spawn(publish(publisher, messages, end, backoff)));
        }
        Ok(older)
    }

    /// Waits for the oldest batch under way and answers its end; `None` when there is none.
    ///
    /// # Errors
    /// What publishing again does not mend.
    pub(crate) async fn confirmed(&mut self) -> Result<Option<u64>, broker::Error> {
        let Some(oldest) = self.under_way.pop_front() else { return Ok(None) };
        match oldest.await {
            Ok((publisher, result)) => {
                self.idle.push(publisher);
                result.map(Some)
            }
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}

/// Publishes a batch until the broker has confirmed all of it. Nothing is known after an error, so all of it is sent
/// again; doubles meet on the ledger.
async fn publish(
    mut publisher: Publisher,
    messages: Vec<Message>,
    end: u64,
    mut backoff: Backoff,
) -> (Publisher, Result<u64, broker::Error>) {
    let mut unroutable = 0;
    loop {
        let error = match publisher.publish(Route::Work, &messages).await {
            Ok(()) => return (publisher, Ok(end)),
            Err(error) => error,
        };
        unroutable += u32::from(matches!(error, broker::Error::Unroutable { .. }));
        if error.is_unfit() || unroutable >= UNROUTABLE_TRIES {
            return (publisher, Err(error));
        }
        tracing::warn!("publishing waits: {}", job::causes(&error));
        tokio::time::sleep(backoff.pause()).await;
    }
}
