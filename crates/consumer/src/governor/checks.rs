//! The checks of a limit, as the holder of the lease makes them, and what they allow together.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use queryfleet_job::{LagLaw, Limit, OTHERS_RUNNING, StopLaw, Threshold};
use queryfleet_ledger::{LedgerClient, Replica};
use queryfleet_metrics::CheckSample;
use serde::{Deserialize, Serialize};

use crate::governor::http::Http;
use crate::shared::control::Verdict;

/// What is not known for so long allows nothing.
const UNKNOWN: Duration = Duration::from_secs(15);
/// How long all checks together may take: the lease is renewed after them.
const TIMEOUT: Duration = Duration::from_secs(1);
/// The beats that are remembered: no lag is longer than what they span, which is more than any limit.
const BEATS_KEPT: usize = 100_000;

/// The checks of one holder and one version of the limit.
pub(super) struct Checks {
    since: Instant,
    /// What each check has allowed before this holder, or this limit.
    before: BTreeMap<String, u32>,
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
    /// Of which version of the limit it is.
    limit_version: u32,
}

/// What others read of a check.
#[derive(Deserialize)]
struct CheckSaid {
    check: String,
    allowed: u32,
    /// None of a holder of a version that did not say it.
    limit_version: Option<u32>,
}

fn said(checks: Option<&str>) -> Vec<CheckSaid> {
    checks.and_then(|checks| serde_json::from_str(checks).ok()).unwrap_or_default()
}

