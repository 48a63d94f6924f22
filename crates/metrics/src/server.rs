//! The HTTP server: plain HTTP/1.1, one request per connection, and nothing that slow clients can use up.
//!
//! An orchestrator kills a worker whose probe gets no answer. So old clients never keep a new one waiting: if there are
//! too many connections the oldest is closed, whatever it is doing. A client that sends its request is answered long
//! before.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::respond::respond;
use crate::{Error, Metrics};

/// How long a connection may last, from its accept to the last byte of its response.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may take to send the head of its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest head of a request, and all that a connection can make the server keep.
const HEAD_LIMIT_BYTES: usize = 8 << 10;
/// How many connections may be open at once.
const MAX_CONNECTIONS: usize = 256;
/// How long even the oldest of too many connections may last: about fifty times what a request and its response need.
const MIN_LIFETIME: Duration = Duration::from_millis(100);
/// The pause after a failed accept: usually there are no file descriptors left, and trying at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A running server. Dropping it stops it and closes its connections.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// The address that the server listens on. The port is the real one even if port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves `metrics` on `listen`, in its own task. Clients can connect once this has returned.
///
/// # Errors
/// Returns [`Error::Listen`] if the address cannot be listened on.
pub async fn serve(listen: SocketAddr, metrics: Arc<Metrics>) -> Result<Server, Error> {
    let listen_error = |source| Error::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let task = tokio::spawn(accept(listener, metrics));
    Ok(Server { address, task })
}

/// The open connections.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    /// When each was accepted, the oldest first.
    since: VecDeque<(Instant, AbortHandle)>,
}

impl Connections {
    fn add(&mut self, stream: TcpStream, metrics: Arc<Metrics>) {
        let serving = async move {
            // A client that takes longer is gone, or not worth waiting for.
            let _ = timeout(CONNECTION_TIMEOUT, serve_connection(stream, metrics)).await;
        };
        let task = self.tasks.spawn(serving);
        self.since.retain(|(_, task)| !task.is_finished());
        self.since.push_back((Instant::now(), task));
    }

    /// When the oldest connection has to be closed to make room for the next one; `None` while there is room.
    fn full_until(&self) -> Option<Instant> {
        let oldest = self.since.iter().find(|(_, task)| !task.is_finished());
        let is_full = self.tasks.len() >= MAX_CONNECTIONS;
        oldest.filter(|_| is_full).map(|(since, _)| *since + MIN_LIFETIME)
    }

    fn close_oldest(&mut self) {
        self.since.retain(|(_, task)| !task.is_finished());
        if let Some((_, task)) = self.since.pop_front() {
            task.abort();
        }
    }
}

async fn accept(listener: TcpListener, metrics: Arc<Metrics>) {
    let mut connections = Connections::default();
    let mut has_failed = false;
    loop {
        let full_until = connections.full_until();
        tokio::select! {
            // Takes connections that have ended out of the set.
            Some(_) = connections.tasks.join_next() => {}
            () = sleep_until(full_until.unwrap_or_else(Instant::now)), if full_until.is_some() => {
                connections.close_oldest();
            }
            accepted = listener.accept(), if full_until.is_none() => match accepted {
                Ok((stream, _)) => {
                    has_failed = false;
                    connections.add(stream, Arc::clone(&metrics));
                }
                Err(error) => {
                    if !has_failed {
                        tracing::warn!(%error, "cannot accept a connection for metrics");
                    }
                    has_failed = true;
                    // Its file descriptor may be the one that the next accept needs.
                    connections.close_oldest();
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

async fn serve_connection(stream: TcpStream, metrics: Arc<Metrics>) {
    let service = service_fn(|request| {
        let response = respond(request.method(), request.uri().path(), &metrics);
        std::future::ready(Ok::<_, Infallible>(response))
    });
    // Keep-alive would let idle clients occupy a connection. An error here is the client's: it is gone, too slow, or
    // does not speak HTTP.
    let connection = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_LIMIT_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection for metrics broke");
    }
}
