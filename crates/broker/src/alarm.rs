//! The broker's memory and disk alarms, told to whoever reads the log: publishing waits until they end.

use futures_util::{Stream, StreamExt};
use lapin::Event;

/// Logs that the broker blocks this connection, why, and when it no longer does. Ends with the connection.
pub(crate) async fn tell(events: impl Stream<Item = Event>) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            // `low on memory` or `low on disk`.
            Event::ConnectionBlocked(reason) => {
                tracing::warn!("the broker has blocked publishing: {reason}; it goes on when there is room");
            }
            Event::ConnectionUnblocked => tracing::info!("the broker takes messages again"),
            _ => {}
        }
    }
}
