//! The checks of a limit, as the holder of the lease makes them, and what they allow together.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use queryfleet_job::{LagLaw, Limit, OTHERS_RUNNING, StopLaw, Threshold};
use queryfleet_ledger::{LedgerClient, Replica};
use queryfleet_metrics::CheckSample;
use serde::Serialize;

use crate::governor::http::Http;
use crate::shared::control::Verdict;

/// What is not known for so long allows nothing.
const UNKNOWN: Duration = Duration::from_secs(15);
/// How long each check may take: the lease is renewed after all of them.
const TIMEOUT: Duration = Duration::from_secs(1);
/// The beats that are remembered: no lag is longer than what they span, which is more than any limit.
const BEATS_KEPT: usize = 100_000;

/// The checks of one holder and one version of the limit.
pub(super) struct Checks {
    since: Instant,
    /// What the holder before has allowed.
    before: Option<u32>,
    /// The beats of this term, and when each was sent.
    beats: VecDeque<(i64, Instant)>,
    next_beat: i64,
    laws: BTreeMap<String, Check>,
    /// Since when no replica is known.
    blind_since: Option<Instant>,
}

/// One check.
struct Check {
    law: Law,
    /// When its value was last known.
    known: Instant,
    /// What it allowed then.
    allowed: Option<u32>,
    /// Since when it has allowed fewer slots than there are.
    restricts: Option<Instant>,
}

enum Law {
    Lag(LagLaw),
    Stop(StopLaw),
}

/// What the checks have found.
pub(super) struct Found {
    pub(super) verdict: Verdict,
    /// All checks as JSON.
    pub(super) checks: String,
    /// The same for the metrics.
    pub(super) samples: Vec<CheckSample>,
    /// Why the queue has to be held.
    pub(super) critical: Option<String>,
    /// Whether there are replicas to look at and none can be.
    pub(super) is_blind: bool,
}

/// A check as JSON. A contract: keys are added, never changed.
#[derive(Serialize)]
struct CheckView<'a> {
    check: &'a str,
    value: Option<f64>,
    limit: f64,
    allowed: u32,
    /// Why the value is not known.
    error: Option<&'a str>,
    /// For how many seconds it has allowed fewer slots than there are, as far as this holder knows.
    restricts_s: Option<u64>,
}

/// Whom the checks ask.
pub(super) struct Sources<'a> {
    pub(super) client: &'a mut LedgerClient,
    pub(super) replicas: &'a mut [Replica],
    pub(super) http: &'a Http,
}

/// A value that was just read, or why it was not.
struct Sample {
    name: String,
    /// `None`: any value above 0 stops, as a throttle query and an HTTP check do.
    limit: Option<f64>,
    value: Result<f64, String>,
    is_lag: bool,
    is_critical: bool,
}

impl Checks {
    /// The checks of a holder whose first beat, that of its taking over, was this one.
    pub(super) fn new(beat: i64, before: Option<u32>) -> Checks {
        Checks {
            since: Instant::now(),
            before,
            beats: VecDeque::from([(beat, Instant::now())]),
            next_beat: beat + 1,
            laws: BTreeMap::new(),
            blind_since: None,
        }
    }

    /// The same holder's for another limit: its beats go on.
    pub(super) fn begin_anew(&mut self) -> Checks {
        Checks {
            since: Instant::now(),
            before: None,
            beats: std::mem::take(&mut self.beats),
            next_beat: self.next_beat,
            laws: BTreeMap::new(),
            blind_since: None,
        }
    }

    /// Notes that the next beat is sent now.
    pub(super) fn sends_beat(&mut self) {
        self.beats.push_back((self.next_beat, Instant::now()));
        self.next_beat += 1;
        if self.beats.len() > BEATS_KEPT {
            self.beats.pop_front();
        }
    }

    /// For how long no replica was known.
    pub(super) fn is_blind_for(&mut self, is_blind: bool) -> Duration {
        if !is_blind {
            self.blind_since = None;
            return Duration::ZERO;
        }
        self.blind_since.get_or_insert_with(Instant::now).elapsed()
    }

