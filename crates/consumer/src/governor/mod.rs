//! The governor: while the limit of the queue has checks, one of its workers makes them, and all obey what it finds.
//!
//! Every worker reads the governor's row twice a second. Whoever has seen no change of it for three seconds takes the lease
//! over. Ages are taken by each worker's own clock, from what it has seen change: no clocks are compared.

mod checks;
mod http;

use std::sync::Arc;
use std::time::{Duration, Instant};

use queryfleet_config::Config;
use queryfleet_job::Limit;
use queryfleet_ledger::{Error, GovernorRow, LedgerClient, NewEvent, NewHold, Replica};
use tokio::time::MissedTickBehavior;

use crate::governor::checks::{Checks, Found, Sources};
use crate::governor::http::Http;
use crate::shared::Shared;
use crate::shared::control::Verdict;

/// How often the checks are made, and how often their result is read.
const PERIOD: Duration = Duration::from_millis(500);
/// How long one look at the database may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);
/// A lease whose beat stands still for so long is free. Not all workers take it at the same moment.
const LEASE: Duration = Duration::from_secs(3);
const TAKE_OVER_SPREAD: Duration = Duration::from_millis(300);
/// What has not been renewed for so long allows nothing.
const TOO_OLD: Duration = Duration::from_secs(15);
/// A holder that has no way to any replica for the first time leaves the lease to others for the second.
const BLIND_FOR: Duration = Duration::from_secs(10);
const ABSTAINS_FOR: Duration = Duration::from_secs(60);
/// A worker with a row this old is counted among the fleet.
const LIVE_WITHIN_S: u64 = 15;

/// What this worker knows of the lease.
struct Governor {
    shared: Arc<Shared>,
    client: LedgerClient,
    replicas: Vec<Replica>,
    http: Http,
    /// Term and beat as they were last seen, and when they had last changed: the holder lives.
    seen: Option<((i64, i64), Instant)>,
    /// When what the row says was last seen to be renewed, which taking the lease over does not: a fleet whose holders all
    /// fail before they have looked knows nothing. `None`: not since this worker has begun to look.
    renewed: Option<Instant>,
    /// When this worker has begun to look.
    since: Instant,
    /// The checks, if this worker holds the lease.
    held: Option<Held>,
    abstains_until: Option<Instant>,
    /// How many permits are known to be there.
    permits: u32,
}

/// The lease of this worker.
struct Held {
    term: i64,
    /// The limit that the checks are of, and its version.
    limit: Limit,
    version: u32,
    checks: Checks,
}

/// Governs, and obeys who does, whenever the limit of the queue has checks.
pub(crate) async fn govern(shared: Arc<Shared>, config: Config) {
    // The configuration was read by whoever made the database of the same.
    let Ok(replicas) = Replica::all(&config) else { return };
    let client = LedgerClient::new(shared.clients.database.clone());
    let mut governor = Governor {
        shared: shared.clone(),
        client,
        replicas,
        http: Http::default(),
        seen: None,
        renewed: None,
        since: Instant::now(),
        held: None,
        abstains_until: None,
        permits: 0,
    };
    let mut turns = tokio::time::interval(PERIOD);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let Some((limit, version)) = shared.control.with_checks() else {
            governor.forget();
            shared.control.wants_checks().await;
            governor.since = Instant::now();
            continue;
        };
        let turned = tokio::time::timeout(LOOK_TIMEOUT, governor.turn(&limit, version)).await;
        if !matches!(turned, Ok(Ok(()))) {
            governor.obey_nobody("the database does not answer");
        }
        governor.show();
    }
}

impl Governor {
    fn forget(&mut self) {
        self.held = None;
        self.seen = None;
        self.renewed = None;
        self.abstains_until = None;
        self.shared.control.set_verdict(Verdict::default());
        self.show();
    }

    /// Shows whether this worker holds the lease. Of one that does not, no check is shown.
    fn show(&self) {
        self.shared.metrics.set_governor(self.held.is_some());
        if self.held.is_none() {
            self.shared.metrics.set_checks(&[]);
        }
    }

