//! Which jobs share a message, and so a transaction.
//!
//! A chunk saves a message, a round trip and a log write for each of its jobs. It costs where a job is slow, fails, or
//! waits for a row: the others share its locks and its fate until they are tried one by one. With a fixed number the caller
//! has decided. Otherwise each job is weighed: what is small and unlikely to be in another's way is grouped until a
//! message has work for [`CHUNK_TIME_US`], all else has a message of its own.

pub(crate) mod alone;
mod known;
mod recent;
mod weigher;
mod weight;

use queryfleet_ledger::Explainer;

use crate::check::Checked;
use crate::check::rules::RunRules;
use crate::grouping::alone::{Alone, Chunks, spread};
use crate::grouping::weigher::Weigher;
pub(crate) use crate::grouping::weight::Weight;
use crate::request::ChunkSize;

/// What the statements of a chunk take together, by the estimate. The broker's part of a slot's cycle, 1 to 2 ms, is a
/// tenth of that at most; and others wait no longer for a row.
const CHUNK_TIME_US: u64 = 30_000;
/// Maximum bytes of a message with several jobs. The sweeper and a worker's memory count on small messages.
const CHUNK_BYTES: usize = 60 << 10;

/// Fills one message after the other.
pub(crate) struct Grouping<'a> {
    /// `None`: every job counts the same.
    weigher: Option<Box<Weigher<'a>>>,
    /// Maximum jobs per message.
    most: usize,
    /// The message that is being filled.
    filling: Filling,
    chunks: Chunks,
}

#[derive(Clone, Copy, Default)]
struct Filling {
    jobs: usize,
    time_us: u64,
    /// Of its last job.
    shape: u64,
    is_alone: bool,
}

impl<'a> Grouping<'a> {
    /// For a run of this many jobs, of which a message may have `limit` by the run's rate.
    pub(crate) fn new(
        size: ChunkSize,
        limit: Option<usize>,
        total: u64,
        explainer: Explainer<'a>,
        rules: &'a RunRules,
    ) -> Grouping<'a> {
        let (most, weigher) = match size {
            ChunkSize::Jobs(jobs) => (jobs, None),
            ChunkSize::Auto => (spread(total), Some(Box::new(Weigher::new(explainer, rules)))),
        };
        let most = limit.map_or(most, |limit| most.min(limit));
        Grouping {
            weigher,
            most,
            filling: Filling::default(),
            chunks: Chunks { size, most, ..Chunks::default() },
        }
    }

    /// Maximum jobs per message.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Maximum bytes of a message with several jobs, where the server allows `limit`.
    pub(crate) fn limit_bytes(&self, limit: usize) -> usize {
        if self.weigher.is_some() { limit.min(CHUNK_BYTES) } else { limit }
    }

    /// Weighs the next job.
    ///
    /// # Errors
    /// Returns why it has a message of its own.
    pub(crate) async fn weigh(&mut self, checked: &Checked) -> Result<Weight, Alone> {
        match &mut self.weigher {
            None => Ok(Weight { time_us: 0, shape: 0, is_alone: !checked.is_atomic }),
            // There is no company for it, and it needs no reason.
            Some(_) if self.most == 1 => Ok(Weight::ALONE),
            Some(weigher) => weigher.weigh(checked, self.filling.jobs as u64).await,
        }
    }

    /// Notes what weighing has found. `place` names the job.
    pub(crate) fn note(&mut self, weighed: Result<Weight, Alone>, place: impl FnOnce() -> String) -> Weight {
        weighed.unwrap_or_else(|alone| {
            self.chunks.add_alone(alone, place);
            Weight::ALONE
        })
    }

    /// Whether the message that is being filled takes this job as well.
    pub(crate) fn admits(&self, weight: Weight) -> bool {
        let Filling { jobs, time_us, shape, is_alone } = self.filling;
        // Where shapes alternate a message would hold one job: until it is worth its way it takes another shape, too.
        let is_small = time_us < CHUNK_TIME_US / 4;
        jobs > 0
            && jobs < self.most
            && !is_alone
            && !weight.is_alone
            && time_us + weight.time_us <= CHUNK_TIME_US
            && (shape == weight.shape || is_small)
    }

    /// The message that is being filled has this job now.
    pub(crate) fn add(&mut self, weight: Weight) {
        self.filling.jobs += 1;
        self.filling.time_us += weight.time_us;
        self.filling.shape = weight.shape;
        self.filling.is_alone |= weight.is_alone;
    }

    /// Whether the message that is being filled takes no other job.
    pub(crate) fn is_full(&self) -> bool {
        self.filling.is_alone || self.filling.jobs >= self.most
    }

    /// The message that was being filled is complete.
    pub(crate) fn close(&mut self) {
        self.chunks.add_message(std::mem::take(&mut self.filling).jobs);
    }

    /// Puts a job into the message that is being filled, or into the next one. For who sends none.
    pub(crate) fn fill(&mut self, weight: Weight) {
        if self.filling.jobs > 0 && !self.admits(weight) {
            self.close();
        }
        self.add(weight);
        if self.is_full() {
            self.close();
        }
    }

    /// What was made of the jobs.
    pub(crate) fn into_chunks(mut self) -> Chunks {
        if self.filling.jobs > 0 {
            self.close();
        }
        self.chunks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grouping(most: usize) -> Grouping<'static> {
        Grouping { weigher: None, most, filling: Filling::default(), chunks: Chunks::default() }
    }

    /// The jobs of each message, of jobs with these times and shapes; a time of 0 is a job that has to be alone.
    fn messages(most: usize, jobs: impl IntoIterator<Item = (u64, u64)>) -> Vec<usize> {
        let mut grouping = grouping(most);
        // The number of the message of each job.
        let mut numbers = Vec::new();
        for (time_us, shape) in jobs {
            let is_alone = time_us == 0;
            grouping.fill(Weight { time_us, shape, is_alone });
            numbers.push(grouping.chunks.messages + u64::from(grouping.filling.jobs > 0));
        }
        numbers.chunk_by(|one, next| one == next).map(<[u64]>::len).collect()
    }

    #[test]
    fn a_message_is_closed_by_time_number_and_shape() {
        let same = |number, time_us| vec![(time_us, 1); number];
        for (most, jobs, wanted) in [
            (1000, same(700, 100), vec![300, 300, 100]),
            (50, same(120, 100), vec![50, 50, 20]),
            (1000, same(3, 16_000), vec![1, 1, 1]),
            (1000, same(2, 40_000), vec![1, 1]),
            (1000, [same(3, 100), same(2, 0), same(3, 100)].concat(), vec![3, 1, 1, 3]),
            (1000, vec![(8_000, 1), (8_000, 1), (8_000, 2), (8_000, 2)], vec![2, 2]),
            (1000, vec![(1_000, 1), (1_000, 2), (1_000, 1), (1_000, 2)], vec![4]),
            (1000, (0..20).map(|job| (1_000, job % 2)).collect(), vec![8, 8, 4]),
        ] {
            assert_eq!(messages(most, jobs.clone()), wanted, "{most} {jobs:?}");
        }
    }
}