    /// Makes all checks once, for a fleet of so many `slots` of which so many are `running`.
    pub(super) async fn make(
        &mut self,
        limit: &Limit,
        sources: Sources<'_>,
        queue: &str,
        term: i64,
        (slots, running): (u32, u32),
    ) -> Found {
        let Sources { client, replicas, http } = sources;
        let looked_at =
            replicas.iter_mut().filter(|replica| !limit.without.iter().any(|name| name == replica.name()));
        let lags = limit.max_lag.map(|max_lag| {
            looked_at.map(move |replica| async move {
                let name = format!("lag of {}", replica.name());
                let beat = match tokio::time::timeout(TIMEOUT, replica.beat(queue)).await {
                    Ok(beat) => beat.map_err(|error| queryfleet_job::causes(&error)),
                    Err(_) => Err("it does not answer within a second".to_owned()),
                };
                (name, max_lag, beat, Instant::now())
            })
        });
        let (lags, loads, http) =
            tokio::join!(all(lags.into_iter().flatten().collect()), loads(limit, client), ask(limit, http));
        let is_blind = !lags.is_empty() && lags.iter().all(|(_, _, beat, _)| beat.is_err());
        let lags: Vec<Sample> = lags
            .into_iter()
            .map(|(name, limit, beat, at)| Sample {
                name,
                limit: Some(limit),
                value: beat.map(|beat| self.lag(beat, term, at)),
                is_lag: true,
                is_critical: false,
            })
            .collect();
        let has_none = limit.max_lag.is_some() && lags.is_empty();
        let mut found = self.apply(lags.into_iter().chain(loads).chain(http).collect(), slots, running);
        if has_none {
            found.verdict = Verdict { allowed: Some(0), reasons: "no replica is left to look at".into() };
        }
        Found { is_blind, ..found }
    }

    /// Seconds by which a replica is behind that has this term and beat, read at `at`: the next beat was sent so long ago.
    fn lag(&self, beat: Option<(i64, i64)>, term: i64, at: Instant) -> f64 {
        let missing = match beat {
            Some((of, beat)) if of == term => self.beats.iter().find(|(sent, _)| *sent > beat),
            // It has nothing of this term yet.
            _ => self.beats.front(),
        };
        missing.map_or(0.0, |(_, sent)| at.saturating_duration_since(*sent).as_secs_f64())
    }

