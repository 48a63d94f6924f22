//! How fast a run may be published: `--rate` and `--max-backlog`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use queryfleet_broker::{Broker, Topology};

use crate::notice::Notice;

/// So many batches a second at least, so that a rate is one and not a burst now and then.
const BATCHES_A_SECOND: u64 = 4;
/// How often a queue that is too long is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How a publish is to be held back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Jobs a second.
    pub rate: Option<u32>,
    /// Messages that may wait in the queue, those of other runs included. Up to two batches come on top.
    pub max_backlog: Option<u32>,
}

/// Says when the next batch is due.
pub(crate) struct Pace {
    limits: Limits,
    broker: Arc<Broker>,
    topology: Topology,
    /// When the rate lets more jobs go.
    due: Instant,
    notice: Notice,
}

impl Pace {
    pub(crate) fn new(limits: Limits, broker: Arc<Broker>, topology: &Topology) -> Pace {
        Pace { limits, broker, topology: topology.clone(), due: Instant::now(), notice: Notice::default() }
    }

    /// How many of the `most` jobs that were asked for a message may have: no more than a second's, so that a rate is
    /// one, and whoever waits for the run sees it move.
    pub(crate) fn chunk(limits: Limits, most: usize) -> usize {
        limits.rate.map_or(most, |rate| most.min(rate.max(1) as usize))
    }

    /// How many messages of `chunk` jobs a batch may have, of `most`.
    pub(crate) fn batch(limits: Limits, most: usize, chunk: usize) -> usize {
        let by_rate = limits.rate.map(|rate| (u64::from(rate) / (BATCHES_A_SECOND * chunk as u64)) as usize);
        let by_backlog = limits.max_backlog.map(|most| most as usize / 2);
        [by_rate, by_backlog].into_iter().flatten().fold(most, usize::min).max(1)
    }

    /// How long to wait before asking again; `None` when `jobs` may be published now, and then they count.
    pub(crate) async fn pause(&mut self, jobs: u64) -> Option<Duration> {
        if let Some(early) = self.due.checked_duration_since(Instant::now()).filter(|early| !early.is_zero())
        {
            return Some(early.min(LOOK_AGAIN));
        }
        if let Some(most) = self.limits.max_backlog {
            match self.broker.depth(&self.topology).await {
                Ok(depth) if depth.work < most => {}
                Ok(_) => return Some(LOOK_AGAIN),
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
