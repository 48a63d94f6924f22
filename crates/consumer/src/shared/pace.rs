//! The rate of the queue: jobs are paid for before they begin, by a claim that all workers of the queue make in one row.

use std::time::{Duration, Instant};

use queryfleet_ledger::{Error, LedgerClient};
use tokio::sync::Mutex;

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
pub(crate) struct Pace(Mutex<Claimed>);

#[derive(Default)]
struct Claimed {
    jobs: u64,
    /// The time of the claim, and until when what is left of it counts.
    from: Option<Instant>,
    until: Option<Instant>,
    /// The jobs of the last claim, those that have begun since, and when it was made: how many are claimed next.
    last: u64,
    begun: u64,
    since: Option<Instant>,
}

impl Pace {
    /// Pays for jobs, after those that were here before. Returns after which time they may begin; `None` if it is too early
    /// to claim them.
    ///
    /// # Errors
    /// If the database cannot be asked.
    pub(crate) async fn pay(
        &self,
        client: &Mutex<LedgerClient>,
        queue: &str,
        rate: f64,
        jobs: u64,
    ) -> Result<Option<Duration>, Error> {
        let mut claimed = self.0.lock().await;
        if let Some(wait) = claimed.take(jobs, Instant::now()) {
            return Ok(Some(wait));
        }
        let wanted = claimed.wanted(rate, jobs, Instant::now());
        let time = |jobs: u64| Duration::try_from_secs_f64(jobs as f64 / rate).unwrap_or(Duration::MAX);
        let Some(wait) = client.lock().await.rates().claim(queue, time(wanted), SOON).await? else {
            return Ok(None);
        };
        let now = Instant::now();
        *claimed = Claimed {
            jobs: wanted - jobs,
            from: now.checked_add(wait),
            until: now.checked_add(wait + time(wanted) + KEPT),
            last: wanted,
            begun: jobs,
            since: Some(now),
        };
        Ok(Some(wait))
    }
}

impl Claimed {
    /// After which time so many jobs may begin that were claimed already; `None` if they were not.
    fn take(&mut self, jobs: u64, now: Instant) -> Option<Duration> {
        if self.until.is_none_or(|until| now >= until) || self.jobs < jobs {
            return None;
        }
        self.jobs -= jobs;
        self.begun += jobs;
        Some(self.from.map_or(Duration::ZERO, |from| from.saturating_duration_since(now)))
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
        let mut claimed = Claimed { jobs: 3, until: Some(now + CLAIM), ..Claimed::default() };
        assert_eq!(claimed.take(2, now), Some(Duration::ZERO));
        assert_eq!(claimed.take(2, now), None);
        assert_eq!(claimed.take(1, now + CLAIM), None);
        // Not before the time of the claim.
        claimed.from = Some(now + CLAIM / 2);
        assert_eq!(claimed.take(1, now), Some(CLAIM / 2));
        assert_eq!(claimed.begun, 3);
    }
}