    /// What all samples together allow.
    fn apply(&mut self, samples: Vec<Sample>, slots: u32, running: u32) -> Found {
        let now = Instant::now();
        let time = now.saturating_duration_since(self.since);
        let mut allowed = slots;
        let mut reasons = Vec::new();
        let mut views = Vec::new();
        let mut seen = Vec::new();
        let mut critical = None;
        for sample in &samples {
            let limit = sample.limit.unwrap_or(f64::MIN_POSITIVE);
            let check = self.laws.entry(sample.name.clone()).or_insert_with(|| Check {
                law: match sample.is_lag {
                    true => Law::Lag(LagLaw::new(limit, self.before, slots)),
                    false => Law::Stop(StopLaw::new(limit)),
                },
                known: self.since,
                allowed: self.before,
                restricts: None,
            });
            let by_this = match &sample.value {
                Ok(value) => {
                    check.known = now;
                    let by_law = match &mut check.law {
                        Law::Lag(law) => law.step(time, *value, running, slots),
                        Law::Stop(law) => law.step(time, *value, slots),
                    };
                    check.allowed = Some(by_law);
                    by_law
                }
                Err(_) if now.saturating_duration_since(check.known) >= UNKNOWN => 0,
                // It grows no further. Before anything was known, nothing is allowed.
                Err(_) => check.allowed.unwrap_or(0),
            };
            check.restricts = match by_this < slots {
                true => check.restricts.or(Some(now)),
                false => None,
            };
            let restricts_s = check.restricts.map(|since| now.saturating_duration_since(since).as_secs());
            let Sample { name, value, .. } = sample;
            if sample.is_critical {
                if matches!(&check.law, Law::Stop(law) if law.has_stopped()) {
                    critical = Some(format!("{name} reached {limit}"));
                }
            } else {
                allowed = allowed.min(by_this);
                if by_this < slots {
                    reasons.push(match value {
                        Ok(value) if sample.limit.is_none() => format!("{name} says {value}"),
                        Ok(value) => format!("{name} is {} of {limit}", rounded(*value)),
                        Err(why) => format!(
                            "{name} is not known for {} s: {why}",
                            now.saturating_duration_since(check.known).as_secs()
                        ),
                    });
                }
            }
            seen.push(CheckSample {
                check: name.clone(),
                value: value.as_ref().ok().copied(),
                limit: sample.limit,
                age: now.saturating_duration_since(check.known),
            });
            views.push(CheckView {
                check: name,
                value: value.as_ref().ok().map(|value| rounded(*value)),
                limit: sample.limit.unwrap_or(0.0),
                allowed: by_this,
                error: value.as_ref().err().map(String::as_str),
                restricts_s: restricts_s.filter(|_| !sample.is_critical),
            });
        }
        // Texts and finite numbers only: serde_json has no reason to fail.
        let checks = serde_json::to_string(&views).unwrap_or_default();
        self.laws.retain(|name, _| samples.iter().any(|sample| sample.name == *name));
        let verdict = Verdict { allowed: Some(allowed), reasons: reasons.join("; ") };
        Found { verdict, checks, samples: seen, critical, is_blind: false }
    }
}

/// Runs all at once, and returns their results in their order.
async fn all<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    futures_util::future::join_all(futures).await
}

/// Asks the service of the limit, if it has one, whether jobs may begin.
async fn ask(limit: &Limit, http: &Http) -> Option<Sample> {
    let url = limit.throttle_http.as_deref()?;
    let value = match tokio::time::timeout(TIMEOUT, http.ask(url)).await {
        Ok(value) => value,
        Err(_) => Err("it does not answer within a second".to_owned()),
    };
    let name = "the HTTP check".to_owned();
    Some(Sample { name, limit: None, value, is_lag: false, is_critical: false })
}

/// Reads what the limit says about the server's own load.
async fn loads(limit: &Limit, client: &mut LedgerClient) -> Vec<Sample> {
    let mut samples = Vec::new();
    let thresholds = limit
        .max_load
        .iter()
        .map(|load| (load, false))
        .chain(limit.critical_load.iter().map(|load| (load, true)));
    let thresholds: Vec<(&Threshold, bool)> = thresholds.collect();
    if !thresholds.is_empty() {
        let read = read_status(&thresholds, client).await;
        samples.extend(thresholds.iter().map(|(threshold, is_critical)| {
            let Threshold { variable, limit } = threshold;
            let value = match &read {
                Ok(values) => values
                    .get(variable)
                    .copied()
                    .ok_or_else(|| "the server has no such number among its status variables".to_owned()),
                Err(why) => Err(why.clone()),
            };
            let name = if *is_critical { format!("critical {variable}") } else { variable.clone() };
            Sample { name, limit: Some(*limit), value, is_lag: false, is_critical: *is_critical }
        }));
    }
    if let Some(query) = &limit.throttle_query {
        let asked = tokio::time::timeout(TIMEOUT, client.inspect().one_number(query)).await;
        let value = match asked {
            Ok(value) => value.map_err(|error| queryfleet_job::causes(&error)),
            Err(_) => Err("it takes longer than a second".to_owned()),
        };
        let name = "the throttle query".to_owned();
        samples.push(Sample { name, limit: None, value, is_lag: false, is_critical: false });
    }
    samples
}

