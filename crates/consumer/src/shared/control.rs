//! What people have said about the worker's queue, as it has last read it: the holds on it, and its limit.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use queryfleet_job::{
    Failure, Gate, Hold, Limit, Outcome, Signer, Window, gate, permit_change, valid_permits,
};
use queryfleet_ledger::{Error, HoldRow, LedgerClient, LimitRow};
use tokio::sync::watch;

use crate::not_run::NotRun;
use crate::shared::releasing::Releasing;

/// A reading counts for this many intervals between two of them: a job begins at most so long, and the time that reading
/// takes, after a hold was placed.
const COUNTS_FOR_INTERVALS: f64 = 1.5;

/// The holds and the limit that this worker obeys, and its permits.
pub(crate) struct Control {
    queue: String,
    /// This worker, as its row and its permits have it.
    worker_id: String,
    signer: Option<Signer>,
    slots: u32,
    counts_for: Duration,
    seen: watch::Sender<Seen>,
    /// Slots that have a message or may get one. A slot is counted under the lock of `seen`.
    serving: AtomicU32,
}

/// One reading.
#[derive(Clone, PartialEq)]
struct Seen {
    /// `None`: the ledger was set up by a version without holds.
    holds: Option<Vec<Hold>>,
    limit: SeenLimit,
    /// What the checks of the limit allow, as the governor has last said.
    verdict: Verdict,
    /// The permits that this worker owns; none where the slots are not limited.
    permits: Vec<u32>,
    releasing: Releasing,
    /// Slots whose former sessions may execute still. Under a limit they begin nothing, and keep their permits.
    blocked: BTreeSet<usize>,
    /// When it was asked for; `None` before the first.
    asked: Option<Instant>,
    /// The gate, and the slots that are blocked, as those who wait for them were last told.
    told: (Gate, BTreeSet<usize>),
}

/// The limit as it was last read.
#[derive(Clone, Default, PartialEq)]
struct SeenLimit {
    /// `None`: the ledger was set up by a version without limits.
    version: Option<u32>,
    limit: Limit,
    /// The hours in which jobs begin.
    window: Option<Window>,
    /// The server's time when this was read, in seconds since 1970.
    now: i64,
    /// Why nothing may begin: the limit cannot be obeyed, and none that could be is known.
    refused: Option<String>,
    /// Whether the row has a limit that cannot be obeyed, while the one before stays in force.
    is_outdated: bool,
}

/// What the checks of the limit allow.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// The slots of all workers together; `None`: nobody has said it yet, so none.
    pub(crate) allowed: Option<u32>,
    /// What allows no more, for people.
    pub(crate) reasons: String,
}

/// A slot that may take messages. It is counted until this is dropped.
pub(crate) struct Serving<'a>(&'a Control);

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.serving.fetch_sub(1, Ordering::Relaxed);
        // Another slot may wait for its permit.
        if self.0.is_limited() {
            self.0.seen.send_modify(|_| ());
        }
    }
}

impl Seen {
    fn gate(&self) -> Gate {
        let permits = self.allowed().map(|slots| valid_permits(&self.permits, slots));
        let is_closed = self.limit.refused.is_some() || !self.is_in_window();
        let permits = if is_closed { Some(0) } else { permits };
        gate(self.holds.as_deref().unwrap_or_default(), permits)
    }

    /// Whether a slot, counted from 0, may begin anything.
    fn admits(&self, slot: usize) -> bool {
        u32::try_from(slot).is_ok_and(|slot| self.gate().admits(slot))
            && !(self.allowed().is_some() && self.blocked.contains(&slot))
    }

    /// Whether one more slot may begin to take messages beside so many that do: a permit that is kept for a slot behind is in
    /// use, whichever slots the gate admits.
    fn has_room(&self, serving: u32) -> bool {
        let in_use = serving.saturating_add(u32::try_from(self.blocked.len()).unwrap_or(u32::MAX));
        match self.gate() {
            Gate::Limited { slots } => in_use < slots,
            Gate::Open | Gate::Held { .. } => true,
        }
    }

    /// Whether the gate is another one than those who wait for it know; from now on they do.
    fn has_moved(&mut self) -> bool {
        let now = (self.gate(), self.blocked.clone());
        let has_moved = self.told != now;
        self.told = now;
        has_moved
    }

    /// Whether the window of the limit is open, by the server's clock and the time since that was read.
    fn is_in_window(&self) -> bool {
        let Some(window) = &self.limit.window else { return true };
        window.is_open(self.now(), self.limit.limit.window_margin.unwrap_or(0).into())
    }

