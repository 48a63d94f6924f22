//! Facts about the connections themselves, for `queryfleet doctor`.

use lapin::uri::AMQPScheme;

use super::{Broker, close_channel};
use crate::Error;

/// What is known about a connection that could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionFacts {
    /// `host:port/vhost`, for people.
    pub server: String,
    /// Whether the URL asked for TLS, so that the connection has it.
    pub tls: bool,
    /// Seconds between heartbeats, as both sides have agreed; 0 if there are none.
    pub heartbeat_s: u16,
}

impl Broker {
    /// Connects to every URL in turn and opens a channel; the last connection that was made is kept. The broker's version
    /// is not among the facts: the client library keeps the server's properties to itself.
    pub async fn inspect_urls(&self) -> Vec<Result<ConnectionFacts, Error>> {
        let mut found = Vec::with_capacity(self.urls.len());
        for index in 0..self.urls.len() {
            let before = self.connection.lock().await.take();
            self.set_next_url(index);
            found.push(self.inspect_url(index).await);
            let mut connection = self.connection.lock().await;
            if connection.is_none() {
                *connection = before;
            }
        }
        found
    }

    async fn inspect_url(&self, index: usize) -> Result<ConnectionFacts, Error> {
        let server = self.server();
        let connection = self.connect_to_next().await?;
        *self.connection.lock().await = Some(connection);
        let channel = self.channel().await?;
        let connection = self.connection.lock().await;
        let heartbeat_s = connection.as_ref().map_or(0, |connection| connection.configuration().heartbeat());
        close_channel(channel).await;
        Ok(ConnectionFacts { server, tls: self.urls[index].scheme == AMQPScheme::AMQPS, heartbeat_s })
    }
}
