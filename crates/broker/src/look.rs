//! What `queryfleet doctor` asks about the connections themselves: plain facts.

use lapin::uri::AMQPScheme;

use crate::declare::close;
use crate::{Broker, Error};

/// A connection that could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// `host:port/vhost`, for people.
    pub server: String,
    /// Whether the URL asked for TLS, and so has it.
    pub tls: bool,
    /// Seconds between heartbeats as both sides have agreed; 0 when there are none.
    pub heartbeat_s: u16,
}

impl Broker {
    /// Connects to every URL in turn, and opens a channel; the last one that answers stays connected. The broker's
    /// version is not among the facts: the client library keeps the server's properties to itself.
    pub async fn look(&self) -> Vec<Result<Link, Error>> {
        let mut links = Vec::with_capacity(self.urls.len());
        for turn in 0..self.urls.len() {
            let before = self.live.lock().await.take();
            // A poisoned lock holds a plain number: any value of it is fine.
            *self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = turn;
            links.push(self.link(turn).await);
            let mut live = self.live.lock().await;
            if live.is_none() {
                *live = before;
            }
        }
        links
    }

    async fn link(&self, turn: usize) -> Result<Link, Error> {
        let server = self.server();
        let connection = self.connect_to_next().await?;
        *self.live.lock().await = Some(connection);
        let channel = self.channel().await?;
        let live = self.live.lock().await;
        let heartbeat_s = live.as_ref().map_or(0, |connection| connection.configuration().heartbeat());
        close(channel).await;
        Ok(Link { server, tls: self.urls[turn].scheme == AMQPScheme::AMQPS, heartbeat_s })
    }
}