    /// The server's time, in seconds since 1970.
    fn now(&self) -> i64 {
        let passed = self.asked.map_or(Duration::ZERO, |asked| asked.elapsed());
        self.limit.now.saturating_add(i64::try_from(passed.as_secs()).unwrap_or(i64::MAX))
    }

    /// How many slots of all workers together may have a message; `None`: any number.
    fn allowed(&self) -> Option<u32> {
        let limit = &self.limit.limit;
        let by_checks = limit.has_checks().then(|| self.verdict.allowed.unwrap_or(0));
        [limit.slots, by_checks].into_iter().flatten().min()
    }

    /// Why a slot that is not admitted may begin nothing.
    fn reason(&self, slot: usize) -> String {
        if u32::try_from(slot).is_ok_and(|slot| self.gate().admits(slot)) {
            return "the queue is limited, and a statement of this slot's former session may run still"
                .to_owned();
        }
        if let Some(hold) = self.holds.as_deref().and_then(<[Hold]>::first) {
            return format!("the queue is held: {hold}");
        }
        match &self.limit.refused {
            Some(why) => why.clone(),
            None if !self.is_in_window() => {
                let window = self.limit.window.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("the window {window} is closed")
            }
            None if self.limit.limit.has_checks() && !self.verdict.reasons.is_empty() => {
                format!("the queue is throttled: {}", self.verdict.reasons)
            }
            None => format!("the queue is limited: {}", self.limit.limit),
        }
    }
}

impl Control {
    pub(crate) fn new(
        queue: &str,
        worker_id: String,
        signer: Option<Signer>,
        slots: usize,
        poll_interval: Duration,
    ) -> Control {
        let seen = Seen {
            holds: None,
            limit: SeenLimit::default(),
            verdict: Verdict::default(),
            permits: Vec::new(),
            releasing: Releasing::default(),
            blocked: BTreeSet::new(),
            asked: None,
            told: (Gate::Open, BTreeSet::new()),
        };
        Control {
            queue: queue.to_owned(),
            worker_id,
            signer,
            slots: u32::try_from(slots).unwrap_or(u32::MAX),
            counts_for: poll_interval.mul_f64(COUNTS_FOR_INTERVALS),
            seen: watch::Sender::new(seen),
            serving: AtomicU32::new(0),
        }
    }

    /// This worker, as its row and its permits have it.
    pub(crate) fn worker_id(&self) -> &str {
        &self.worker_id
    }

    /// Reads the holds in force, the limit, and the permits of this worker.
    ///
    /// # Errors
    /// If the database cannot be asked. What was read before stays in force.
    pub(crate) async fn read(&self, client: &mut LedgerClient) -> Result<(), Error> {
        let asked = Instant::now();
        let rows = client.holds().in_force(&self.queue).await?;
        let holds = rows.map(|rows| rows.into_iter().map(|HoldRow { hold, .. }| hold).collect());
        let row = client.limits().of_queue(&self.queue).await?;
        let before = self.seen.borrow().limit.clone();
        let limit = self.read_limit(&before, row);
        let is_limited = limit.limit.slots.is_some() || limit.limit.has_checks();
        let mut permits = match is_limited {
            true => client.permits().of_worker(&self.queue, &self.worker_id).await?,
            false => Vec::new(),
        };
        self.seen.send_if_modified(|seen| {
            // One that was asked for later is here already.
            if seen.asked.is_some_and(|last| last > asked) {
                return false;
            }
            seen.asked = Some(asked);
            let is_news = (seen.limit.version, &seen.limit.refused) != (limit.version, &limit.refused);
            seen.releasing.correct(&mut permits, asked);
            (seen.holds, seen.limit, seen.permits) = (holds, limit, permits);
            // The gate also closes by the clock.
            seen.has_moved() || is_news
        });
        Ok(())
    }

    /// What a row means, after what was known before. A limit that cannot be obeyed changes nothing, and is as strict as can
    /// be where none was known.
    fn read_limit(&self, before: &SeenLimit, row: Option<Option<LimitRow>>) -> SeenLimit {
        let Some(row) = row else { return SeenLimit::default() };
        // What stays in force is counted from the same reading of the clock.
        let now = row.as_ref().map_or_else(|| self.seen.borrow().now(), |row| row.now);
        let before = SeenLimit { now, ..before.clone() };
        let known = before.version.unwrap_or(0);
        let refuse = |why: String| match (known, &before.refused) {
            (0, _) | (_, Some(_)) => SeenLimit { refused: Some(why), ..before.clone() },
            _ => SeenLimit { is_outdated: true, ..before.clone() },
        };
        let Some(row) = row else {
            // Nobody takes the row of a limit away.
            return match known {
                0 => SeenLimit { version: Some(0), ..SeenLimit::default() },
                _ => before.clone(),
            };
        };
        if row.version < known && self.signer.is_some() {
            return before.clone();
        }
        let signature = row.signature.as_deref();
        match Limit::read(&self.queue, row.version, &row.terms, signature, self.signer.as_ref()) {
            Ok(limit) => SeenLimit {
                version: Some(row.version),
                // Reading it has tried it.
                window: limit.window().ok().flatten(),
                limit,
                now: row.now,
                refused: None,
                is_outdated: false,
            },
            Err(error) => refuse(queryfleet_job::causes(&error)),
        }
    }

