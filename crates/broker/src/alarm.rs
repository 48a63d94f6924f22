//! The broker's memory and disk alarms, told to whoever reads the log: publishing waits until they end.

use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt};
use lapin::Event;

/// The time between two lines of one connection.
const QUIET: Duration = Duration::from_secs(10);

/// Logs that the broker blocks this connection, why, and when it no longer does. Ends with the connection.
pub(crate) async fn tell(events: impl Stream<Item = Event>) {
    let mut events = std::pin::pin!(events);
    let mut told: Option<Instant> = None;
    while let Some(event) = events.next().await {
        match event {
            // `low on memory` or `low on disk`.
            Event::ConnectionBlocked(reason) => {
                // An alarm that comes and goes is told now and then.
                if told.is_some_and(|told| told.elapsed() < QUIET) {
                    continue;
                }
                told = Some(Instant::now());
                tracing::warn!("the broker has blocked publishing: {reason}; it goes on when there is room");
            }
            Event::ConnectionUnblocked if told.is_none_or(|told| told.elapsed() < QUIET) => {}
            Event::ConnectionUnblocked => tracing::info!("the broker takes messages again"),
            _ => {}
        }
    }
}
