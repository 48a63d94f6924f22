//! How many slots a queue may use, by what a check has measured: pure functions of samples and of the time between them.
//!
//! Lag is an integral: what waits in a replica's relay log when it is noticed cannot be taken back. So the law of lag brakes
//! on its slope, far below the limit, and learns from it what the replica bears. A law that reacts at the limit was measured
//! to reach six times the limit.

use std::collections::VecDeque;
use std::time::Duration;

/// The slope of the lag is taken over this time.
const SLOPE_OVER: Duration = Duration::from_secs(2);
/// After a step, a law waits for this time, and for that in which the step would add itself once more.
const SETTLES_IN: Duration = Duration::from_secs(2);
/// Seconds of lag per second from which a replica falls behind, and up to which its lag is flat.
const BEHIND: f64 = 0.1;
const FLAT: f64 = 0.03;
/// Shares of the limit: below the first a lag is small; above the second what falls behind is braked, above the fourth
/// whatever is not flat; a stop ends below the third.
const SMALL: f64 = 0.1;
const NOTICED: f64 = 0.2;
const RESUMED: f64 = 0.3;
const LARGE: f64 = 0.4;
/// The steps beyond a known capacity: the first, and the largest after others that went well. A replica recovers, too.
const FIRST_STEP: f64 = 0.05;
const LARGEST_STEP: f64 = 0.5;
/// The share of the slots that the law of lag begins with.
const BEGINS_WITH: f64 = 0.1;
/// The share of a known capacity that is used while the lag goes down, and afterwards.
const WHILE_DRAINING: f64 = 0.7;
const AFTERWARDS: f64 = 0.9;
/// What is known of a capacity grows by this share in a minute: replicas recover.
const FORGOTTEN_PER_MINUTE: f64 = 0.1;

/// The law of a replica's lag.
#[derive(Clone, Debug)]
pub struct LagLaw {
    /// Seconds.
    limit: f64,
    allowed: f64,
    /// The slots whose changes the replica was seen to bear.
    capacity: Option<f64>,
    /// The slots that ran before the last step beyond, while the lag was flat: the replica bore these.
    bore: f64,
    mode: Mode,
    samples: VecDeque<Sample>,
    /// How many steps beyond the capacity went well.
    steps: i32,
    /// When the next step is due.
    next_step: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    /// Seconds.
    lag: f64,
    /// Slots with a job: some are between two of them.
    running: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Grows,
    Drains,
    Stopped,
}

impl LagLaw {
    /// The law of a limit in seconds, which begins with so many slots: those of the holder before, which may have stopped;
    /// `None`: a tenth.
    pub fn new(limit: f64, allowed: Option<u32>, slots: u32) -> LagLaw {
        LagLaw {
            limit,
            allowed: allowed.map_or(BEGINS_WITH * f64::from(slots), f64::from).max(1.0),
            capacity: None,
            bore: 1.0,
            mode: if allowed == Some(0) { Mode::Stopped } else { Mode::Grows },
            steps: 0,
            samples: VecDeque::new(),
            next_step: Duration::ZERO,
        }
    }