    /// Gives permits back that this worker has no use for, and takes what it lacks, up to one for each of its slots, or none
    /// unless it `is_usable`.
    ///
    /// # Errors
    /// If the database cannot be asked. The next reading says what the worker owns.
    pub(crate) async fn keep_permits(&self, client: &mut LedgerClient, is_usable: bool) -> Result<(), Error> {
        let Some(limit) = self.seen.borrow().allowed() else { return Ok(()) };
        let is_held = matches!(self.gate(), Gate::Held { .. });
        let wanted = if is_usable && !is_held { self.slots } else { 0 };
        let mut change = queryfleet_job::PermitChange::default();
        let mut give_back = Vec::new();
        // The gate closes before a permit goes back, under the lock under which slots are counted.
        self.seen.send_if_modified(|seen| {
            let in_use =
                self.serving.load(Ordering::Relaxed) + u32::try_from(seen.blocked.len()).unwrap_or(u32::MAX);
            change = permit_change(&seen.permits, limit, wanted, in_use);
            seen.permits.clone_from(&change.keep);
            give_back = seen.releasing.begin(&change.give_back);
            seen.has_moved()
        });
        if !give_back.is_empty() {
            client.permits().give_back(&self.queue, &self.worker_id, &give_back).await?;
            let answered = Instant::now();
            self.seen.send_if_modified(|seen| {
                seen.releasing.answered(answered);
                false
            });
        }
        if change.take == 0 {
            return Ok(());
        }
        let lacking = client.permits().take(&self.queue, &self.worker_id, limit, change.take).await?;
        if lacking < change.take {
            self.read(client).await?;
        }
        if lacking > 0 {
            client.permits().free_silent(&self.queue).await?;
        }
        Ok(())
    }

    /// Gives all permits back, at the end of the worker.
    ///
    /// # Errors
    /// If the database cannot be asked. They are free when the worker's row is gone, or silent.
    pub(crate) async fn give_up_permits(&self, client: &mut LedgerClient) -> Result<(), Error> {
        let permits = self.seen.borrow().permits.clone();
        if permits.is_empty() {
            return Ok(());
        }
        client.permits().give_back(&self.queue, &self.worker_id, &permits).await
    }

    /// The holds as they were last read; `None` if the ledger has no such table.
    pub(crate) fn holds(&self) -> Option<Vec<Hold>> {
        self.seen.borrow().holds.clone()
    }

    /// The version of the limit that this worker obeys; `None` if the ledger has no such table, or if it obeys none that it
    /// could read.
    pub(crate) fn limit_version(&self) -> Option<u32> {
        let seen = self.seen.borrow();
        seen.limit.version.filter(|_| seen.limit.refused.is_none())
    }

    /// The limit, if somebody has to make checks for it and it can be obeyed, and its version.
    pub(crate) fn with_checks(&self) -> Option<(Limit, u32)> {
        let seen = self.seen.borrow();
        let is_obeyed = seen.limit.refused.is_none() && seen.limit.limit.has_checks();
        is_obeyed.then(|| (seen.limit.limit.clone(), seen.limit.version.unwrap_or(0)))
    }

    /// Whether the row has another limit than the one in force here, which this worker cannot obey: it has no checks to make
    /// for others.
    pub(crate) fn is_outdated(&self) -> bool {
        self.seen.borrow().limit.is_outdated
    }

    /// Waits until somebody has to make checks.
    pub(crate) async fn wants_checks(&self) {
        let wants = |seen: &Seen| seen.limit.refused.is_none() && seen.limit.limit.has_checks();
        // As in `until`.
        let _ = self.seen.subscribe().wait_for(wants).await;
    }

    /// Under a limit these slots begin nothing.
    pub(crate) fn block(&self, slots: BTreeSet<usize>) {
        self.seen.send_if_modified(|seen| {
            seen.blocked = slots;
            seen.has_moved()
        });
    }

