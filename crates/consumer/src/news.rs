//! What a log tells of jobs and slots: each at debug, and at info and warn a flood of them in a line that a person can
//! live with.
//!
//! Of every topic the first case is told at once, with all its fields. What follows is counted, and told in one line
//! every ten seconds with the first of them as the example. The counts of a topic's lines add up to what happened.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use queryfleet_job::{Chunk, Job, Outcome, RunId, Settlement};

use crate::execute::Ending;
use crate::slot::Slot;

/// The time between two lines of a topic.
const INTERVAL: Duration = Duration::from_secs(10);

/// What can happen to thousands of jobs, or to a thousand slots, at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// An attempt failed, and its job goes on.
    Failed,
    /// A job or a message is dead.
    Dead,
    /// A job is dead, and its dead row could not be written.
    Unburied,
    /// A copy of a message could not be published, and the message stays.
    Unpublished,
    /// A message that took its workers down is published again job by job.
    Poison,
    /// A message cannot be run by this worker.
    Unrunnable,
    /// A worker cannot start yet.
    Waits,
    /// A slot has its connection again.
    Connected,
    /// The runs' states cannot be read.
    Unread,
    /// A slot has no connection to its database, or may not work there.
    NoDatabase,
    /// A slot has no consumer at the broker.
    NoBroker,
}

impl Topic {
    const ALL: [Topic; 11] = [
        Topic::Failed,
        Topic::Dead,
        Topic::Unburied,
        Topic::Unpublished,
        Topic::Poison,
        Topic::Unrunnable,
        Topic::Waits,
        Topic::Unread,
        Topic::Connected,
        Topic::NoDatabase,
        Topic::NoBroker,
    ];
}

/// One case, for the line that tells it. What it does not have is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Case {
    pub(crate) run: Option<RunId>,
    pub(crate) seq: Option<u64>,
    /// From 1, as in metrics.
    pub(crate) slot: Option<usize>,
    /// The class of the outcome, why it is dead, or what the slot is connected to or not.
    pub(crate) class: &'static str,
    pub(crate) error: Option<String>,
}

/// The news of one worker.
pub(crate) struct News {
    worker: String,
    topics: [Mutex<Window>; Topic::ALL.len()],
}

/// The time since a topic's last line, and what has happened in it.
#[derive(Default)]
struct Window {
    /// `None`: quiet, the next case is told at once.
    since: Option<Instant>,
    count: u64,
    first: Option<Case>,
}

impl News {
    pub(crate) fn new(worker: String) -> News {
        News { worker, topics: Default::default() }
    }

    /// Tells a case, or counts it. `case` is made only when it will be told.
    pub(crate) fn tell(&self, topic: Topic, case: impl FnOnce() -> Case) {
        let mut window = self.window(topic);
        if window.since.is_none() {
            window.since = Some(Instant::now());
            drop(window);
            return self.say(topic, 1, &case());
        }
        window.count += 1;
        window.first.get_or_insert_with(case);
    }

    /// Tells what the topics have counted, each after its interval. Call about once a second.
    pub(crate) fn turn(&self) {
        self.tell_counted(INTERVAL);
    }

    /// Tells what is left to tell, when the worker ends.
    pub(crate) fn end(&self) {
        self.tell_counted(Duration::ZERO);
    }

    fn tell_counted(&self, interval: Duration) {
        for topic in Topic::ALL {
            let mut window = self.window(topic);
            if window.since.is_none_or(|since| since.elapsed() < interval) {
                continue;
            }
            let Window { count, first, .. } = std::mem::take(&mut *window);
            if let Some(first) = first {
                window.since = Some(Instant::now());
                drop(window);
                self.say(topic, count, &first);
            }
        }
    }

    fn window(&self, topic: Topic) -> MutexGuard<'_, Window> {
        // Nothing panics while holding the lock; its data is whole in any case.
        self.topics[topic as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, topic: Topic, count: u64, case: &Case) {
        let Case { run, seq, slot, class, error } = case;
        let (run, worker) = (run.map(tracing::field::display), self.worker.as_str());
        macro_rules! line {
            ($level:ident, $one:literal, $more:literal) => {
                if count == 1 {
                    tracing::$level!(run, seq, slot, worker, class, error, count, $one)
                } else {
                    tracing::$level!(
                        run,
                        seq,
                        slot,
                        worker,
                        class,
                        error,
                        count,
                        concat!($more, ", the first of them")
                    )
                }
            };
        }
        match topic {
            Topic::Failed => line!(info, "attempt failed", "attempts failed"),
            Topic::Dead => line!(warn, "job is dead", "jobs are dead"),
            Topic::Unburied => {
                line!(
                    warn,
                    "dead job could not be written down, and is given back",
                    "dead jobs could not be written down, and are given back"
                )
            }
            Topic::Unpublished => line!(
                warn,
                "copy could not be published; its message stays",
                "copies could not be published; their messages stay"
            ),
            Topic::Poison => line!(
                warn,
                "poison chunk is published again job by job",
                "poison chunks are published again job by job"
            ),
            Topic::Unrunnable => line!(warn, "message cannot be run here", "messages cannot be run here"),
            Topic::Waits => line!(warn, "worker waits", "tries of the worker to start have failed"),
            Topic::Unread => {
                line!(warn, "run states cannot be read", "run states could not be read so many times")
            }
            Topic::Connected => line!(info, "connected again", "slots are connected again"),
            // The server that is away has a topic of its own: the other one's flood must not hide it.
            Topic::NoDatabase | Topic::NoBroker => {
                line!(warn, "slot cannot serve", "tries of slots to serve have failed")
            }
        }
    }
}

impl Case {
    /// Of a job in a slot.
    pub(crate) fn of_job(slot: &Slot, chunk: &Chunk, job: &Job, class: &'static str, error: String) -> Case {
        let (run, seq) = (Some(chunk.run), Some(job.seq));
        Case { run, seq, slot: Some(slot.index + 1), class, error: Some(error) }
    }
}

/// Tells how a delivery has ended for one of its jobs, at debug.
pub(crate) fn settled(slot: &Slot, chunk: &Chunk, ending: &Ending<'_>) {
    let error = ending.outcome.failure().map(tracing::field::display);
    tracing::debug!(
        run = %chunk.run,
        seq = ending.job.seq,
        slot = slot.index + 1,
        worker = slot.shared.name,
        class = ending.outcome.class().as_str(),
        error,
        settlement = ending.settlement.as_str(),
        "job settled"
    );
}

/// Tells an attempt that is followed by another in the same delivery, at debug.
pub(crate) fn repeated(slot: &Slot, chunk: &Chunk, job: &Job, outcome: &Outcome) {
    let (worker, slot, class) = (&slot.shared.name, slot.index + 1, outcome.class().as_str());
    let error = outcome.failure().map(tracing::field::display);
    tracing::debug!(run = %chunk.run, seq = job.seq, slot, worker, class, error, "attempt failed, and is repeated");
}

/// Tells why a slot cannot serve, each time, at debug.
pub(crate) fn unconnected(slot: &Slot, dependency: &str, error: &str) {
    tracing::debug!(
        slot = slot.index + 1,
        worker = slot.shared.name,
        class = dependency,
        error,
        "slot cannot serve"
    );
}

/// Tells what becomes of a message that is not run, at debug.
pub(crate) fn not_run(slot: &Slot, outcome: &Outcome, settlement: Settlement) {
    let (worker, slot, class) = (&slot.shared.name, slot.index + 1, outcome.class().as_str());
    let error = outcome.failure().map(tracing::field::display);
    tracing::debug!(slot, worker, class, error, settlement = settlement.as_str(), "message settled");
}