    /// How many of the `slots` may be used, after a lag in seconds at the time `now`, while so many were `running`.
    pub fn step(&mut self, now: Duration, lag: f64, running: u32, slots: u32) -> u32 {
        let since = self.samples.back().map_or(Duration::ZERO, |last| now.saturating_sub(last.at));
        if self.next_step == Duration::ZERO {
            // A new holder knows nothing yet.
            self.next_step = now + SETTLES_IN;
        }
        self.samples.push_back(Sample { at: now, lag, running });
        while self.samples.get(1).is_some_and(|sample| now.saturating_sub(sample.at) >= SLOPE_OVER) {
            self.samples.pop_front();
        }
        let slope = self.slope();
        if let Some(capacity) = &mut self.capacity {
            *capacity *= 1.0 + FORGOTTEN_PER_MINUTE * since.as_secs_f64() / 60.0;
        }
        let slots = f64::from(slots);
        match self.mode {
            _ if lag >= self.limit => {
                self.learn(slope);
                self.mode = Mode::Stopped;
            }
            Mode::Stopped if lag >= RESUMED * self.limit => {}
            Mode::Stopped => {
                self.mode = Mode::Drains;
                self.allowed =
                    self.capacity.map_or(BEGINS_WITH * slots, |capacity| WHILE_DRAINING * capacity);
                self.settle(now, 1.0);
            }
            Mode::Grows
                if lag > NOTICED * self.limit && slope > BEHIND
                    || lag > LARGE * self.limit && slope > FLAT =>
            {
                self.learn(slope);
                self.mode = Mode::Drains;
                self.allowed = WHILE_DRAINING * self.capacity.unwrap_or(self.allowed);
                self.settle(now, 1.0);
            }
            Mode::Drains if lag < SMALL * self.limit => {
                self.mode = Mode::Grows;
                // Of few slots, a share would leave one out that the replica bears.
                self.allowed = self
                    .capacity
                    .map_or(self.allowed, |capacity| (AFTERWARDS * capacity).max(capacity.floor()));
                self.settle(now, 1.0);
            }
            // It was not enough, after what ran has ended. Nothing is learnt from what is in the way.
            Mode::Drains if slope > FLAT && now >= self.next_step => {
                self.allowed *= WHILE_DRAINING;
                self.settle(now, 1.0);
            }
            Mode::Grows if lag < SMALL * self.limit && slope <= FLAT && now >= self.next_step => {
                let by = match self.capacity {
                    None => LARGEST_STEP,
                    Some(capacity) if self.allowed * 1.25 <= capacity => 0.25,
                    Some(_) => {
                        let by = FIRST_STEP * 2.0_f64.powi(self.steps);
                        self.steps = (self.steps + 1).min(10);
                        by.min(LARGEST_STEP)
                    }
                };
                self.bore = self.running();
                self.allowed = (self.allowed * (1.0 + by)).min(slots);
                self.settle(now, by);
            }
            Mode::Grows | Mode::Drains => {}
        }
        if self.mode == Mode::Stopped {
            return 0;
        }
        self.allowed = self.allowed.clamp(1.0, slots.max(1.0));
        self.allowed as u32
    }

    /// What the replica falls behind by is what it does not bear.
    fn learn(&mut self, slope: f64) {
        self.steps = 0;
        if self.mode == Mode::Grows && slope > FLAT {
            // The slope is coarse, where few slots make much of it. What was borne counts once: the replica may bear less now.
            self.capacity = Some((self.running() * (1.0 - slope)).max(self.bore));
            self.bore = 1.0;
        }
    }

    /// The slots that run: the most that were seen, since in a single look some are between two jobs.
    fn running(&self) -> f64 {
        f64::from(self.samples.iter().map(|sample| sample.running).max().unwrap_or(0)).max(1.0)
    }

    fn settle(&mut self, now: Duration, by: f64) {
        self.next_step = now + SETTLES_IN + Duration::from_secs_f64(1.0 / by);
    }

    /// Seconds of lag per second.
    fn slope(&self) -> f64 {
        let (Some(first), Some(last)) = (self.samples.front(), self.samples.back()) else { return 0.0 };
        let seconds = last.at.saturating_sub(first.at).as_secs_f64();
        // Of less than half the time nothing can be said.
        if seconds < SLOPE_OVER.as_secs_f64() / 2.0 { 0.0 } else { (last.lag - first.lag) / seconds }
    }
}

/// Two samples at or above the limit stop everything.
const STOPS_AFTER: u32 = 2;
/// It resumes when the value was below this share of the limit for so long, with half of the slots.
const RESUMES_BELOW: f64 = 0.9;
const RESUMES_AFTER: Duration = Duration::from_secs(2);
/// Then it grows by this share.
const RESUMES_BY: f64 = 0.25;

/// The law of everything that is not lag: a load, a query. It stops, and resumes gently.
#[derive(Clone, Debug)]
pub struct StopLaw {
    limit: f64,
    /// Samples in a row at or above the limit.
    above: u32,
    /// Since when the value has been low, while it is stopped.
    below_since: Option<Duration>,
    /// `None`: nothing is restricted.
    allowed: Option<f64>,
    next_step: Duration,
}

impl StopLaw {
    /// The law of a limit, which begins with so many slots: those of the holder before, which may have stopped; `None`: all
    /// of them. Then nobody has slots yet that a single sample would take away, so the first is enough.
    pub fn new(limit: f64, allowed: Option<u32>, slots: u32) -> StopLaw {
        let above = if allowed.is_none() { STOPS_AFTER - 1 } else { 0 };
        let allowed = allowed.filter(|allowed| *allowed < slots).map(f64::from);
        StopLaw { above, allowed, ..StopLaw::critical(limit) }
    }

    /// The law of a limit that nobody but a person takes back: it takes two samples.
    pub fn critical(limit: f64) -> StopLaw {
        StopLaw { limit, above: 0, below_since: None, allowed: None, next_step: Duration::ZERO }
    }

