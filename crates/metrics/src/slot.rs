//! What one slot counts, job by job.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus::{Gauge, Histogram, IntCounter};
use queryfleet_job::Class;

use crate::Labels;
use crate::by_word::ByWord;
use crate::series::Series;

/// One slot's series, looked up once: counting a job neither searches for a label nor allocates.
pub struct SlotMetrics {
    started: IntCounter,
    ended: ByWord<Class, Ended>,
    last_completed: Gauge,
    jobs_in_flight: AtomicU64,
    /// Milliseconds since 1970; 0 while nothing is in flight.
    started_at_ms: AtomicU64,
}

/// The jobs that ended with one outcome.
struct Ended {
    count: IntCounter,
    durations: Histogram,
}

impl SlotMetrics {
    pub(crate) fn new(series: &Series, labels: &Labels<'_>, number: usize) -> prometheus::Result<Self> {
        let queue = labels.queue;
        let number = number.to_string();
        let ended = |outcome: &'static str| {
            Ok(Ended {
                count: series.jobs_total.get_metric_with_label_values(&[queue, &number, outcome])?,
                durations: series.job_duration_seconds.get_metric_with_label_values(&[queue, outcome])?,
            })
        };
        Ok(Self {
            started: series.jobs_started_total.get_metric_with_label_values(&[queue, &number])?,
            ended: ByWord::new(Class::OF_ATTEMPTS, ended)?,
            last_completed: series.last_job_completed_timestamp_seconds.clone(),
            jobs_in_flight: AtomicU64::new(0),
            started_at_ms: AtomicU64::new(0),
        })
    }

    /// Counts `jobs` as started, and as in flight until the returned guard is dropped, whatever makes it drop. A slot
    /// has one such guard at a time: a second one takes the first one's place.
    pub fn begin(self: &Arc<Self>, jobs: u64) -> InFlight {
        self.started.inc_by(jobs);
        self.jobs_in_flight.store(jobs, Relaxed);
        self.started_at_ms.store(now_ms(), Relaxed);
        InFlight(Arc::clone(self))
    }

    /// Counts the end of one job in one delivery; `took` is the job's own time, of a chunk its share. A class that no
    /// attempt ends with ([`Class::OF_ATTEMPTS`]) has no series: the job was not executed, and is not counted.
    pub fn ended(&self, class: Class, took: Duration) {
        if let Some(ended) = self.ended.get(class) {
            ended.count.inc();
            ended.durations.observe(took.as_secs_f64());
            self.last_completed.set(seconds(now_ms()));
        }
    }

    pub(crate) fn done(&self) -> u64 {
        self.ended.get(Class::Done).map_or(0, |ended| ended.count.get())
    }

    pub(crate) fn jobs_in_flight(&self) -> u64 {
        self.jobs_in_flight.load(Relaxed)
    }

    /// In seconds since 1970; `None` while nothing is in flight.
    pub(crate) fn started_at(&self) -> Option<f64> {
        Some(self.started_at_ms.load(Relaxed)).filter(|at| *at != 0).map(seconds)
    }
}

/// Jobs that a slot is executing: they count as in flight until this is dropped.
#[must_use = "the jobs are in flight only until this is dropped"]
pub struct InFlight(Arc<SlotMetrics>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.jobs_in_flight.store(0, Relaxed);
        self.0.started_at_ms.store(0, Relaxed);
    }
}

/// Milliseconds since 1970: timestamps are compared with those of other machines.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn seconds(milliseconds: u64) -> f64 {
    Duration::from_millis(milliseconds).as_secs_f64()
}
