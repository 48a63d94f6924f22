//! The rate of the queue: jobs are paid for before they begin, by a claim that all workers of the queue make in one row.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use queryfleet_ledger::{Error, LedgerClient};

/// A claim is for as many jobs as this worker begins in this time: so much may all workers together be ahead of the rate for
/// a moment, and so often they write.
const CLAIM: Duration = Duration::from_millis(250);
/// Two claims are never closer, as far as the speed is told from them.
const SHORTEST: Duration = Duration::from_millis(1);
/// What is not used for so long after its time is given up: saved up by many workers, it would come at once.
const KEPT: Duration = Duration::from_millis(250);
/// Nothing is claimed that may begin only after this time: whoever has a message waits in no line that outlives it.
const SOON: Duration = Duration::from_secs(2);

/// What this worker has claimed and not used yet.
#[derive(Default)]
pub(crate) struct Pace {
    claimed: Mutex<Claimed>,
    /// Whoever claims has it: one claim at a time.
    claiming: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Claimed {
    now: Claim,
    /// What was claimed while there was still something left.
    next: Option<Claim>,
    /// The jobs of the last claim, those that have begun since, and when it was made: how many are claimed next.
    last: u64,
    begun: u64,
    since: Option<Instant>,
    /// The jobs of the last message.
    message: u64,
    /// When it was too early to claim.
    early: Option<Instant>,
}

/// One claim, or what is left of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Claim {
    jobs: u64,
    /// When they may begin, and until when they count.
    from: Option<Instant>,
    until: Option<Instant>,
}

impl Pace {
    /// Pays for jobs, after those that were here before. Returns after which time they may begin; `None` if it is too early
    /// to claim them.
    ///
    /// # Errors
    /// If the database cannot be asked.
    pub(crate) async fn pay(
        &self,
        client: &tokio::sync::Mutex<LedgerClient>,
        queue: &str,
        rate: f64,
        jobs: u64,
    ) -> Result<Option<Duration>, Error> {
        if let Some(wait) = self.lock().take(jobs, Instant::now()) {
            return Ok(Some(wait));
        }
        let _turn = self.claiming.lock().await;
        // Claimed meanwhile, by another slot or ahead.
        let taken = self.lock().take(jobs, Instant::now());
        if taken.is_some() || !self.claim(client, queue, rate, jobs).await? {
            return Ok(taken);
        }
        Ok(self.lock().take(jobs, Instant::now()))
    }

    /// Whether so little is left that it is time to claim more: no slot has to wait for the database then.
    pub(crate) fn is_low(&self) -> bool {
        let claimed = self.lock();
        let is_refused = claimed.early.is_some_and(|early| early.elapsed() < CLAIM / 2);
        !is_refused && claimed.next.is_none() && claimed.now.jobs > 0 && claimed.now.jobs <= claimed.last / 2
    }

    /// Claims for messages to come, unless somebody does so now.
    ///
    /// # Errors
    /// If the database cannot be asked.
    pub(crate) async fn claim_ahead(
        &self,
        client: &tokio::sync::Mutex<LedgerClient>,
        queue: &str,
        rate: f64,
    ) -> Result<(), Error> {
        let Ok(_turn) = self.claiming.try_lock() else { return Ok(()) };
        if self.is_low() {
            let message = self.lock().message;
            self.claim(client, queue, rate, message).await?;
        }
        Ok(())
    }

    /// Makes the next claim. Returns false if it is too early.
    async fn claim(
        &self,
        client: &tokio::sync::Mutex<LedgerClient>,
        queue: &str,
        rate: f64,
        jobs: u64,
    ) -> Result<bool, Error> {
        let wanted = self.lock().wanted(rate, jobs, Instant::now());
        let time = Duration::try_from_secs_f64(wanted as f64 / rate).unwrap_or(Duration::MAX);
        let Some(wait) = client.lock().await.rates().claim(queue, time, SOON).await? else {
            self.lock().early = Some(Instant::now());
            return Ok(false);
        };
        let now = Instant::now();
        let claim = Claim {
            jobs: wanted,
            from: now.checked_add(wait),
            until: now.checked_add(wait.saturating_add(time).saturating_add(KEPT)),
        };
        self.lock().add(claim, now);
        Ok(true)
    }