    /// How many of the `slots` may be used, after a value at the time `now`.
    pub fn step(&mut self, now: Duration, value: f64, slots: u32) -> u32 {
        let slots_f = f64::from(slots);
        if self.next_step == Duration::ZERO {
            // A new holder knows nothing yet.
            self.next_step = now + SETTLES_IN;
        }
        if value >= self.limit {
            self.above += 1;
            self.below_since = None;
        } else {
            self.above = 0;
        }
        if self.above >= STOPS_AFTER {
            self.allowed = Some(0.0);
        }
        match self.allowed {
            None => return slots,
            Some(0.0) => {
                if value >= RESUMES_BELOW * self.limit {
                    self.below_since = None;
                } else if now.saturating_sub(*self.below_since.get_or_insert(now)) >= RESUMES_AFTER {
                    self.allowed = Some((slots_f / 2.0).max(1.0));
                    self.next_step = now + SETTLES_IN;
                }
            }
            Some(allowed) if now >= self.next_step && value < RESUMES_BELOW * self.limit => {
                let grown = allowed * (1.0 + RESUMES_BY);
                self.allowed = (grown < slots_f).then_some(grown);
                self.next_step = now + SETTLES_IN;
            }
            Some(_) => {}
        }
        self.allowed.map_or(slots, |allowed| allowed as u32)
    }