    async fn turn(&mut self, limit: &Limit, version: u32) -> Result<(), Error> {
        let queue = self.shared.queue.clone();
        let Some(row) = self.client.governors().of_queue(&queue).await? else {
            // Whoever has set the limit has made the row before.
            self.obey_nobody("the row of queryfleet_governor is gone: set the limit anew");
            return Ok(());
        };
        self.note(&row);
        let me = self.shared.control.worker_id().to_owned();
        match &mut self.held {
            // The checks of a limit that is no longer in force are not for others to obey.
            _ if self.shared.control.is_outdated() => self.held = None,
            Some(held) if row.worker == me && row.term == held.term => held.checks.has_beat(row.beat),
            Some(_) => self.held = None,
            None => self.take_over(&row, &me, limit, version).await?,
        }
        if self.held.is_none() {
            self.obey(&row, version);
            return Ok(());
        }
        self.check(limit, version, &row).await
    }

    /// Notes when the holder was last seen alive, and when it has last said something.
    fn note(&mut self, row: &GovernorRow) {
        let beat = (row.term, row.beat);
        match self.seen {
            // What was found before this worker has looked for the first time may be old.
            None => self.seen = Some((beat, self.since)),
            Some((seen, _)) if seen == beat => {}
            Some((seen, _)) => {
                self.seen = Some((beat, Instant::now()));
                if is_renewal(seen, beat) {
                    self.renewed = Some(Instant::now());
                }
            }
        }
    }

    /// For how long the holder has not been heard of.
    fn silence(&self) -> Duration {
        self.seen.map_or(self.since, |(_, changed)| changed).elapsed()
    }

    /// How old what the row says is.
    fn age(&self) -> Duration {
        self.renewed.unwrap_or(self.since).elapsed()
    }

    async fn take_over(
        &mut self,
        row: &GovernorRow,
        me: &str,
        limit: &Limit,
        version: u32,
    ) -> Result<(), Error> {
        let abstains = self.abstains_until.is_some_and(|until| Instant::now() < until);
        let is_blind = limit.max_lag.is_some() && self.replicas.is_empty();
        if abstains || is_blind || self.silence() < LEASE + queryfleet_job::jittered(TAKE_OVER_SPREAD) {
            return Ok(());
        }
        if !self.client.governors().take_over(&self.shared.queue, me, (row.term, row.beat)).await? {
            return Ok(());
        }
        let term = row.term + 1;
        self.held = Some(Held {
            term,
            limit: limit.clone(),
            version,
            checks: Checks::new(row.beat + 1, row.checks.as_deref()),
        });
        Ok(())
    }

    /// Obeys what the holder has found, as long as it is heard of.
    fn obey(&self, row: &GovernorRow, version: u32) {
        if self.age() >= TOO_OLD {
            return self.obey_nobody("no worker makes the checks");
        }
        // Until it was renewed, what the row says may be of yesterday.
        let allowed = row.allowed.filter(|_| self.renewed.is_some());
        let of = checks::limit_version(row.checks.as_deref());
        let verdict = match (allowed, of) {
            (Some(_), Some(of)) if of != version => {
                let reasons = format!(
                    "the checks are those of version {of} of the limit, and this worker has read version {version}"
                );
                Verdict { allowed: None, reasons }
            }
            (Some(_), _) => Verdict { allowed, reasons: row.reasons.clone().unwrap_or_default() },
            (None, _) => Verdict { allowed, reasons: "nothing is known of the checks yet".to_owned() },
        };
        self.shared.control.set_verdict(verdict);
    }

    /// What cannot be known allows nothing, once what was known is too old.
    fn obey_nobody(&self, why: &str) {
        if self.age() >= TOO_OLD {
            let reasons = format!("{why}, for {} s", self.age().as_secs());
            self.shared.control.set_verdict(Verdict { allowed: Some(0), reasons });
        }
    }