    fn lock(&self) -> MutexGuard<'_, Claimed> {
        // Nothing panics while holding it; what it guards is whole in any case.
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// Whether so many jobs can be taken out of it.
    fn has(&self, jobs: u64, now: Instant) -> bool {
        self.jobs >= jobs && self.until.is_some_and(|until| now < until)
    }
}

impl Claimed {
    /// After which time so many jobs may begin that were claimed already; `None` if they were not.
    fn take(&mut self, jobs: u64, now: Instant) -> Option<Duration> {
        if !self.now.has(jobs, now) {
            // What is left of the claim before is lost: jobs that begin together are of one claim.
            self.now = self.next.take_if(|next| next.has(jobs, now))?;
        }
        self.now.jobs -= jobs;
        self.begun += jobs;
        self.message = jobs;
        Some(self.now.from.map_or(Duration::ZERO, |from| from.saturating_duration_since(now)))
    }

    /// Has another claim.
    fn add(&mut self, claim: Claim, now: Instant) {
        (self.last, self.begun, self.since) = (claim.jobs, 0, Some(now));
        self.next = Some(claim);
    }

    /// How many jobs to claim for the next ones and those that follow them: what begins in the time of a claim, as fast as
    /// since the last one, no more than the whole fleet begins in it, and no more than twice as many as were claimed last: a
    /// single job says little.
    fn wanted(&self, rate: f64, jobs: u64, now: Instant) -> u64 {
        let lately = self.since.map_or(0.0, |since| {
            self.begun as f64 / now.saturating_duration_since(since).max(SHORTEST).as_secs_f64()
        });
        let wanted = (lately.min(rate) * CLAIM.as_secs_f64()) as u64;
        // Whole messages like this one: what is left over for none is lost.
        let messages = wanted.min(2 * self.last) / jobs.max(1);
        messages.max(1) * jobs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_is_claimed_as_has_begun_lately() {
        let now = Instant::now();
        let claimed = |begun, ago: u64| Claimed {
            last: begun,
            begun,
            since: now.checked_sub(Duration::from_millis(ago)),
            ..Claimed::default()
        };
        for (before, jobs, wanted) in [
            (Claimed::default(), 1, 1),
            (claimed(100, 500), 1, 50),
            // After a pause it begins small again.
            (claimed(100, 50_000), 1, 1),
            // No more than the fleet's.
            (claimed(10_000, 500), 1, 125),
            (claimed(10, 500), 32, 32),
            (claimed(200, 500), 32, 96),
            // It doubles: a job a millisecond ago is not a thousand per second.
            (claimed(1, 1), 1, 2),
            (claimed(32, 40), 1, 64),
        ] {
            assert_eq!(before.wanted(500.0, jobs, now), wanted);
        }
    }

    #[test]
    fn what_was_claimed_is_used_up_or_given_up() {
        let now = Instant::now();
        let claim =
            |jobs, from: Duration| Claim { jobs, from: Some(now + from), until: Some(now + from + CLAIM) };
        let mut claimed = Claimed { now: claim(3, Duration::ZERO), ..Claimed::default() };
        assert_eq!(claimed.take(2, now), Some(Duration::ZERO));
        assert_eq!(claimed.take(2, now), None);
        assert_eq!(claimed.take(1, now + CLAIM), None);
        assert_eq!((claimed.begun, claimed.now.jobs), (2, 1));
        // What was claimed ahead follows, not before its time; what is left of the one before is lost.
        claimed.add(claim(4, CLAIM / 2), now);
        assert_eq!(claimed.take(2, now), Some(CLAIM / 2));
        assert_eq!((claimed.begun, claimed.now.jobs, claimed.next), (2, 2, None));
    }

    #[test]
    fn a_claim_is_made_ahead_when_half_of_the_last_one_is_left() {
        let pace = Pace::default();
        assert!(!pace.is_low(), "nothing was ever claimed");
        let until = Instant::now().checked_add(CLAIM);
        pace.lock().add(Claim { jobs: 10, from: None, until }, Instant::now());
        assert_eq!(pace.lock().take(4, Instant::now()), Some(Duration::ZERO));
        assert!(!pace.is_low());
        pace.lock().take(1, Instant::now());
        assert!(pace.is_low());
        pace.lock().add(Claim { jobs: 10, from: None, until }, Instant::now());
        assert!(!pace.is_low(), "it was made");
    }
}
