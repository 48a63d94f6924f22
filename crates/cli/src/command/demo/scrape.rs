//! Reading a worker's counters as Prometheus does, with a few lines of HTTP/1.0.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How long a worker on this machine may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a worker may be busy when all jobs have ended.
const IDLE: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What a worker has counted, all slots together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Jobs that it executed and committed.
    pub(crate) done: u64,
    /// Jobs that the ledger said had ended before.
    pub(crate) ended_before: u64,
    /// Messages that had been delivered before.
    pub(crate) redeliveries: u64,
    in_flight: u64,
}

impl Counters {
    /// Reads them now.
    pub(crate) fn scrape(port: u16) -> io::Result<Counters> {
        Ok(Counters::read(&get(port, "/metrics")?))
    }

    /// Reads them when nothing is in flight: a job that has ended in the ledger is counted a moment later.
    pub(crate) fn scrape_idle(port: u16) -> io::Result<Counters> {
        let end = Instant::now() + IDLE;
        loop {
            let counters = Counters::scrape(port)?;
            if counters.in_flight == 0 || Instant::now() >= end {
                return Ok(counters);
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    fn read(text: &str) -> Counters {
        Counters {
            done: sum(text, "queryfleet_jobs_total", r#"outcome="done""#),
            ended_before: sum(text, "queryfleet_jobs_total", r#"outcome="ended_before""#),
            redeliveries: sum(text, "queryfleet_redeliveries_total", ""),
            in_flight: sum(text, "queryfleet_jobs_in_flight", ""),
        }
    }
}

/// Whether a worker says that it is connected and serves.
pub(crate) fn is_ready(port: u16) -> bool {
    get(port, "/readyz").is_ok_and(|answer| answer.split(' ').nth(1) == Some("200"))
}

/// The whole answer, status and headers included.
fn get(port: u16, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), ANSWER)?;
    stream.set_read_timeout(Some(ANSWER))?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The sum over all lines of a series that have this label.
fn sum(text: &str, series: &str, label: &str) -> u64 {
    let value = |line: &str| {
        let labels = line.strip_prefix(series)?.strip_prefix('{')?;
        let (labels, value) = labels.rsplit_once(' ')?;
        labels.contains(label).then(|| value.parse::<u64>().ok())?
    };
    text.lines().filter_map(value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_added_up_and_other_series_left_out() {
        let text = r#"HTTP/1.0 200 OK

# HELP queryfleet_jobs_total Attempts at jobs that ended, by how they ended.
queryfleet_jobs_total{outcome="done",queue="default",slot="1"} 3
queryfleet_jobs_total{outcome="done",queue="default",slot="2"} 4
queryfleet_jobs_total{outcome="ended_before",queue="default",slot="2"} 1
queryfleet_jobs_total_more{outcome="done"} 100
queryfleet_redeliveries_total{queue="default"} 2
"#;
        let expected = Counters { done: 7, ended_before: 1, redeliveries: 2, in_flight: 0 };
        assert_eq!(Counters::read(text), expected);
    }
}