    /// Makes the checks, renews the lease with what they say, and obeys.
    async fn check(&mut self, limit: &Limit, version: u32, row: &GovernorRow) -> Result<(), Error> {
        let shared = self.shared.clone();
        let workers = self.client.workers().of_queue(&shared.queue, LIVE_WITHIN_S).await?;
        let all: u32 = workers.iter().map(|worker| worker.slots).sum();
        let running: u32 = workers.iter().map(|worker| worker.in_flight).sum();
        if all > self.permits {
            self.client.permits().make(&shared.queue, all).await?;
            self.permits = all;
        }
        let slots = limit.slots.unwrap_or(all).min(all);
        let Some(held) = &mut self.held else { return Ok(()) };
        if held.version != version {
            held.version = version;
            if !limit.has_same_checks(&held.limit) {
                held.checks = held.checks.of_another_limit();
            }
            held.limit = limit.clone();
        }
        let Found { verdict, checks, samples, critical, is_blind } = held
            .checks
            .make(
                limit,
                Sources { client: &mut self.client, replicas: &mut self.replicas, http: &self.http },
                &shared.queue,
                held.term,
                version,
                (slots, running),
            )
            .await;
        let ignored = limit.ignore_until.as_deref().is_some_and(|until| *row.now < *until);
        let verdict = match &limit.ignore_until {
            Some(until) if ignored => {
                Verdict { allowed: Some(slots), reasons: format!("the checks are ignored until {until} UTC") }
            }
            _ => verdict,
        };
        if let Some(why) = critical.filter(|_| !ignored) {
            self.hold(&why).await?;
        }
        let Some(held) = &mut self.held else { return Ok(()) };
        let steps_down = held.checks.is_blind_for(is_blind) >= BLIND_FOR;
        // Whoever tries next begins with nothing: otherwise one blind holder after another would go on with what was known once.
        let verdict = match steps_down && !ignored {
            true => Verdict { allowed: Some(0), ..verdict },
            false => verdict,
        };
        let found = queryfleet_ledger::Verdict {
            allowed: verdict.allowed.unwrap_or(0),
            reasons: &verdict.reasons,
            checks: &checks,
        };
        shared.metrics.set_checks(&samples);
        held.checks.sends_beat();
        let me = shared.control.worker_id();
        if self.client.governors().renew(&shared.queue, me, held.term, &found).await? {
            shared.control.set_verdict(verdict);
        } else {
            self.held = None;
        }
        if steps_down {
            self.held = None;
            self.abstains_until = Instant::now().checked_add(ABSTAINS_FOR);
        }
        Ok(())
    }

    /// Holds the queue since a load is critical, unless it is held for that already.
    async fn hold(&mut self, why: &str) -> Result<(), Error> {
        let queue = self.shared.queue.clone();
        let holds = self.client.holds().in_force(&queue).await?.unwrap_or_default();
        if holds.iter().any(|row| row.hold.by == CRITICAL) {
            return Ok(());
        }
        let hold = NewHold { queue: &queue, until: None, ends_running: false, by: CRITICAL, because: why };
        self.client.holds().place(&hold).await?;
        let event = NewEvent { queue: &queue, run: None, who: CRITICAL, what: "pause", detail: why };
        self.client.events().note(&event).await;
        Ok(())
    }
}

/// Who places a hold for a critical load.
const CRITICAL: &str = "critical load";

/// Whether what a row of a governor says was renewed between two looks: taking the lease over is a beat, too.
fn is_renewal((term, beat): (i64, i64), (now_term, now_beat): (i64, i64)) -> bool {
    now_beat - beat > now_term - term
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_is_taken_over_and_over_renews_nothing() {
        for (seen, now, expected) in [
            ((1, 7), (1, 8), true),
            ((1, 7), (2, 8), false),
            ((1, 7), (4, 10), false),
            // Taken over, and renewed.
            ((1, 7), (2, 9), true),
        ] {
            assert_eq!(is_renewal(seen, now), expected, "{seen:?} {now:?}");
        }
    }
}
