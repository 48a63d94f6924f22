//! The window of unconfirmed messages: two batches, each on a channel of its own.
//!
//! lapin may attach a returned message to any confirm of its channel, so a message is known to be in its queue only
//! when all of its channel's are. While one batch is confirmed the other is filled.

use std::sync::Arc;
use std::time::Duration;

use queryfleet_broker::{Broker, ErrorClass, Publisher, Route, Topology};
use queryfleet_job::{Backoff, Message, Signer};
use tokio::task::JoinHandle;

use crate::notice::Notice;

/// Bytes of messages in a batch at which it is sent, whatever their number: memory stays flat with large statements.
const BATCH_BYTES: usize = 4 << 20;
/// How often a message that no queue takes is published again before the run is interrupted.
const MISSING_TRIES: u32 = 3;

/// Two publishers and what they have under way.
pub(crate) struct Window {
    idle: Vec<Publisher>,
    under_way: std::collections::VecDeque<JoinHandle<(Publisher, Result<u64, queryfleet_broker::Error>)>>,
    messages: Vec<Message>,
    bytes: usize,
    size: usize,
    how: How,
}

/// What publishing a batch takes beside its messages.
#[derive(Clone)]
pub(crate) struct How {
    pub(crate) backoff_max: Duration,
    /// For messages that have to be cut.
    pub(crate) signer: Option<Signer>,
    /// Of both batches together.
    pub(crate) notice: Arc<Notice>,
}

impl Window {
    /// A window of at most `size` unconfirmed messages.
    pub(crate) fn new(broker: Arc<Broker>, topology: &Topology, size: usize, how: How) -> Window {
        let idle = (0..2).map(|_| Publisher::new(broker.clone(), topology.clone())).collect();
        let under_way = std::collections::VecDeque::new();
        Window { idle, under_way, messages: Vec::new(), bytes: 0, size: size.div_ceil(2), how }
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
    pub(crate) async fn send(&mut self, end: u64) -> Result<Option<u64>, queryfleet_broker::Error> {
        let older = if self.idle.is_empty() { self.confirmed().await? } else { None };
        let messages = std::mem::take(&mut self.messages);
        self.bytes = 0;
        if let Some(publisher) = self.idle.pop() {
            self.under_way.push_back(tokio::spawn(publish(publisher, messages, end, self.how.clone())));
        }
        Ok(older)
    }

    /// Waits for the oldest batch under way and answers its end; `None` when there is none.
    ///
    /// # Errors
    /// What publishing again does not mend.
    pub(crate) async fn confirmed(&mut self) -> Result<Option<u64>, queryfleet_broker::Error> {
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

/// Publishes a batch until the broker has confirmed all of it. After an error only what is not known to be in its queue
/// is sent again; doubles meet on the ledger.
async fn publish(
    mut publisher: Publisher,
    mut messages: Vec<Message>,
    end: u64,
    how: How,
) -> (Publisher, Result<u64, queryfleet_broker::Error>) {
    let (mut missing, mut backoff) = (0, Backoff::new(how.backoff_max));
    loop {
        let Err(error) = publisher.publish_remaining(Route::Work, &mut messages).await else {
            return (publisher, Ok(end));
        };
        match publisher.class(&error) {
            ErrorClass::Transient => {}
            // Somebody may be setting it up.
            ErrorClass::MissingQueue if missing + 1 < MISSING_TRIES => missing += 1,
            ErrorClass::TooLarge if cut(&error, &mut messages, how.signer.as_ref()) => continue,
            ErrorClass::MissingQueue | ErrorClass::TooLarge | ErrorClass::Permanent => {
                return (publisher, Err(error));
            }
        }
        how.notice.warn("publishing waits", &error);
        tokio::time::sleep(backoff.pause()).await;
    }
}

/// Cuts the message that is too large in half, and all others that are as large as what the broker takes. False when one
/// of them is a single job.
fn cut(error: &queryfleet_broker::Error, messages: &mut Vec<Message>, signer: Option<&Signer>) -> bool {
    let queryfleet_broker::Error::TooLarge { message, limit, .. } = error else { return false };
    let too_large = |candidate: &Message| {
        candidate.id == *message || limit.is_some_and(|limit| candidate.body.len() as u64 > limit)
    };
    let mut whole = Vec::with_capacity(messages.len() + 1);
    for message in messages.drain(..) {
        match too_large(&message).then(|| queryfleet_job::halves(&message, signer)) {
            None => whole.push(message),
            Some(Some(halves)) => whole.extend(halves),
            Some(None) => return false,
        }
    }
    *messages = whole;
    true
}
