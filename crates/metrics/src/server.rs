//! The HTTP server: plain HTTP/1.1, one request a connection, nothing that slow clients can pile up or take away.
//!
//! An orchestrator kills a worker that it cannot ask. So a new client is never kept waiting by old ones: where there are
//! too many connections the oldest is ended, however it spends its time. One that asks is answered long before.

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

/// How long a connection may take in all, from its accept to the last byte of its response.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may take to say what it wants.
const HEAD_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest head of a request; what a connection may make us keep.
const HEAD_LIMIT: usize = 8 << 10;
/// How many connections there are at once.
const MAX_CONNECTIONS: usize = 256;
/// How long even the oldest of too many may take: some fifty times what a request and its answer need.
const GRACE: Duration = Duration::from_millis(100);
/// The pause after a failed accept: most often there are no file descriptors left, and trying at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A running server. It stops, and drops its connections, when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// The address that is listened on: the port is the real one also where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves `metrics` on `listen`, in a task of its own. Clients can connect once this has returned; an address that
/// cannot be listened on is an error.
pub async fn serve(listen: SocketAddr, metrics: Arc<Metrics>) -> Result<Server, Error> {
    let failed = |source| Error::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let task = tokio::spawn(accept(listener, metrics));
    Ok(Server { address, task })
}

/// The connections that there are.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    /// When each was accepted, the oldest first.
    since: VecDeque<(Instant, AbortHandle)>,
}

impl Connections {
    fn add(&mut self, stream: TcpStream, metrics: Arc<Metrics>) {
        let conversation = async move {
            // Past it the client is gone, or not worth waiting for.
            let _ = timeout(CONNECTION_TIMEOUT, converse(stream, metrics)).await;
        };
        let task = self.tasks.spawn(conversation);
        self.since.retain(|(_, task)| !task.is_finished());
        self.since.push_back((Instant::now(), task));
    }

    /// When the oldest has to go, so that there is a place for the next; `None` while there is one.
    fn makes_room_at(&self) -> Option<Instant> {
        let oldest = self.since.iter().find(|(_, task)| !task.is_finished());
        let is_full = self.tasks.len() >= MAX_CONNECTIONS;
        oldest.filter(|_| is_full).map(|(since, _)| *since + GRACE)
    }

    fn end_oldest(&mut self) {
        self.since.retain(|(_, task)| !task.is_finished());
        if let Some((_, task)) = self.since.pop_front() {
            task.abort();
        }
    }
}

async fn accept(listener: TcpListener, metrics: Arc<Metrics>) {
    let mut connections = Connections::default();
    let mut fails = false;
    loop {
        let room = connections.makes_room_at();
        tokio::select! {
            // Only takes what has ended out of the set.
            Some(_) = connections.tasks.join_next() => {}
            () = sleep_until(room.unwrap_or_else(Instant::now)), if room.is_some() => connections.end_oldest(),
            accepted = listener.accept(), if room.is_none() => match accepted {
                Ok((stream, _)) => {
                    fails = false;
                    connections.add(stream, Arc::clone(&metrics));
                }
                Err(error) => {
                    if !fails {
                        tracing::warn!(%error, "cannot accept a connection for metrics");
                    }
                    fails = true;
                    // Its file descriptor may be the one that is needed.
                    connections.end_oldest();
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

async fn converse(stream: TcpStream, metrics: Arc<Metrics>) {
    let service = service_fn(|request| {
        let response = respond(request.method(), request.uri().path(), &metrics);
        std::future::ready(Ok::<_, Infallible>(response))
    });
    // Keep-alive would let idle clients hold their place. An error here is the client's: gone, too slow, or no HTTP.
    let connection = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection for metrics broke");
    }
}
