//! The copies in which jobs of a message go on: to a retry tier, or back to the work queue.

use std::collections::BinaryHeap;

use queryfleet_broker::{ErrorClass, Route};
use queryfleet_job::{Chunk, Headers, Job, Message, envelope};

use crate::execute::Ending;
use crate::slot::Slot;

/// The copies of a message: one for each way that some of its jobs go.
pub(crate) struct Copies<'a> {
    chunk: &'a Chunk,
    headers: &'a Headers,
    list: Vec<Copy>,
}

struct Copy {
    route: Route,
    attempts: u32,
    first_error: Option<String>,
    alone: bool,
    jobs: Vec<Job>,
}

impl<'a> Copies<'a> {
    pub(crate) fn new(chunk: &'a Chunk, headers: &'a Headers) -> Copies<'a> {
        Copies { chunk, headers, list: Vec::new() }
    }

    pub(crate) fn add(&mut self, route: Route, attempts: u32, ending: &Ending<'_>) {
        let job = ending.job.clone();
        let same = |copy: &&mut Copy| copy.route == route && copy.attempts == attempts && !copy.alone;
        match self.list.iter_mut().find(same) {
            Some(copy) if !ending.alone => copy.jobs.push(job),
            _ => {
                let first_error = self.headers.first_error.clone();
                let first_error = first_error.or_else(|| ending.outcome.failure().map(ToString::to_string));
                let alone = ending.alone;
                self.list.push(Copy { route, attempts, first_error, alone, jobs: vec![job] });
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether some of them go back to the work queue.
    pub(crate) fn give_back(&self) -> bool {
        self.list.iter().any(|copy| copy.route == Route::Work)
    }

    pub(crate) fn seal(self, slot: &Slot) -> Vec<(Route, Message)> {
        let signer = slot.shared.signer.as_ref();
        let chunk = self.chunk;
        let seal = |copy: Copy| {
            let chunk = chunk.with_jobs(copy.jobs);
            (copy.route, envelope::seal(&chunk, signer, copy.attempts, copy.first_error))
        };
        self.list.into_iter().map(seal).collect()
    }
}

/// A copy on its way; the largest goes first.
struct OnItsWay(Route, Message);

impl Ord for OnItsWay {
    fn cmp(&self, other: &OnItsWay) -> std::cmp::Ordering {
        self.1.body.len().cmp(&other.1.body.len())
    }
}

impl PartialOrd for OnItsWay {
    fn partial_cmp(&self, other: &OnItsWay) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for OnItsWay {
    fn eq(&self, other: &OnItsWay) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for OnItsWay {}

/// Publishes copies, each confirmed, and answers those of single jobs for a retry tier that the broker never takes: its
/// limit was lowered since they were published. A larger copy is cut in half.
///
/// The largest first: one that cannot be published leaves no smaller one behind, which would be published again at each
/// further delivery.
///
/// # Errors
/// Why a copy is not known to be in its queue, or cannot go back to the work queue.
pub(crate) async fn publish(
    slot: &mut Slot,
    copies: Vec<(Route, Message)>,
) -> Result<Vec<(Message, queryfleet_broker::Error)>, queryfleet_broker::Error> {
    let mut never = Vec::new();
    let mut left: BinaryHeap<OnItsWay> =
        copies.into_iter().map(|(route, copy)| OnItsWay(route, copy)).collect();
    while let Some(OnItsWay(route, message)) = left.pop() {
        let published = slot.publisher.publish_all(route, std::slice::from_ref(&message)).await;
        slot.shared.published(&published);
        let Err(error) = published else { continue };
        if slot.publisher.class(&error) != ErrorClass::TooLarge {
            return Err(error);
        }
        match (queryfleet_job::halves(&message, slot.shared.signer.as_ref()), route) {
            (Some(halves), _) => left.extend(halves.map(|half| OnItsWay(route, half))),
            (None, Route::Tier(_)) => never.push((message, error)),
            (None, Route::Work) => return Err(error),
        }
    }
    Ok(never)
}
