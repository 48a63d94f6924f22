//! The window of unconfirmed messages: two batches, each on a channel of its own.
//!
//! lapin may attach a returned message to any confirm of its channel, so a message is known to be in its queue only
//! when all of its channel's are. While one batch is confirmed the other is filled.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use queryfleet_broker::{Broker, ErrorClass, Publisher, Route, Topology};
use queryfleet_job::{Backoff, Message, Signer};
use tokio::task::JoinHandle;

use crate::notice::Notice;

/// A batch of this many bytes is sent, whatever its number of messages: memory stays flat with large statements.
const BATCH_BYTES: usize = 4 << 20;
/// How often a message that no queue takes is published before the run is interrupted.
const MISSING_TRIES: u32 = 3;

/// Two publishers, and the batches that they have under way.
pub(crate) struct Window {
    idle: Vec<Publisher>,
    under_way: VecDeque<AbortOnDrop>,
    messages: Vec<Message>,
    bytes: usize,
    size: usize,
    options: BatchOptions,
}

/// A batch under way, which whoever gives the publish up does not want any more: it could wait for the broker for ever.
struct AbortOnDrop(JoinHandle<(Publisher, Result<u64, queryfleet_broker::Error>)>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What publishing a batch takes besides its messages.
#[derive(Clone)]
pub(crate) struct BatchOptions {
    pub(crate) backoff_max: Duration,
    /// For messages that have to be cut.
    pub(crate) signer: Option<Signer>,
    /// Of both batches together.
    pub(crate) notice: Arc<Notice>,
}

impl Window {
    /// A window of at most `size` unconfirmed messages.
    pub(crate) fn new(
        broker: Arc<Broker>,
        topology: &Topology,
        size: usize,
        options: BatchOptions,
    ) -> Window {
        let idle = (0..2).map(|_| Publisher::new(broker.clone(), topology.clone())).collect();
        let under_way = VecDeque::new();
        Window { idle, under_way, messages: Vec::new(), bytes: 0, size: size.div_ceil(2), options }
    }

    /// Puts a message into the window and says whether its batch is full now.
    pub(crate) fn push(&mut self, message: Message) -> bool {
        self.bytes += message.body.len();
        self.messages.push(message);
        self.messages.len() >= self.size || self.bytes >= BATCH_BYTES
    }

    /// Sends the batch; `end` is the seq of its last job. If both batches are under way it waits for the older one first,
    /// and returns that one's end: all jobs up to there are confirmed.
    ///
    /// # Errors
    /// Returns an error that publishing again does not fix.
    pub(crate) async fn send(&mut self, end: u64) -> Result<Option<u64>, queryfleet_broker::Error> {
        let older = if self.idle.is_empty() { self.await_oldest().await? } else { None };
        let messages = std::mem::take(&mut self.messages);
        self.bytes = 0;
        if let Some(publisher) = self.idle.pop() {
            let batch = publish_batch(publisher, messages, end, self.options.clone());
            self.under_way.push_back(AbortOnDrop(tokio::spawn(batch)));
        }
        Ok(older)
    }

    /// Whether both batches are under way: the next one has to wait.
    pub(crate) fn is_full(&self) -> bool {
        self.idle.is_empty()
    }

    /// Waits for the older batch under way and returns its end; `None` if none is under way. Giving it up loses nothing.
    ///
    /// # Errors
    /// Returns an error that publishing again does not fix.
    pub(crate) async fn await_oldest(&mut self) -> Result<Option<u64>, queryfleet_broker::Error> {
        let Some(oldest) = self.under_way.front_mut() else { return Ok(None) };
        let ended = (&mut oldest.0).await;
        self.under_way.pop_front();
        match ended {
            Ok((publisher, result)) => {
                self.idle.push(publisher);
                result.map(Some)
            }
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}

/// Publishes a batch until the broker has confirmed all of it. After an error only what is not known to be in its queue
/// is sent again; the ledger makes duplicates harmless.
async fn publish_batch(
    mut publisher: Publisher,
    mut messages: Vec<Message>,
    end: u64,
    options: BatchOptions,
) -> (Publisher, Result<u64, queryfleet_broker::Error>) {
    let mut missing = 0;
    let mut backoff = Backoff::new(options.backoff_max);
    loop {
        let Err(error) = publisher.publish_remaining(Route::Work, &mut messages).await else {
            return (publisher, Ok(end));
        };
        match publisher.class(&error) {
            ErrorClass::Transient => {}
            // Somebody may be setting it up.
            ErrorClass::MissingQueue if missing + 1 < MISSING_TRIES => missing += 1,
            ErrorClass::TooLarge if halve(&error, &mut messages, options.signer.as_ref()) => continue,
            ErrorClass::MissingQueue | ErrorClass::TooLarge | ErrorClass::Permanent => {
                return (publisher, Err(error));
            }
        }
        options.notice.warn("publishing waits", &error);
        tokio::time::sleep(backoff.pause()).await;
    }
}

/// Cuts in half the message that is too large, and all others above the broker's limit. Returns false if one of them is a
/// single job.
fn halve(error: &queryfleet_broker::Error, messages: &mut Vec<Message>, signer: Option<&Signer>) -> bool {
    let queryfleet_broker::Error::TooLarge { message: refused, limit, .. } = error else { return false };
    let mut whole = Vec::with_capacity(messages.len() + 1);
    for message in messages.drain(..) {
        let is_too_large =
            message.id == *refused || limit.is_some_and(|limit| message.body.len() as u64 > limit);
        if !is_too_large {
            whole.push(message);
        } else if let Some(halves) = queryfleet_job::halves(&message, signer) {
            whole.extend(halves);
        } else {
            return false;
        }
    }
    *messages = whole;
    true
}
