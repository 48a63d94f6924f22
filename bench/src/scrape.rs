//! Reading a worker's counters.

use std::io::{Read, Write};
use std::net::TcpStream;

/// The sum of all samples whose line begins with `prefix`.
pub(crate) fn sum(address: &str, prefix: &str) -> std::io::Result<f64> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let samples = text.lines().filter(|line| line.starts_with(prefix));
    Ok(samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
}
