//! The broker's memory and disk alarms, logged: publishing waits until they end.

use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt};
use lapin::Event;

/// The least time between two log lines of one connection: an alarm may come and go.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Logs that the broker blocks this connection, why, and when it no longer does. Ends with the connection.
pub(crate) async fn log_alarms(events: impl Stream<Item = Event>) {
    let mut events = std::pin::pin!(events);
    let mut logged_at: Option<Instant> = None;
    while let Some(event) = events.next().await {
        let is_due = logged_at.is_none_or(|logged_at| logged_at.elapsed() >= LOG_INTERVAL);
        match event {
            // The reason is `low on memory` or `low on disk`.
            Event::ConnectionBlocked(reason) if is_due => {
                logged_at = Some(Instant::now());
                tracing::warn!(
                    "the broker has blocked publishing: {reason}; publishing resumes when there is room"
                );
            }
            Event::ConnectionUnblocked if is_due && logged_at.is_some() => {
                tracing::info!("the broker takes messages again")
            }
            _ => {}
        }
    }
}
