//! The counters of a worker of the demo.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use queryfleet_devstack::scrape;

/// How long a worker may be busy after all jobs have ended.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The counts of a worker, all slots together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Jobs that it executed and committed.
    pub(crate) done: u64,
    /// Jobs that had ended before, as the ledger said.
    pub(crate) ended_before: u64,
    /// Messages that had been delivered before.
    pub(crate) redeliveries: u64,
    in_flight: u64,
}

impl Counters {
    /// Reads them now.
    pub(crate) fn scrape(port: u16) -> io::Result<Counters> {
        let metrics = scrape::get(&format!("127.0.0.1:{port}"), "/metrics")?.body;
        let sum = |series, labels: &[&str]| scrape::sum(&metrics, series, labels) as u64;
        Ok(Counters {
            done: sum("queryfleet_jobs_total", &[r#"outcome="done""#]),
            ended_before: sum("queryfleet_jobs_total", &[r#"outcome="ended_before""#]),
            redeliveries: sum("queryfleet_redeliveries_total", &[]),
            in_flight: sum("queryfleet_jobs_in_flight", &[]),
        })
    }

    /// Reads them when nothing is in flight: a job that has ended in the ledger is counted a moment later.
    pub(crate) fn scrape_idle(port: u16) -> io::Result<Counters> {
        let end = Instant::now() + IDLE_TIMEOUT;
        loop {
            let counters = Counters::scrape(port)?;
            if counters.in_flight == 0 || Instant::now() >= end {
                return Ok(counters);
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

/// Whether a worker says that it is connected and serves.
pub(crate) fn is_ready(port: u16) -> bool {
    scrape::get(&format!("127.0.0.1:{port}"), "/readyz").is_ok_and(|answer| answer.status == 200)
}
