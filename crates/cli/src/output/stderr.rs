//! Standard error behind a queue and a thread: a reader that has stopped (Ctrl-S, a pager, a log shipper that hangs)
//! stops no worker. A worker that stands still loses its connections, and its messages run elsewhere.

use std::collections::VecDeque;
use std::fmt::Display;
use std::io::IsTerminal;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::escape::{block, line};
use super::patient;

/// Bytes that may wait to be written.
const BUFFER_BYTES: usize = 1 << 20;
/// How long a reader that is too slow is waited for, all waits together, until half of that room is free again: then
/// what finds no room is lost.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the end of the process waits for the rest.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(5);

static QUEUE: Queue = Queue { state: Mutex::new(State::NEW), changed: Condvar::new() };

struct Queue {
    state: Mutex<State>,
    /// Rings when something was written, and when there is something to write.
    changed: Condvar,
}

struct State {
    /// What waits; the first one is being written.
    texts: VecDeque<String>,
    /// How long they are together.
    bytes: usize,
    /// How many did not find room since the last one that did.
    lost: u64,
    /// What is left of [`WRITE_TIMEOUT`].
    patience: Duration,
    /// Whether the thread runs.
    is_served: bool,
}

impl State {
    const NEW: State =
        State { texts: VecDeque::new(), bytes: 0, lost: 0, patience: WRITE_TIMEOUT, is_served: false };

    fn has_room(&self, bytes: usize) -> bool {
        self.texts.is_empty() || self.bytes + bytes <= BUFFER_BYTES
    }

    fn push(&mut self, text: String) {
        self.bytes += text.len();
        self.texts.push_back(text);
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding it; what it guards is whole in any case.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while `still`, for as long as there is patience.
    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        still: impl FnMut(&mut State) -> bool,
    ) -> MutexGuard<'a, State> {
        let limit = state.patience;
        let since = Instant::now();
        let waited = self.changed.wait_timeout_while(state, limit, still);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.patience = state.patience.saturating_sub(since.elapsed());
        state
    }
}

/// Prints a line for people to standard error.
pub(crate) fn say(text: impl Display) {
    send(line(&text.to_string()).into_owned() + "\n");
    if is_watched() {
        // A bar, which draws on its own, comes behind it.
        flush();
    }
}

/// Prints text that has lines of its own to standard error.
pub(crate) fn say_block(text: impl Display) {
    send(block(&text.to_string()).into_owned());
}

/// Whether a person watches standard error on a terminal that can redraw a line.
pub(crate) fn is_watched() -> bool {
    let term = std::env::var_os("TERM");
    is_terminal() && term.is_some_and(|term| !term.is_empty() && term != "dumb")
}

#[allow(clippy::disallowed_methods)]
fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Has a text written, in one piece, so that no other process's line comes in between.
pub(super) fn send(text: String) {
    let mut state = QUEUE.lock();
    if !state.is_served {
        state.is_served = thread::Builder::new().name("stderr".into()).spawn(serve).is_ok();
        if !state.is_served {
            drop(state);
            return write_now(&text);
        }
    }
    if !state.has_room(text.len()) {
        state = QUEUE.wait(state, |state| !state.has_room(text.len()));
    }
    if !state.has_room(text.len()) {
        state.lost += 1;
        return;
    }
    let lost = std::mem::take(&mut state.lost);
    if lost > 0 {
        state.push(format!("{lost} lines are missing here: nobody read them\n"));
    }
    state.push(text);
    QUEUE.changed.notify_all();
}

/// Waits until all of it is written, or the reader is too slow.
pub(super) fn flush() {
    let state = QUEUE.lock();
    if !state.texts.is_empty() {
        drop(QUEUE.wait(state, |state| !state.texts.is_empty()));
    }
}

/// Waits with more patience until what was said is written, when the process is about to end.
pub(crate) fn end() {
    QUEUE.lock().patience = LAST_WRITE_TIMEOUT;
    flush();
}

fn serve() {
    let mut state = QUEUE.lock();
    loop {
        let Some(text) = state.texts.front_mut().map(std::mem::take) else {
            state = QUEUE.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        drop(state);
        write_now(&text);
        state = QUEUE.lock();
        state.texts.pop_front();
        state.bytes -= text.len();
        if state.bytes < BUFFER_BYTES / 2 {
            state.patience = state.patience.max(WRITE_TIMEOUT);
        }
        QUEUE.changed.notify_all();
    }
}

#[allow(clippy::disallowed_methods)]
fn write_now(text: &str) {
    // Nobody can be told of an error.
    let _ = patient::write(&mut std::io::stderr().lock(), text.as_bytes());
}
