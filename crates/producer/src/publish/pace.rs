//! How fast a run is published.

use std::sync::Arc;
use std::time::{Duration, Instant};

use queryfleet_broker::{Broker, Topology};

use crate::notice::Notice;
use crate::request::Limits;

/// Minimum batches per second, so that a rate is even and not a burst now and then.
const BATCHES_PER_SECOND: u64 = 4;
/// How often a queue that is too long is asked about again.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// Says when the next batch is due.
pub(crate) struct Pace {
    limits: Limits,
    broker: Arc<Broker>,
    topology: Topology,
    /// When the rate lets more jobs go.
    due: Instant,
    /// Whether the queue was too long when it was last asked about.
    is_held_back: bool,
    notice: Notice,
}

impl Pace {
    pub(crate) fn new(limits: Limits, broker: Arc<Broker>, topology: &Topology) -> Pace {
        Pace {
            limits,
            broker,
            topology: topology.clone(),
            due: Instant::now(),
            is_held_back: false,
            notice: Notice::default(),
        }
    }

    /// Maximum jobs per message: no more than in a second, so that the rate is even, and whoever waits for the run sees
    /// it move.
    pub(crate) fn most_jobs(limits: Limits) -> Option<usize> {
        limits.rate.map(|rate| rate.max(1) as usize)
    }

    /// Maximum unconfirmed messages of `chunk` jobs, where `configured` are allowed.
    pub(crate) fn window_size(limits: Limits, configured: usize, chunk: usize) -> usize {
        let by_rate =
            limits.rate.map(|rate| (u64::from(rate) / (BATCHES_PER_SECOND * chunk as u64)) as usize);
        let by_backlog = limits.max_backlog.map(|most| most as usize / 2);
        [by_rate, by_backlog].into_iter().flatten().fold(configured, usize::min).max(1)
    }

    /// Whether the length of the queue holds the next batch back.
    pub(crate) fn is_held_back(&self) -> bool {
        self.is_held_back
    }

    /// How long to wait before asking again; `None` if `jobs` may be published now, and then they count.
    pub(crate) async fn pause(&mut self, jobs: u64) -> Option<Duration> {
        if let Some(early) = self.due.checked_duration_since(Instant::now()).filter(|early| !early.is_zero())
        {
            return Some(early.min(ASK_AGAIN));
        }
        if let Some(most) = self.limits.max_backlog {
            self.is_held_back = false;
            match self.broker.depth(&self.topology).await {
                Ok(depth) if depth.work < most => {}
                Ok(_) => {
                    self.is_held_back = true;
                    return Some(ASK_AGAIN);
                }
                // Publishing will say what is wrong, or wait for it.
                Err(error) => self.notice.warn("the backlog is not known", &error),
            }
        }
        if let Some(rate) = self.limits.rate {
            // What could not be sent while publishing waited for something else is not made up for.
            let took = Duration::from_secs_f64(jobs as f64 / f64::from(rate.max(1)));
            self.due = Instant::now() + took;
        }
        None
    }
}