/// Of which version of the limit these checks of a governor's row are; `None` if they do not say it.
pub(super) fn limit_version(checks: Option<&str>) -> Option<u32> {
    said(checks).first().and_then(|check| check.limit_version)
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
    /// The checks of a holder whose first beat, that of its taking over, was this one, after these of the holder before.
    pub(super) fn new(beat: i64, before: Option<&str>) -> Checks {
        Checks {
            since: Instant::now(),
            before: said(before).into_iter().map(|said| (said.check, said.allowed)).collect(),
            beats: VecDeque::from([(beat, Instant::now())]),
            next_beat: beat + 1,
            laws: BTreeMap::new(),
            blind_since: None,
        }
    }

    /// The same holder's for another limit: its beats go on, and what a check of the same name has stopped stays so until it
    /// is found otherwise.
    pub(super) fn of_another_limit(&mut self) -> Checks {
        let allowed = |(name, check): (&String, &Check)| Some((name.clone(), check.allowed?));
        Checks {
            since: Instant::now(),
            before: self.laws.iter().filter_map(allowed).collect(),
            beats: std::mem::take(&mut self.beats),
            next_beat: self.next_beat,
            laws: BTreeMap::new(),
            blind_since: None,
        }
    }

    /// Notes the last beat that the row has: one that was sent and not written was none.
    pub(super) fn has_beat(&mut self, beat: i64) {
        while self.beats.back().is_some_and(|(sent, _)| *sent > beat) {
            self.beats.pop_back();
        }
        self.next_beat = beat + 1;
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
        version: u32,
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
                value: beat.and_then(|beat| self.lag(beat, term, at, limit)),
                is_lag: true,
                is_critical: false,
            })
            .collect();
        let has_none = limit.max_lag.is_some() && lags.is_empty();
        let samples = lags.into_iter().chain(loads).chain(http).collect();
        let mut found = self.apply(samples, version, slots, running);
        if has_none {
            found.verdict = Verdict { allowed: Some(0), reasons: "no replica is left to look at".into() };
        }
        Found { is_blind, ..found }
    }

    /// Seconds by which a replica is behind that has this term and beat, read at `at`: the next beat was sent so long ago.
    ///
    /// # Errors
    /// It has nothing of this term yet, and that may be older than the term. It is known only once the term itself is as old
    /// as the limit.
    fn lag(&self, beat: Option<(i64, i64)>, term: i64, at: Instant, limit: f64) -> Result<f64, String> {
        let since = |sent: &Instant| at.saturating_duration_since(*sent).as_secs_f64();
        match beat {
            Some((of, beat)) if of == term => {
                let missing = self.beats.iter().find(|(sent, _)| *sent > beat);
                Ok(missing.map_or(0.0, |(_, sent)| since(sent)))
            }
            _ => match self.beats.front().map_or(0.0, |(_, sent)| since(sent)) {
                behind if behind >= limit => Ok(behind),
                _ => Err("no beat of this worker has reached it yet".to_owned()),
            },
        }
    }

    /// What all samples together allow.
    fn apply(&mut self, samples: Vec<Sample>, version: u32, slots: u32, running: u32) -> Found {
        let now = Instant::now();
        let time = now.saturating_duration_since(self.since);
        let mut allowed = slots;
        let mut reasons = Vec::new();
        let mut views = Vec::new();
        let mut seen = Vec::new();
        let mut critical = None;
        for sample in &samples {
            let limit = sample.limit.unwrap_or(f64::MIN_POSITIVE);
            let before = self.before.get(&sample.name).copied();
            let check = self.laws.entry(sample.name.clone()).or_insert_with(|| Check {
                law: match (sample.is_lag, sample.is_critical) {
                    (true, _) => Law::Lag(LagLaw::new(limit, before, slots)),
                    // A hold is for people to lift: it takes two samples, whoever has taken them.
                    (false, true) => Law::Stop(StopLaw::critical(limit)),
                    (false, false) => Law::Stop(StopLaw::new(limit, before, slots)),
                },
                known: self.since,
                allowed: before,
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
                limit_version: version,
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
    let until = tokio::time::Instant::now() + TIMEOUT;
    let mut samples = Vec::new();
    let thresholds = limit
        .max_load
        .iter()
        .map(|load| (load, false))
        .chain(limit.critical_load.iter().map(|load| (load, true)));
    let thresholds: Vec<(&Threshold, bool)> = thresholds.collect();
    if !thresholds.is_empty() {
        let read = read_status(&thresholds, client, until).await;
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
        let asked = tokio::time::timeout_at(until, client.inspect().one_number(query)).await;
        let value = match asked {
            Ok(value) => value.map_err(|error| queryfleet_job::causes(&error)),
            Err(_) => Err("it takes longer than a second, with the load".to_owned()),
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
    until: tokio::time::Instant,
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
    match tokio::time::timeout_at(until, reading).await {
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
        let mut checks =
            Checks::new(1, Some(r#"[{"check":"load","allowed":40},{"check":"lag of a","allowed":40}]"#));
        let samples =
            || vec![sample("lag of a", Ok(6.0)), sample("load", Ok(9.0)), sample("critical x", Ok(1.0))];
        checks.apply(samples(), 3, 40, 4);
        let found = checks.apply(samples(), 3, 40, 4);
        assert_eq!(found.verdict.allowed, Some(0));
        assert_eq!(found.verdict.reasons, "lag of a is 6 of 5; load is 9 of 5");
        assert!(found.critical.is_none());
        assert!(found.checks.contains(
            r#"{"check":"load","value":9.0,"limit":5.0,"allowed":0,"error":null,"restricts_s":0,"limit_version":3}"#
        ));
        let critical = || vec![sample("critical x", Ok(7.0))];
        checks.apply(critical(), 3, 40, 4);
        assert_eq!(checks.apply(critical(), 3, 40, 4).critical.as_deref(), Some("critical x reached 5"));
    }

    #[test]
    fn what_was_never_known_allows_nothing_and_what_is_not_known_for_a_moment_what_it_allowed() {
        let mut checks = Checks::new(1, None);
        let found = checks.apply(vec![sample("load", Err("refused"))], 3, 40, 4);
        assert_eq!(found.verdict.allowed, Some(0));
        assert!(found.verdict.reasons.contains("load is not known for 0 s: refused"));
        assert_eq!(checks.apply(vec![sample("load", Ok(1.0))], 3, 40, 4).verdict.allowed, Some(40));
        assert_eq!(checks.apply(vec![sample("load", Err("refused"))], 3, 40, 4).verdict.allowed, Some(40));
    }

    #[test]
    fn a_lag_is_the_age_of_the_first_beat_that_is_missing() {
        let mut checks = Checks::new(7, None);
        let at = checks.beats[0].1;
        let after = |seconds| at + Duration::from_secs(seconds);
        checks.beats = (0..10_u32).map(|beat| (7 + i64::from(beat), after(beat.into()))).collect();
        // All that there is; and what is missing.
        assert_eq!(checks.lag(Some((3, 16)), 3, after(12), 20.0), Ok(0.0));
        assert_eq!(checks.lag(Some((3, 10)), 3, after(12), 20.0), Ok(8.0));
        // Of another term, or of none: at least since it was taken over.
        for beat in [Some((2, 99)), None] {
            assert_eq!(checks.lag(beat, 3, after(12), 12.0), Ok(12.0));
            assert!(checks.lag(beat, 3, after(12), 20.0).is_err());
        }
        // What was sent and not written is not missing.
        checks.has_beat(14);
        assert_eq!(checks.lag(Some((3, 14)), 3, after(12), 20.0), Ok(0.0));
        checks.sends_beat();
        assert_eq!(checks.beats.back().map(|(beat, _)| *beat), Some(15));
    }

    #[test]
    fn what_has_stopped_stays_so_under_another_holder_and_another_limit() {
        let mut checks = Checks::new(1, None);
        // Of what nothing is known, one sample is enough.
        let above = || vec![sample("load", Ok(6.0))];
        let near = || vec![sample("load", Ok(4.9))];
        assert_eq!(checks.apply(above(), 1, 40, 4).verdict.allowed, Some(0));
        let found = checks.of_another_limit().apply(near(), 2, 40, 4);
        assert_eq!(found.verdict.allowed, Some(0));
        assert_eq!(limit_version(Some(&found.checks)), Some(2));
        let mut next = Checks::new(9, Some(&found.checks));
        assert_eq!(next.apply(near(), 2, 40, 4).verdict.allowed, Some(0));
        // A check that was not there before is judged by what it says.
        let mut other = next.of_another_limit();
        assert_eq!(other.apply(vec![sample("other", Ok(1.0))], 3, 40, 4).verdict.allowed, Some(40));
        assert_eq!(limit_version(Some("[]")), None);
        assert_eq!(limit_version(Some(r#"[{"check":"load","allowed":1}]"#)), None);
    }
}