    /// Whether so many samples in a row were at or above the limit that it stops.
    pub fn has_stopped(&self) -> bool {
        self.above >= STOPS_AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: f64 = 0.5;

    /// A replica that applies serially: each running slot makes 5 jobs per second, of which it bears `bears`.
    struct Replica {
        bears: f64,
        /// Jobs that were applied.
        applied: f64,
        /// How many were executed at the end of each period.
        executed: Vec<f64>,
    }

    impl Replica {
        /// The lag as a beat has it: the age of the newest of the primary's states that was reached.
        fn pass(&mut self, running: f64) -> f64 {
            let executed = self.executed.last().copied().unwrap_or(0.0) + running * 5.0 * PERIOD;
            self.executed.push(executed);
            self.applied = (self.applied + self.bears * PERIOD).min(executed);
            let reached = self.executed.partition_point(|executed| *executed <= self.applied);
            (self.executed.len() - reached) as f64 * PERIOD
        }
    }

    /// The worst lag, the share of the time above the limit, and what was executed of what the replica bears, after a third
    /// of ten minutes; with workers that take a second to obey.
    fn govern(limit: f64, slots: u32, bears: impl Fn(f64) -> f64) -> (f64, f64, f64) {
        let mut law = LagLaw::new(limit, None, slots);
        let mut replica = Replica { bears: bears(0.0), applied: 0.0, executed: Vec::new() };
        let mut obeyed = VecDeque::from([0.0, 0.0]);
        let (mut worst, mut above, mut executed, mut borne) = (0.0f64, 0, 0.0, 0.0);
        for step in 0..1200 {
            let seconds = f64::from(step) * PERIOD;
            replica.bears = bears(seconds);
            let running = obeyed.pop_front().unwrap();
            let lag = replica.pass(running);
            worst = worst.max(lag);
            above += u32::from(lag > limit);
            if step > 400 {
                executed += (running * 5.0 * PERIOD).min(replica.bears * PERIOD);
                borne += replica.bears * PERIOD;
            }
            // A slot in four is between two jobs when it is looked at.
            let seen = (0..running as u32).filter(|slot| !(slot + step).is_multiple_of(4)).count() as u32;
            let allowed = law.step(Duration::from_secs_f64(seconds), lag, seen, slots);
            obeyed.push_back(f64::from(allowed));
        }
        (worst, f64::from(above) / 1200.0, executed / borne)
    }

    #[test]
    fn a_replica_that_bears_a_quarter_of_the_fleet_stays_below_the_limit_and_is_used() {
        for (limit, slots, bears) in [(5.0, 40, 45.0), (2.0, 40, 45.0), (5.0, 160, 200.0), (5.0, 8, 12.0)] {
            let (worst, above, used) = govern(limit, slots, |_| bears);
            assert!(worst <= limit, "{limit} {slots}: {worst}");
            assert_eq!(above, 0.0);
            assert!(used >= 0.7, "{limit} {slots}: {used}");
        }
    }

    #[test]
    fn one_that_bears_only_a_few_slots_is_used_as_well() {
        // Each slot makes 5 per second: from one slot to three and a half.
        for bears in [5.0, 6.5, 8.0, 9.5, 11.0, 12.5, 15.0, 17.5] {
            for limit in [2.0, 3.0, 5.0] {
                let (worst, above, used) = govern(limit, 20, |_| bears);
                assert!(worst <= limit && above == 0.0, "{limit} {bears}: {worst}");
                // As far as whole slots can.
                let slots = bears / 5.0;
                assert!(used >= 0.95 * slots.floor() / slots, "{limit} {bears}: {used}");
            }
        }
    }

    #[test]
    fn one_that_slows_to_a_third_overshoots_by_a_reaction_and_recovers() {
        let (worst, _, used) =
            govern(5.0, 40, |seconds| if (250.0..350.0).contains(&seconds) { 30.0 } else { 90.0 });
        assert!(worst <= 5.0 + 2.0, "{worst}");
        assert!(used >= 0.6, "{used}");
    }

    #[test]
    fn one_that_bears_everything_gets_everything() {
        let mut law = LagLaw::new(5.0, None, 40);
        let mut allowed = 0;
        for step in 0..100 {
            allowed = law.step(Duration::from_secs_f64(f64::from(step) * PERIOD), 0.0, allowed, 40);
        }
        assert_eq!(allowed, 40);
    }

    #[test]
    fn one_that_stands_still_stops_the_fleet_at_the_limit() {
        let mut law = LagLaw::new(5.0, None, 40);
        let at = |seconds: u32| Duration::from_secs(seconds.into());
        assert_eq!(law.step(at(0), 0.0, 4, 40), 4);
        for second in 1..5 {
            assert!(law.step(at(second), f64::from(second), 4, 40) >= 1);
        }
        assert_eq!(law.step(at(5), 5.0, 4, 40), 0);
        assert_eq!(law.step(at(6), 2.0, 0, 40), 0);
        assert!(law.step(at(7), 1.0, 0, 40) >= 1);
    }

    #[test]
    fn a_load_stops_after_two_samples_and_resumes_with_half() {
        let mut law = StopLaw::new(25.0, None, 40);
        let at = |half_seconds: u32| Duration::from_millis(500) * half_seconds;
        let mut step = |time: u32, value: f64| law.step(at(time), value, 40);
        assert_eq!(step(0, 24.0), 40);
        assert_eq!(step(1, 30.0), 40);
        assert_eq!(step(2, 10.0), 40);
        assert_eq!(step(3, 25.0), 40);
        assert_eq!(step(4, 25.0), 0);
        // Near the limit is not below it.
        assert_eq!((5..12).map(|time| step(time, 24.0)).max(), Some(0));
        assert_eq!((12..16).map(|time| step(time, 10.0)).max(), Some(0));
        assert_eq!(step(16, 10.0), 20);
        assert_eq!(step(17, 10.0), 20);
        assert_eq!(step(20, 10.0), 25);
        assert_eq!((21..40).map(|time| step(time, 10.0)).max(), Some(40));
    }

    #[test]
    fn a_load_that_has_stopped_is_stopped_for_the_next_holder_too() {
        let at = |seconds: u32| Duration::from_secs(seconds.into());
        let mut law = StopLaw::new(25.0, Some(0), 40);
        assert_eq!(law.step(at(0), 24.0, 40), 0);
        assert_eq!(law.step(at(1), 10.0, 40), 0);
        assert_eq!(law.step(at(3), 10.0, 40), 20);
        assert_eq!(StopLaw::new(25.0, Some(30), 40).step(at(0), 10.0, 40), 30);
        assert_eq!(StopLaw::new(25.0, Some(40), 40).step(at(0), 25.0, 40), 40);
        // Of nobody: one sample says enough; but a hold takes two.
        assert_eq!(StopLaw::new(25.0, None, 40).step(at(0), 25.0, 40), 0);
        assert_eq!(StopLaw::critical(25.0).step(at(0), 25.0, 40), 40);
        let mut law = LagLaw::new(5.0, Some(0), 40);
        assert_eq!(law.step(at(0), 2.0, 0, 40), 0);
        assert_eq!(law.step(at(1), 0.5, 0, 40), 4);
    }

    #[test]
    fn a_load_that_others_keep_changes_little() {
        let mut law = StopLaw::new(25.0, None, 40);
        let mut changes = 0;
        let mut before = 40;
        for step in 0..600u32 {
            let value = if (step / 120).is_multiple_of(2) { 30.0 } else { 5.0 };
            let allowed = law.step(Duration::from_millis(500) * step, value, 40);
            changes += u32::from((allowed == 0) != (before == 0));
            before = allowed;
        }
        assert!(changes <= 10, "{changes}");
    }
}
