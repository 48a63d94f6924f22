//! A connection that is made when it is needed, and made again after it has failed.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lapin::tcp::RustlsConnector;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Channel, Connection, ConnectionProperties};
use queryfleet_config::{Config, Secret, Tls};

use crate::error_class::{ErrorClass, HistoryRecord};
use crate::{ClientError, Error, Operation};

mod alarm;
mod connection_facts;
mod pending_socket;
pub(crate) mod tls;

pub use connection_facts::ConnectionFacts;

/// Seconds between heartbeats unless the URL says otherwise; a half-open connection is noticed after two of them.
const HEARTBEAT_S: u16 = 10;
/// How long a channel may take to close: one that does not goes with its connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// One connection to the broker, shared by channels. Use one to publish and another to consume: an alarm blocks
/// connections that publish.
pub struct Broker {
    pub(crate) urls: Vec<AMQPUri>,
    connector: Option<RustlsConnector>,
    tls: Tls,
    name: String,
    timeout: Duration,
    connection: tokio::sync::Mutex<Option<Connection>>,
    /// The index of the URL that is tried next, modulo their number.
    next_url: Mutex<usize>,
    pub(crate) history: HistoryRecord,
    /// When a publisher on this connection has last logged that it waits.
    pub(crate) wait_logged_at: Mutex<Option<Instant>>,
}

impl Broker {
    /// Reads the configuration; does not connect yet. `purpose` is part of the connection's name, which the broker shows.
    ///
    /// # Errors
    /// Returns an error if QUERYFLEET_AMQP_URL is missing or cannot be read, or a TLS file cannot.
    pub fn new(config: &Config, purpose: &str) -> Result<Broker, Error> {
        let urls = config.amqp_urls()?;
        let urls: Vec<AMQPUri> = urls.iter().map(|url| parse(url, config)).collect::<Result<_, Error>>()?;
        Ok(Broker {
            connector: tls::connector(config, &urls)?,
            urls,
            tls: config.amqp_tls.clone(),
            name: format!("queryfleet {purpose} ({}/{})", queryfleet_config::host_name(), std::process::id()),
            timeout: config.connect_timeout,
            connection: tokio::sync::Mutex::new(None),
            next_url: Mutex::new(0),
            history: HistoryRecord::default(),
            wait_logged_at: Mutex::new(None),
        })
    }

    /// `host:port/vhost` of the URL that is tried next, for people.
    pub fn server(&self) -> String {
        let uri = &self.urls[self.next_url()];
        format!("{}:{}/{}", uri.authority.host, uri.authority.port, uri.vhost)
    }

    /// What an error means, given all that this connection has done before.
    pub fn class(&self, error: &Error) -> ErrorClass {
        error.class(self.history.read())
    }

    fn next_url(&self) -> usize {
        // A poisoned lock holds a plain number: any value of it is fine.
        *self.next_url.lock().unwrap_or_else(PoisonError::into_inner) % self.urls.len()
    }

    fn set_next_url(&self, index: usize) {
        *self.next_url.lock().unwrap_or_else(PoisonError::into_inner) = index;
    }

    /// Whether the connection that was last made is still up.
    pub async fn is_up(&self) -> bool {
        self.connection.lock().await.as_ref().is_some_and(|connection| connection.status().connected())
    }

    /// Whether the broker has told this connection to stop publishing (a memory or disk alarm).
    pub async fn is_blocked(&self) -> bool {
        self.connection.lock().await.as_ref().is_some_and(|connection| connection.status().blocked())
    }

    /// Connects to the first URL that answers, unless the connection that was last made is still up.
    ///
    /// # Errors
    /// If no URL answers, the error of the last one. The next call tries all of them again.
    pub async fn connect(&self) -> Result<(), Error> {
        self.keep_connected(&mut *self.connection.lock().await).await.map(drop)
    }

    async fn keep_connected<'a>(&self, current: &'a mut Option<Connection>) -> Result<&'a Connection, Error> {
        if current.as_ref().is_none_or(|connection| !connection.status().connected()) {
            *current = None;
            *current = Some(self.connect_to_any().await?);
        }
        let Some(connection) = current else { unreachable!("connected above") };
        Ok(connection)
    }

    /// A new channel on the connection; if there is none, connects first.
    ///
    /// # Errors
    /// As for [`Self::connect`], or if the connection opens no channel.
    pub(crate) async fn channel(&self) -> Result<Channel, Error> {
        let mut current = self.connection.lock().await;
        let connection = self.keep_connected(&mut current).await?;
        let error = match tokio::time::timeout(self.timeout, connection.create_channel()).await {
            Ok(Ok(channel)) => return Ok(channel),
            Ok(Err(source)) => Error::channel(Operation::OpeningChannel, source),
            Err(_) => self.timed_out(Operation::OpeningChannel),
        };
        // A connection that opens no channel is of no use.
        *current = None;
        Err(error)
    }

    async fn connect_to_any(&self) -> Result<Connection, Error> {
        let mut connected = self.connect_to_next().await;
        for _ in 1..self.urls.len() {
            if connected.is_ok() {
                break;
            }
            connected = self.connect_to_next().await;
        }
        connected
    }

    /// Connects to the URL whose turn it is; after a failure it is the next one's turn.
    async fn connect_to_next(&self) -> Result<Connection, Error> {
        let index = self.next_url();
        let connected = self.connect_to(self.urls[index].clone()).await;
        if connected.is_err() {
            self.set_next_url(index + 1);
        }
        connected
    }

    async fn connect_to(&self, uri: AMQPUri) -> Result<Connection, Error> {
        let is_secure = uri.scheme == AMQPScheme::AMQPS;
        let server = self.server();
        let properties = ConnectionProperties::default().with_connection_name(self.name.clone().into());
        let socket = pending_socket::PendingSocket::default();
        let guard = socket.guard();
        let connecting = tls::connect(uri, properties, self.connector.clone(), socket);
        match tokio::time::timeout(self.timeout, connecting).await {
            Ok(Ok(connection)) => {
                guard.disarm();
                self.history.note_let_in();
                tokio::spawn(alarm::log_alarms(connection.events_listener()));
                Ok(connection)
            }
            Ok(Err(source)) => match is_secure.then(|| self.tls.fault(&source)).flatten() {
                Some(fault) => {
                    Err(Error::Tls { server, fault: fault.into(), source: ClientError::new(source) })
                }
                None => Err(Error::connect(server, source)),
            },
            Err(_) => Err(self.timed_out(Operation::Connecting)),
        }
    }

    pub(crate) fn timed_out(&self, operation: Operation) -> Error {
        Error::Timeout { operation, seconds: self.timeout.as_secs().max(1) }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Closes the connection, with a goodbye if it still answers. A blocked connection is dropped: it cannot even close.
    pub async fn close(&self) {
        if let Some(connection) = self.connection.lock().await.take()
            && !connection.status().blocked()
        {
            let _ = tokio::time::timeout(self.timeout, connection.close(200, "bye".into())).await;
        }
    }
}

/// Closes a channel, at best: the caller does not need to know whether that succeeded.
pub(crate) async fn close_channel(channel: Channel) {
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, channel.close(200, "done".into())).await;
}

fn parse(url: &Secret, config: &Config) -> Result<AMQPUri, Error> {
    let mut uri: AMQPUri = url.expose().parse().map_err(|_| Error::Url)?;
    uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
    uri.query.connection_timeout.get_or_insert(config.connect_timeout.as_millis() as u64);
    Ok(uri)
}
