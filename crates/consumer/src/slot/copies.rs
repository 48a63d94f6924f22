//! The copies in which jobs of a message continue: to a retry tier, or back to the work queue.

use std::collections::BinaryHeap;

use queryfleet_broker::{ErrorClass, Route};
use queryfleet_job::{Chunk, Headers, Job, Message, Signer, envelope};

use crate::slot::context::Context;
use crate::slot::execute::Ending;

/// The copies of a message: one for each way that some of its jobs go.
#[derive(Debug, Default)]
pub(crate) struct Copies<'a> {
    copies: Vec<Copy<'a>>,
}

#[derive(Debug)]
enum Copy<'a> {
    /// The whole message once more.
    Whole { route: Route, message: Message },
    /// Some of its jobs.
    Jobs(JobsCopy<'a>),
}

#[derive(Debug)]
struct JobsCopy<'a> {
    chunk: &'a Chunk,
    route: Route,
    attempts: u32,
    first_error: Option<String>,
    /// Whether its job must not share a message.
    alone: bool,
    /// Whether its jobs are executed one by one.
    apart: bool,
    jobs: Vec<&'a Job>,
}

impl<'a> Copies<'a> {
    /// Adds the whole message once more.
    pub(crate) fn add_whole(&mut self, route: Route, message: Message) {
        self.copies.push(Copy::Whole { route, message });
    }

    /// Adds a job to the copy that goes its way; one that must be alone gets a copy of its own.
    pub(crate) fn add(
        &mut self,
        chunk: &'a Chunk,
        headers: &Headers,
        route: Route,
        attempts: u32,
        ending: &Ending<'a>,
    ) {
        let job = ending.job;
        if !ending.alone
            && let Some(copy) = self.shared_by(route, attempts, ending.apart)
        {
            copy.jobs.push(job);
            return;
        }
        let failure = ending.outcome.failure();
        let first_error = headers.first_error.clone().or_else(|| failure.map(ToString::to_string));
        let alone = ending.alone;
        self.copies.push(Copy::Jobs(JobsCopy {
            chunk,
            route,
            attempts,
            first_error,
            alone,
            apart: ending.apart,
            jobs: vec![job],
        }));
    }

    /// The copy that takes further jobs which go this way.
    fn shared_by(&mut self, route: Route, attempts: u32, apart: bool) -> Option<&mut JobsCopy<'a>> {
        self.copies.iter_mut().find_map(|copy| match copy {
            Copy::Jobs(copy)
                if (copy.route, copy.attempts, copy.apart) == (route, attempts, apart) && !copy.alone =>
            {
                Some(copy)
            }
            _ => None,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.copies.is_empty()
    }

    /// Whether some of them go back to the work queue.
    pub(crate) fn go_back(&self) -> bool {
        self.copies.iter().any(|copy| match copy {
            Copy::Whole { route, .. } => *route == Route::Work,
            Copy::Jobs(copy) => copy.route == Route::Work,
        })
    }

    /// The messages, ready to be published.
    pub(crate) fn into_messages(self, signer: Option<&Signer>) -> Vec<(Route, Message)> {
        self.copies
            .into_iter()
            .map(|copy| match copy {
                Copy::Whole { route, message } => (route, message),
                Copy::Jobs(copy) => {
                    let chunk = copy.chunk.with_jobs(copy.jobs);
                    let mut message = envelope::seal(&chunk, signer, copy.attempts, copy.first_error);
                    message.headers.apart = copy.apart;
                    (copy.route, message)
                }
            })
            .collect()
    }
}

/// A copy that the broker never takes: its limit was lowered since the message was published.
#[derive(Debug)]
pub(crate) struct Untaken {
    pub(crate) message: Message,
    pub(crate) error: queryfleet_broker::Error,
}

/// A copy on its way, by the size of its body.
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

/// Publishes copies, each confirmed, and returns those for a retry tier that the broker never takes though they hold a
/// single job. A larger copy that it does not take is cut in half.
///
/// The largest goes first: if it cannot be published, no smaller one is in its queue, which each further delivery would
/// publish again.
///
/// # Errors
/// Returns why a copy is not known to be in its queue, or cannot go back to the work queue.
pub(crate) async fn publish(
    context: &mut Context,
    copies: Vec<(Route, Message)>,
) -> Result<Vec<Untaken>, queryfleet_broker::Error> {
    let mut untaken = Vec::new();
    let mut left: BinaryHeap<OnItsWay> =
        copies.into_iter().map(|(route, copy)| OnItsWay(route, copy)).collect();
    while let Some(OnItsWay(route, message)) = left.pop() {
        let published = context.publisher.publish_all(route, std::slice::from_ref(&message)).await;
        context.shared.record_published(&published);
        let Err(error) = published else { continue };
        if context.publisher.class(&error) != ErrorClass::TooLarge {
            return Err(error);
        }
        match (queryfleet_job::halves(&message, context.shared.signer.as_ref()), route) {
            (Some(halves), _) => left.extend(halves.map(|half| OnItsWay(route, half))),
            (None, Route::Tier(_)) => untaken.push(Untaken { message, error }),
            (None, Route::Work) => return Err(error),
        }
    }
    Ok(untaken)
}
