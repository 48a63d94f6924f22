//! A connection that is made when it is asked for, and made anew when it has failed.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use lapin::tcp::RustlsConnector;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Channel, Connection, ConnectionProperties};
use queryfleet_config::{Config, Tls};

use crate::attempt::{Attempt, Socket};
use crate::class::{Class, Record};
use crate::{Error, alarm, tls};

/// Seconds between heartbeats unless the URL says otherwise; a half-open connection is noticed after two.
const HEARTBEAT_S: u16 = 10;

/// One connection to the broker, shared by channels: one object to publish with, another to consume with, because an
/// alarm blocks connections that publish.
pub struct Broker {
    pub(crate) urls: Vec<AMQPUri>,
    connector: Option<RustlsConnector>,
    tls: Tls,
    name: String,
    timeout: Duration,
    pub(crate) live: tokio::sync::Mutex<Option<Connection>>,
    pub(crate) next: Mutex<usize>,
    pub(crate) record: Record,
    /// When a publisher on this connection has last said that it waits.
    pub(crate) told: Mutex<Option<Instant>>,
}

impl Broker {
    /// Reads the configuration; connects to nothing yet. `purpose` is part of the name that the broker shows.
    ///
    /// # Errors
    /// When QUERYFLEET_AMQP_URL is missing or unreadable, or a TLS file is.
    pub fn new(config: &Config, purpose: &str) -> Result<Broker, Error> {
        let urls = config.amqp_urls()?;
        let urls: Result<Vec<AMQPUri>, Error> = urls.iter().map(|url| parse(url, config)).collect();
        let urls = urls?;
        Ok(Broker {
            connector: tls::connector(config, &urls)?,
            urls,
            tls: config.amqp_tls.clone(),
            name: format!("queryfleet {purpose} ({}/{})", hostname(), std::process::id()),
            timeout: config.connect_timeout,
            live: tokio::sync::Mutex::new(None),
            next: Mutex::new(0),
            record: Record::default(),
            told: Mutex::new(None),
        })
    }

    /// `host:port/vhost` of the URL that is tried next, for people.
    pub fn server(&self) -> String {
        let uri = &self.urls[self.turn()];
        format!("{}:{}/{}", uri.authority.host, uri.authority.port, uri.vhost)
    }

    /// What an error means after all that this connection has done before.
    pub fn class(&self, error: &Error) -> Class {
        error.class(self.record.read())
    }

    fn turn(&self) -> usize {
        // A poisoned lock holds a plain number: any value of it is fine.
        *self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner) % self.urls.len()
    }

    /// Whether the connection that was last made is still up.
    pub async fn is_up(&self) -> bool {
        self.live.lock().await.as_ref().is_some_and(|connection| connection.status().connected())
    }

    /// Whether the broker has told this connection to stop publishing (a memory or disk alarm).
    pub async fn is_blocked(&self) -> bool {
        self.live.lock().await.as_ref().is_some_and(|connection| connection.status().blocked())
    }

    /// A new channel on the live connection; when there is none, connects to the first URL that answers.
    ///
    /// # Errors
    /// When no URL answers: what the last one said. The next call tries all of them again.
    pub(crate) async fn channel(&self) -> Result<Channel, Error> {
        let mut live = self.live.lock().await;
        if live.as_ref().is_none_or(|connection| !connection.status().connected()) {
            *live = None;
            *live = Some(self.connect().await?);
        }
        let Some(connection) = live.as_ref() else { unreachable!("connected above") };
        match tokio::time::timeout(self.timeout, connection.create_channel()).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(source)) => {
                *live = None;
                Err(Error::Channel { doing: "opening a channel", source })
            }
            Err(_) => {
                *live = None;
                Err(self.timed_out("opening a channel"))
            }
        }
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let mut connected = self.connect_to_next().await;
        for _ in 1..self.urls.len() {
            if connected.is_ok() {
                break;
            }
            connected = self.connect_to_next().await;
        }
        connected
    }

    /// Connects to the URL whose turn it is; the next one has its turn after a failure.
    pub(crate) async fn connect_to_next(&self) -> Result<Connection, Error> {
        let turn = self.turn();
        let uri = self.urls[turn].clone();
        let secure = uri.scheme == AMQPScheme::AMQPS;
        let server = self.server();
        let properties = ConnectionProperties::default().with_connection_name(self.name.clone().into());
        let attempt = Attempt(Socket::default());
        let connecting = tls::connect(uri, properties, self.connector.clone(), attempt.0.clone());
        let failed = match tokio::time::timeout(self.timeout, connecting).await {
            Ok(Ok(connection)) => {
                attempt.made();
                self.record.let_in();
                tokio::spawn(alarm::tell(connection.events_listener()));
                return Ok(connection);
            }
            Ok(Err(source)) => match secure.then(|| self.tls.fault(&source)).flatten() {
                Some(fault) => Error::Tls { server, fault: fault.into(), source },
                None => Error::Connect { server, source },
            },
            Err(_) => self.timed_out("connecting"),
        };
        *self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = turn + 1;
        Err(failed)
    }

    pub(crate) fn timed_out(&self, doing: &'static str) -> Error {
        Error::Timeout { doing, seconds: self.timeout.as_secs().max(1) }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Closes the connection, politely when it still answers. A blocked connection is dropped: it cannot even close.
    pub async fn close(&self) {
        if let Some(connection) = self.live.lock().await.take()
            && !connection.status().blocked()
        {
            let _ = tokio::time::timeout(self.timeout, connection.close(200, "bye".into())).await;
        }
    }
}

fn parse(url: &queryfleet_config::Secret, config: &Config) -> Result<AMQPUri, Error> {
    let mut uri: AMQPUri = url.expose().parse().map_err(|_| Error::Url)?;
    uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
    uri.query.connection_timeout.get_or_insert(config.connect_timeout.as_millis() as u64);
    Ok(uri)
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "?".into(), |name| name.trim().to_owned())
}