    /// Obeys what the checks of the limit allow, from now on.
    pub(crate) fn set_verdict(&self, verdict: Verdict) {
        self.seen.send_if_modified(|seen| {
            seen.verdict = verdict;
            seen.has_moved()
        });
    }

    /// How many jobs per second may begin on all workers together; `None`: any number.
    pub(crate) fn rate(&self) -> Option<f64> {
        self.seen.borrow().limit.limit.rate
    }

    /// Whether the slots of the fleet are limited, so that sessions have to be written down.
    pub(crate) fn is_limited(&self) -> bool {
        self.seen.borrow().allowed().is_some()
    }

    /// Why the slots that may begin nothing may not; `None` if all may.
    pub(crate) fn reason(&self) -> Option<String> {
        let seen = self.seen.borrow();
        let last = self.slots.saturating_sub(1) as usize;
        (!seen.gate().admits(self.slots.saturating_sub(1))).then(|| seen.reason(last))
    }

    /// How many slots may take messages.
    pub(crate) fn allowed_slots(&self) -> u32 {
        match self.gate() {
            Gate::Open => self.slots,
            Gate::Limited { slots } => slots.min(self.slots),
            Gate::Held { .. } => 0,
        }
    }

    /// Whether the last reading still counts.
    pub(crate) fn is_recent(&self) -> bool {
        self.seen.borrow().asked.is_some_and(|asked| asked.elapsed() < self.counts_for)
    }

    /// Whether the queue is held.
    pub(crate) fn is_held(&self) -> bool {
        matches!(self.gate(), Gate::Held { .. })
    }

    /// Whether a slot, counted from 0, may take no message.
    pub(crate) fn is_closed(&self, slot: usize) -> bool {
        !self.seen.borrow().admits(slot)
    }

    /// Whether a job may begin on a slot, by the last reading.
    ///
    /// # Errors
    /// The queue is held or limited; the job goes back to it.
    pub(crate) fn check(&self, slot: usize) -> Result<(), NotRun> {
        let seen = self.seen.borrow();
        if seen.admits(slot) {
            return Ok(());
        }
        Err(NotRun(Outcome::Interrupted(Failure::said(seen.reason(slot)))))
    }

    /// Counts a slot that begins to take messages; `None` if it may not.
    pub(crate) fn serve(&self, slot: usize) -> Option<Serving<'_>> {
        // The lock is held until it is counted.
        let seen = self.seen.borrow();
        if !seen.admits(slot) {
            return None;
        }
        let one_more = |serving| seen.has_room(serving).then(|| serving + 1);
        self.serving.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Serving(self))
    }

    /// Waits until the queue is held.
    pub(crate) async fn held(&self) {
        self.until(|seen| matches!(seen.gate(), Gate::Held { .. })).await;
    }

    /// Waits until a slot may take no message.
    pub(crate) async fn closed(&self, slot: usize) {
        self.until(|seen| !seen.admits(slot)).await;
    }

    /// Waits until a slot may take messages.
    pub(crate) async fn opened(&self, slot: usize) {
        self.until(|seen| seen.admits(slot) && seen.has_room(self.serving.load(Ordering::Relaxed))).await;
    }

    /// Waits until running statements have to end, except those that are not atomic.
    pub(crate) async fn must_end(&self) {
        self.until(|seen| seen.gate() == Gate::Held { ends_running: true }).await;
    }

    /// Whether running statements have to end, except those that are not atomic.
    pub(crate) fn is_now(&self) -> bool {
        self.gate() == Gate::Held { ends_running: true }
    }

    fn gate(&self) -> Gate {
        self.seen.borrow().gate()
    }

    async fn until(&self, wanted: impl Fn(&Seen) -> bool) {
        // The sender is in `self`, so the channel is open as long as anybody waits.
        let _ = self.seen.subscribe().wait_for(|seen| wanted(seen)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_slot_begins_on_the_permit_that_another_one_uses() {
        let control = Control::new("q", "w".into(), None, 2, Duration::from_secs(1));
        let has = |permits: &[u32], blocked: &[usize]| {
            control.seen.send_modify(|seen| {
                seen.limit.limit.slots = Some(2);
                seen.permits = permits.to_vec();
                seen.blocked = blocked.iter().copied().collect();
            });
        };
        has(&[0, 1], &[]);
        let last = control.serve(1).unwrap();
        // Of a hold that was lifted again one permit is left, which the running statement uses.
        has(&[0], &[]);
        assert!(control.serve(0).is_none());
        drop(last);
        // Or a former session does.
        has(&[0], &[1]);
        assert!(control.serve(0).is_none() && control.serve(1).is_none());
        has(&[0], &[]);
        assert!(control.serve(0).is_some());
    }
}
