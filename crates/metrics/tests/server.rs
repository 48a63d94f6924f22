//! The HTTP server, through real connections.

// Clippy sees a test in a function that has the attribute, not in its helpers.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use queryfleet_metrics::{Dependency, Error, Health, Labels, Metrics, Server, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ANY: &str = "127.0.0.1:0";

async fn start(limit: Duration) -> (Server, Arc<Metrics>) {
    let labels = Labels { queue: "default", slots: 1, version: "0.1.0", revision: "abc" };
    let metrics = Arc::new(Metrics::new(&labels, Health::new(limit)).unwrap());
    (serve(ANY.parse().unwrap(), Arc::clone(&metrics)).await.unwrap(), metrics)
}

/// Sends a request and reads until the server closes: head and body.
async fn send(address: SocketAddr, method: &str, path: &str) -> (String, String) {
    try_send(address, method, path).await.unwrap()
}

async fn try_send(address: SocketAddr, method: &str, path: &str) -> std::io::Result<(String, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("{method} {path} HTTP/1.1\r\nhost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    let (head, body) = response.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    Ok((head.to_owned(), body.to_owned()))
}

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let (head, body) = send(address, "GET", path).await;
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body)
}

#[tokio::test]
async fn metrics_are_served_as_text() {
    let (server, metrics) = start(Duration::from_secs(60)).await;
    metrics.rows_affected(42);
    let (head, body) = send(server.address(), "GET", "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    assert!(body.contains("queryfleet_rows_affected_total{queue=\"default\"} 42\n"), "{body}");
}

#[tokio::test]
async fn head_has_the_length_and_no_body() {
    let (server, _metrics) = start(Duration::from_secs(60)).await;
    let (head, body) = send(server.address(), "HEAD", "/livez").await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("content-length: 3"), "{head}");
    assert_eq!(body, "");
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let (server, _metrics) = start(Duration::from_secs(60)).await;
    for path in ["/", "/metrics/", "/metricsx", "/health"] {
        assert_eq!(get(server.address(), path).await.0, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let (head, _) = send(server.address(), method, "/metrics").await;
        assert!(head.starts_with("HTTP/1.1 405 ") && head.contains("allow: GET, HEAD"), "{head}");
    }
    assert_eq!(get(server.address(), "/livez?verbose").await.0, 200);
}

#[tokio::test]
async fn readiness_follows_the_connections_and_says_what_is_missing() {
    let (server, metrics) = start(Duration::from_secs(60)).await;
    let ready = || get(server.address(), "/readyz");
    assert_eq!(ready().await, (503, "broker: not connected\ndatabase: not connected\n".to_owned()));
    metrics.health().set_connected(Dependency::Broker, true);
    metrics.health().set_connected(Dependency::Database, true);
    assert_eq!(ready().await, (200, "ok\n".to_owned()));
    metrics.health().set_draining(true);
    assert_eq!(ready().await, (503, "draining\n".to_owned()));
    assert_eq!(get(server.address(), "/livez").await, (200, "ok\n".to_owned()));
}

#[tokio::test]
async fn liveness_ends_when_the_loop_stops_turning() {
    // A limit of nothing: any time at all without a beat is too long.
    let (server, _metrics) = start(Duration::ZERO).await;
    let (status, body) = get(server.address(), "/livez").await;
    assert_eq!(status, 503);
    assert!(body.starts_with("stalled: the last beat is "), "{body}");
}

#[tokio::test]
async fn an_address_in_use_names_the_variable() {
    let (server, metrics) = start(Duration::from_secs(60)).await;
    let error = serve(server.address(), metrics).await.unwrap_err();
    let address = server.address();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {address} for metrics: set QUERYFLEET_METRICS_LISTEN to a free address")
    );
    assert!(matches!(error, Error::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse));
}

/// How a client can keep a connection without an end.
#[derive(Clone, Copy)]
enum Slow {
    /// It says nothing.
    Silent,
    /// It sends its request byte by byte.
    Drip,
    /// It asks, again and again, and reads nothing.
    Deaf,
}

/// Keeps a connection for as long as the server lets it, and then makes the next one.
async fn keep_busy(address: SocketAddr, how: Slow) {
    let pause = Duration::from_millis(50);
    loop {
        let Ok(mut stream) = TcpStream::connect(address).await else { continue };
        let piece: &[u8] = match how {
            Slow::Silent => b"",
            Slow::Drip => b"G",
            Slow::Deaf => b"GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n",
        };
        if let Slow::Silent = how {
            let _ = stream.read_u8().await;
            continue;
        }
        while stream.write_all(piece).await.is_ok() {
            tokio::time::sleep(pause).await;
        }
    }
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// A probe of the chart has five seconds of patience, and then the worker is killed. The clients run on the same two
/// threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_never_take_liveness_away() {
    let (server, _metrics) = start(Duration::from_secs(60)).await;
    let address = server.address();
    let mut slow = tokio::task::JoinSet::new();
    for client in 0..500 {
        slow.spawn(keep_busy(address, [Slow::Silent, Slow::Drip, Slow::Deaf][client % 3]));
    }
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    // Longer than a connection may last at all, so that every way of ending one is met.
    while began.elapsed() < Duration::from_secs(7) {
        for path in ["/livez", "/metrics"] {
            let asked = Instant::now();
            // Where a machine is so busy that a request takes 100 ms, it may be among those that are ended. A liveness
            // probe is asked three times before anybody acts on it, and here until it has answered in time.
            let head = loop {
                match try_send(address, "GET", path).await {
                    Ok((head, _)) => break head,
                    Err(error) => assert!(asked.elapsed() < PATIENCE, "{path}: {error}"),
                }
            };
            assert!(head.starts_with("HTTP/1.1 200"), "{path} after {:?}: {head}", began.elapsed());
            slowest = slowest.max(asked.elapsed());
        }
    }
    assert!(slowest < PATIENCE, "{slowest:?}");
}

#[tokio::test]
async fn a_silent_client_is_dropped() {
    let (server, _metrics) = start(Duration::from_secs(60)).await;
    let mut silent = TcpStream::connect(server.address()).await.unwrap();
    let mut rest = Vec::new();
    // Whether it is told or not: the connection ends.
    let _ = silent.read_to_end(&mut rest).await;
    assert!(!String::from_utf8_lossy(&rest).contains(" 200 "));
}

#[tokio::test]
async fn dropping_the_server_frees_its_address() {
    let (server, metrics) = start(Duration::from_secs(60)).await;
    let address = server.address();
    let mut client = TcpStream::connect(address).await.unwrap();
    drop(server);
    // The listener closes when its task has gone, and this connection with it.
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest).await;
    let again = serve(address, metrics).await.unwrap();
    assert_eq!(get(again.address(), "/livez").await.0, 200);
}
