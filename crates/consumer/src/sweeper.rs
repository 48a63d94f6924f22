//! The sweeper: takes the messages of closed runs out of the queue, many at once.
//!
//! A slot takes one message at a time, so 200,000 messages of a cancelled run would hold up what is behind them for a
//! minute. When the slots have met nothing else for a while, the sweeper takes messages with a window of its own. It
//! acknowledges those whose run is closed, by the same admission as a slot. At the first one that is not it stops: that
//! one, and what else is in its window, goes back as it came, in confirmed copies, before it is acknowledged.

use std::sync::Arc;
use std::time::Duration;

use queryfleet_broker::{Delivery, Publisher, Route, Subscription};
use queryfleet_job::{Action, Backoff, Message};

use crate::decode::decode;
use crate::not_run::NotRun;
use crate::shared::Shared;
use crate::shared::closed::is_closed;

/// The messages that a sweep has at once. All of them are in memory.
const WINDOW: u16 = 32;
/// Where fewer messages wait, the slots take them soon enough. A sweep ends before its window cannot be filled any more:
/// a message that is on its way to a consumer when that ends comes again with its delivery counted.
const LEAST_MESSAGES: u32 = 2048;
/// After so many messages it is asked how many still wait.
const COUNTED_EVERY: u32 = 128;
/// A queue that has given nothing for this time is empty.
const EMPTY_AFTER: Duration = Duration::from_millis(500);
/// How long to wait for a delivery that the broker sent before the subscription ended: it is here already.
const LAST_DELIVERY_TIMEOUT: Duration = Duration::from_millis(100);

/// Sweeps whenever that is wanted, until the worker ends.
pub(crate) async fn sweep(shared: Arc<Shared>) {
    let mut publisher = Publisher::new(shared.clients.publishing.clone(), shared.topology.clone());
    let mut backoff = Backoff::new(shared.limits.longest_backoff);
    loop {
        shared.sweep.wanted().await;
        match sweep_once(&shared, &mut publisher).await {
            Ok(()) => backoff.reset(),
            Err(error) => {
                let error = queryfleet_job::causes(&error);
                tracing::debug!(
                    worker = shared.worker,
                    error,
                    "messages of closed runs stay with the slots for now"
                );
                tokio::time::sleep(backoff.pause()).await;
            }
        }
    }
}

/// Takes messages until one is of no closed run, or there are no more.
///
/// # Errors
/// Returns the broker's error. What was not acknowledged comes again.
async fn sweep_once(shared: &Shared, publisher: &mut Publisher) -> Result<(), queryfleet_broker::Error> {
    let tag = format!("{}/sweeper", shared.worker);
    if shared.clients.consuming.ready_messages(&shared.topology).await?.work < LEAST_MESSAGES {
        return Ok(());
    }
    let mut subscription =
        shared.clients.consuming.subscribe_with(&shared.topology.work(), &tag, WINDOW).await?;
    let swept = match take_closed(shared, &mut subscription).await {
        Ok(first) => give_back(shared, publisher, &mut subscription, first).await,
        Err(error) => Err(error),
    };
    subscription.close().await;
    swept
}

/// A message that the sweeper has in hand.
enum Taken {
    /// Its run is closed.
    Closed(Delivery),
    /// It is for a slot: the message as it came.
    Other(Message, Delivery),
}

/// Acknowledges messages of closed runs, and returns the first other one. `None`: few are left, or the sweep has to end.
async fn take_closed(
    shared: &Shared,
    subscription: &mut Subscription,
) -> Result<Option<Taken>, queryfleet_broker::Error> {
    let mut ended: u32 = 0;
    loop {
        if ended == COUNTED_EVERY
            && subscription.ready_messages(&shared.topology.work()).await? < LEAST_MESSAGES
        {
            return Ok(None);
        }
        ended %= COUNTED_EVERY;
        let next = tokio::select! {
            biased;
            () = shared.drain.draining() => return Ok(None),
            () = shared.control.held() => return Ok(None),
            next = tokio::time::timeout(EMPTY_AFTER, subscription.next()) => next,
        };
        let Ok(Some(delivery)) = next else { return Ok(None) };
        match look_at(shared, delivery?).await {
            Taken::Closed(delivery) => end_closed(shared, &delivery),
            other => return Ok(Some(other)),
        }
        ended += 1;
    }
}

/// Ends the sweep, and gives back what is of no closed run, such as `first`. What the broker has sent is taken before,
/// without any acknowledgement, which would bring more: a message that is in the window when its subscription ends comes
/// again with its delivery counted.
async fn give_back(
    shared: &Shared,
    publisher: &mut Publisher,
    subscription: &mut Subscription,
    first: Option<Taken>,
) -> Result<(), queryfleet_broker::Error> {
    let mut window = Vec::from_iter(first);
    while window.len() < usize::from(WINDOW)
        && let Ok(Some(delivery)) = tokio::time::timeout(LAST_DELIVERY_TIMEOUT, subscription.next()).await
    {
        window.push(look_at(shared, delivery?).await);
    }
    subscription.cancel().await?;
    // What arrived after the last look, before the broker answered: another sweeper may have given it back just then.
    while let Ok(Some(delivery)) = tokio::time::timeout(LAST_DELIVERY_TIMEOUT, subscription.next()).await {
        window.push(look_at(shared, delivery?).await);
    }
    let mut messages = Vec::new();
    let mut others = Vec::new();
    for taken in window {
        match taken {
            Taken::Closed(delivery) => end_closed(shared, &delivery),
            Taken::Other(message, delivery) => {
                messages.push(message);
                others.push(delivery);
            }
        }
    }
    if messages.is_empty() {
        return Ok(());
    }
    let published = publisher.publish_all(Route::Work, &messages).await;
    for _ in &messages {
        shared.record_published(&published);
    }
    published?;
    for delivery in &others {
        shared.metrics.settled(Action::GiveBack);
        delivery.ack();
    }
    Ok(())
}

async fn look_at(shared: &Shared, mut delivery: Delivery) -> Taken {
    // As they came: what a worker without the key would forget is for the slot to decide.
    let headers = delivery.headers.clone();
    let (id, not_run) = match decode(&mut delivery, shared.signer.as_ref()) {
        Ok(chunk) => {
            let seq = chunk.jobs.first().map_or(0, |job| job.seq);
            (format!("{}/{seq}", chunk.run), shared.runs.admit(&chunk).await.err())
        }
        Err(not_run) => (String::from("swept"), Some(not_run)),
    };
    match not_run {
        Some(NotRun(outcome)) if is_closed(&outcome) => {
            shared.metrics.job_error(outcome.class());
            Taken::Closed(delivery)
        }
        _ => Taken::Other(Message { id, body: std::mem::take(&mut delivery.body), headers }, delivery),
    }
}

/// Acknowledges a message of a closed run. If that is lost the message comes again.
fn end_closed(shared: &Shared, delivery: &Delivery) {
    shared.metrics.settled(Action::Ack);
    delivery.ack();
}
