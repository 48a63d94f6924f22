//! Limits what is logged at info and warn about jobs and slots, of which there may be thousands at once.
//!
//! The first event of each kind is logged at once, with all its fields. The following ones are counted, and logged as
//! one line every ten seconds, with the first of them as the example. The counts of a kind's lines add up to what
//! happened.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use queryfleet_job::RunId;
use tracing::Level;

use crate::log::JobRef;

/// The time between two lines of a kind.
const INTERVAL: Duration = Duration::from_secs(10);

/// What can happen to thousands of jobs, or to a thousand slots, at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    /// An attempt failed, and its job is not dead by that.
    AttemptFailed,
    /// A job or a message is dead.
    Dead,
    /// A job is dead, and its dead row could not be written.
    DeadRowFailed,
    /// A copy of a message could not be published; the message stays with the broker.
    CopyFailed,
    /// A chunk that used up the delivery limit is published again job by job.
    PoisonChunk,
    /// This worker cannot run a message.
    NotRun,
    /// The worker cannot start yet.
    StartFailed,
    /// The states of the runs cannot be read.
    RunsUnread,
    /// A slot has its connection again.
    Reconnected,
    /// A slot has no connection to the database, or may not work there.
    NoDatabase,
    /// A slot has no consumer at the broker.
    NoBroker,
}

impl EventKind {
    /// Every kind, in the order of the enum.
    const ALL: [EventKind; 11] = [
        EventKind::AttemptFailed,
        EventKind::Dead,
        EventKind::DeadRowFailed,
        EventKind::CopyFailed,
        EventKind::PoisonChunk,
        EventKind::NotRun,
        EventKind::StartFailed,
        EventKind::RunsUnread,
        EventKind::Reconnected,
        EventKind::NoDatabase,
        EventKind::NoBroker,
    ];

    /// The level of its lines, the text for a single event, and the text for many. `tests/e2e` waits for these texts.
    fn texts(self) -> (Level, &'static str, &'static str) {
        match self {
            EventKind::AttemptFailed => (Level::INFO, "attempt failed", "attempts failed"),
            EventKind::Dead => (Level::WARN, "job is dead", "jobs are dead"),
            EventKind::DeadRowFailed => (
                Level::WARN,
                "dead job could not be written down, and is given back",
                "dead jobs could not be written down, and are given back",
            ),
            EventKind::CopyFailed => (
                Level::WARN,
                "copy could not be published; its message stays",
                "copies could not be published; their messages stay",
            ),
            EventKind::PoisonChunk => (
                Level::WARN,
                "poison chunk is published again job by job",
                "poison chunks are published again job by job",
            ),
            EventKind::NotRun => (Level::WARN, "message cannot be run here", "messages cannot be run here"),
            EventKind::StartFailed => {
                (Level::WARN, "worker waits", "tries of the worker to start have failed")
            }
            EventKind::RunsUnread => {
                (Level::WARN, "run states cannot be read", "run states could not be read so many times")
            }
            EventKind::Reconnected => (Level::INFO, "connected again", "slots are connected again"),
            // Two kinds: a flood from one server that is unavailable must not hide the other.
            EventKind::NoDatabase | EventKind::NoBroker => {
                (Level::WARN, "slot cannot serve", "tries of slots to serve have failed")
            }
        }
    }
}

/// One event, with the fields of its line. A field that it does not have is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Event {
    pub(crate) run: Option<RunId>,
    pub(crate) seq: Option<u64>,
    /// The number of the slot, from 1 as in metrics.
    pub(crate) slot: Option<usize>,
    /// The class of the outcome, the reason of a dead job, or the server that a slot is connected to or not.
    pub(crate) class: &'static str,
    pub(crate) error: Option<String>,
}

impl Event {
    /// An event of a job.
    pub(crate) fn of_job(job: JobRef, class: &'static str, error: String) -> Event {
        Event { run: Some(job.run), seq: Some(job.seq), slot: job.slot, class, error: Some(error) }
    }
}

/// The throttled lines of one worker.
pub(crate) struct LogThrottle {
    worker: String,
    windows: [Mutex<Window>; EventKind::ALL.len()],
}

/// The time since a kind's last line, and what has happened in it.
#[derive(Default)]
struct Window {
    /// `None`: quiet, the next event is logged at once.
    since: Option<Instant>,
    count: u64,
    first: Option<Event>,
}

impl LogThrottle {
    pub(crate) fn new(worker: String) -> LogThrottle {
        LogThrottle { worker, windows: Default::default() }
    }

    /// Logs an event, or counts it. `event` is called only if its line will be written.
    pub(crate) fn record(&self, kind: EventKind, event: impl FnOnce() -> Event) {
        let mut window = self.window(kind);
        if window.since.is_none() {
            window.since = Some(Instant::now());
            drop(window);
            return self.write(kind, 1, &event());
        }
        window.count += 1;
        window.first.get_or_insert_with(event);
    }

    /// Logs what has been counted for longer than the interval. To be called about once a second.
    pub(crate) fn flush_due(&self) {
        self.flush(INTERVAL);
    }

    /// Logs all that has been counted, when the worker ends.
    pub(crate) fn flush_all(&self) {
        self.flush(Duration::ZERO);
    }

    fn flush(&self, interval: Duration) {
        for kind in EventKind::ALL {
            let mut window = self.window(kind);
            if window.since.is_none_or(|since| since.elapsed() < interval) {
                continue;
            }
            let Window { count, first, .. } = std::mem::take(&mut *window);
            if let Some(first) = first {
                window.since = Some(Instant::now());
                drop(window);
                self.write(kind, count, &first);
            }
        }
    }

    fn window(&self, kind: EventKind) -> MutexGuard<'_, Window> {
        // Nothing panics while it holds the lock, so the data is whole in any case.
        self.windows[kind as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, kind: EventKind, count: u64, event: &Event) {
        let Event { run, seq, slot, class, error } = event;
        let run = run.map(tracing::field::display);
        let worker = self.worker.as_str();
        let (level, one, many) = kind.texts();
        let text = match count {
            1 => Cow::Borrowed(one),
            _ => Cow::Owned(format!("{many}, the first of them")),
        };
        // The level of a tracing macro is a constant.
        if level == Level::WARN {
            tracing::warn!(run, seq, slot, worker, class, error, count, "{text}");
        } else {
            tracing::info!(run, seq, slot, worker, class, error, count, "{text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(log: &LogThrottle, kind: EventKind) -> bool {
        let mut made = false;
        log.record(kind, || {
            made = true;
            Event::default()
        });
        made
    }

    #[test]
    fn each_kind_has_its_own_window() {
        for (index, kind) in EventKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index, "{kind:?}");
        }
    }

    #[test]
    fn only_the_first_event_of_a_line_is_made() {
        let log = LogThrottle::new("host:1".into());
        assert!(made(&log, EventKind::Dead), "logged at once");
        assert!(made(&log, EventKind::Dead), "the example of the next line");
        assert!(!made(&log, EventKind::Dead), "only counted");
        assert!(made(&log, EventKind::NoBroker), "another kind");
        log.flush_due();
        assert!(!made(&log, EventKind::Dead), "the interval has not passed");
        log.flush_all();
        assert!(made(&log, EventKind::Dead), "the example of the line after that");
        log.flush_all();
        log.flush_all();
        assert!(made(&log, EventKind::Dead), "quiet again: logged at once");
    }
}
