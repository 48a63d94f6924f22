//! Whether the process is alive and whether it is ready, as the worker reports it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use queryfleet_job::Word;

use crate::Dependency;

/// The state behind `/livez`, `/readyz` and the gauges `dependency_up` and `draining`.
///
/// A new process is alive, not connected to anything and not draining. Alive means that its supervising loop turns, not
/// that a server is up: restarting the worker does not fix a broker.
pub struct Health {
    origin: Instant,
    limit: Duration,
    /// Nanoseconds from `origin` to the last beat.
    beat: AtomicU64,
    connected: [AtomicBool; Dependency::ALL.len()],
    draining: AtomicBool,
    unfit: Mutex<Option<String>>,
    held: Mutex<Vec<String>>,
    limited: Mutex<Option<String>>,
}

impl Health {
    /// A process that is alive until `limit` has passed since its last beat. Its creation counts as the first beat.
    pub fn new(limit: Duration) -> Self {
        Self {
            origin: Instant::now(),
            limit,
            beat: AtomicU64::new(0),
            connected: Default::default(),
            draining: AtomicBool::new(false),
            unfit: Mutex::new(None),
            held: Mutex::new(Vec::new()),
            limited: Mutex::new(None),
        }
    }

    /// Records that the supervising loop has turned once more.
    pub fn beat(&self) {
        let age = u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.beat.fetch_max(age, Relaxed);
    }

    /// Records whether the process is connected to `dependency`.
    pub fn set_connected(&self, dependency: Dependency, connected: bool) {
        self.connected[dependency.index()].store(connected, Relaxed);
    }

    /// Records whether the worker is shutting down.
    pub fn set_draining(&self, draining: bool) {
        self.draining.store(draining, Relaxed);
    }

    /// Records why the worker cannot serve although it is connected: a missing right, a newer envelope. `/readyz` shows
    /// the reason, so it must not hold a secret. `None`: the worker can serve.
    pub fn set_unfit(&self, reason: Option<String>) {
        // It may quote a server, is one line of the response, and may be read in a terminal.
        let reason = reason.map(|reason| reason.replace(char::is_control, " "));
        // The lock guards one assignment, so a poisoned one holds a whole value.
        *self.unfit.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Records the holds on the queue. A worker that is held is ready: it does what it was told to do.
    pub fn set_held(&self, holds: Vec<String>) {
        let line = |hold: String| hold.replace(char::is_control, " ");
        // As in `set_unfit`.
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = holds.into_iter().map(line).collect();
    }

    /// Records why some of the slots may take no message although the queue is not held; `None` if all may. Such a worker is
    /// ready, too.
    pub fn set_limited(&self, reason: Option<String>) {
        // As in `set_unfit`.
        let reason = reason.map(|reason| reason.replace(char::is_control, " "));
        *self.limited.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Why some of the slots may take no message although the queue is not held.
    pub fn limited(&self) -> Option<String> {
        self.limited.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The holds on the queue, one line each.
    pub fn held(&self) -> Vec<String> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the process is connected to `dependency`.
    pub fn is_connected(&self, dependency: Dependency) -> bool {
        self.connected[dependency.index()].load(Relaxed)
    }

    /// Whether the worker is shutting down.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// Why the process counts as stalled; `None` while it is alive.
    pub fn stalled(&self) -> Option<String> {
        self.stalled_at(self.origin.elapsed())
    }

    /// What the process lacks to be ready, one line each; empty if it is ready. While the queue is held or limited, slots may
    /// have no connections, and lack none.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let is_held = !self.held().is_empty() || self.limited().is_some();
        for dependency in Dependency::ALL {
            if !is_held && !self.is_connected(dependency) {
                missing.push(format!("{}: not connected", dependency.as_str()));
            }
        }
        // As in `set_unfit`.
        let unfit = self.unfit.lock().unwrap_or_else(PoisonError::into_inner).clone();
        missing.extend(unfit.map(|reason| format!("unfit: {reason}")));
        if self.is_draining() {
            missing.push("draining".to_owned());
        }
        missing
    }

    /// `now` is counted from `origin`.
    fn stalled_at(&self, now: Duration) -> Option<String> {
        let age = now.saturating_sub(Duration::from_nanos(self.beat.load(Relaxed)));
        let stalled = age > self.limit;
        stalled.then(|| format!("stalled: the last beat is {age:.1?} old, the limit is {:.1?}", self.limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alive_until_the_limit_has_passed_since_the_last_beat() {
        let health = Health::new(Duration::from_secs(10));
        assert_eq!(health.stalled_at(Duration::from_secs(10)), None);
        let stalled = health.stalled_at(Duration::from_millis(10_500)).unwrap();
        assert_eq!(stalled, "stalled: the last beat is 10.5s old, the limit is 10.0s");
        health.beat();
        let at = Duration::from_nanos(health.beat.load(Relaxed));
        assert_eq!(health.stalled_at(at + Duration::from_secs(10)), None);
        assert!(health.stalled_at(at + Duration::from_secs(11)).is_some());
    }

    #[test]
    fn ready_when_nothing_is_missing() {
        let health = Health::new(Duration::from_secs(10));
        assert_eq!(health.missing(), ["broker: not connected", "database: not connected"]);
        health.set_connected(Dependency::Broker, true);
        health.set_connected(Dependency::Database, true);
        assert!(health.missing().is_empty());
        health.set_unfit(Some("no\u{1b}INSERT\non queryfleet_ledger".to_owned()));
        health.set_draining(true);
        // One line, whatever a server has said.
        assert_eq!(health.missing(), ["unfit: no INSERT on queryfleet_ledger", "draining"]);
        health.set_unfit(None);
        health.set_connected(Dependency::Database, false);
        assert_eq!(health.missing(), ["database: not connected", "draining"]);
    }
}