/// The values of the variables that the thresholds name.
async fn read_status(
    thresholds: &[(&Threshold, bool)],
    client: &mut LedgerClient,
) -> Result<BTreeMap<String, f64>, String> {
    let reading = async {
        let mut variables: Vec<&str> = thresholds.iter().map(|(load, _)| load.variable.as_str()).collect();
        let wants_others = variables.contains(&OTHERS_RUNNING);
        variables.retain(|name| *name != OTHERS_RUNNING);
        variables.push(THREADS_RUNNING);
        let mut inspect = client.inspect();
        let mut values: BTreeMap<String, f64> = inspect.status(&variables).await?.into_iter().collect();
        if wants_others && let Some(running) = values.get(THREADS_RUNNING).copied() {
            let own = f64::from(inspect.own_running().await?);
            values.insert(OTHERS_RUNNING.to_owned(), (running - own).max(0.0));
        }
        Ok(values)
    };
    match tokio::time::timeout(TIMEOUT, reading).await {
        Ok(read) => read.map_err(|error: queryfleet_ledger::Error| queryfleet_job::causes(&error)),
        Err(_) => Err("the server takes longer than a second to say it".to_owned()),
    }
}

const THREADS_RUNNING: &str = "Threads_running";

/// For people.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str, value: Result<f64, &str>) -> Sample {
        let is_lag = name.starts_with("lag");
        let is_critical = name.starts_with("critical");
        Sample {
            name: name.into(),
            limit: Some(5.0),
            value: value.map_err(str::to_owned),
            is_lag,
            is_critical,
        }
    }

    #[test]
    fn the_strictest_check_counts_and_every_reason_is_said() {
        let mut checks = Checks::new(1, Some(40));
        let samples =
            || vec![sample("lag of a", Ok(6.0)), sample("load", Ok(9.0)), sample("critical x", Ok(1.0))];
        checks.apply(samples(), 40, 4);
        let found = checks.apply(samples(), 40, 4);
        assert_eq!(found.verdict.allowed, Some(0));
        assert_eq!(found.verdict.reasons, "lag of a is 6 of 5; load is 9 of 5");
        assert!(found.critical.is_none());
        assert!(found.checks.contains(
            r#"{"check":"load","value":9.0,"limit":5.0,"allowed":0,"error":null,"restricts_s":0}"#
        ));
        let critical = || vec![sample("critical x", Ok(7.0))];
        checks.apply(critical(), 40, 4);
        assert_eq!(checks.apply(critical(), 40, 4).critical.as_deref(), Some("critical x reached 5"));
    }

    #[test]
    fn what_was_never_known_allows_nothing_and_what_is_not_known_for_a_moment_what_it_allowed() {
        let mut checks = Checks::new(1, None);
        let found = checks.apply(vec![sample("load", Err("refused"))], 40, 4);
        assert_eq!(found.verdict.allowed, Some(0));
        assert!(found.verdict.reasons.contains("load is not known for 0 s: refused"));
        assert_eq!(checks.apply(vec![sample("load", Ok(1.0))], 40, 4).verdict.allowed, Some(40));
        assert_eq!(checks.apply(vec![sample("load", Err("refused"))], 40, 4).verdict.allowed, Some(40));
    }

    #[test]
    fn a_lag_is_the_age_of_the_first_beat_that_is_missing() {
        let mut checks = Checks::new(7, None);
        let at = checks.beats[0].1;
        let after = |seconds| at + Duration::from_secs(seconds);
        checks.beats = (0..10_u32).map(|beat| (7 + i64::from(beat), after(beat.into()))).collect();
        // All that there is; and what is missing.
        assert_eq!(checks.lag(Some((3, 16)), 3, after(12)), 0.0);
        assert_eq!(checks.lag(Some((3, 10)), 3, after(12)), 8.0);
        // Of another term, or of none: since it was taken over.
        assert_eq!(checks.lag(Some((2, 99)), 3, after(12)), 12.0);
        assert_eq!(checks.lag(None, 3, after(12)), 12.0);
    }
}
