//! `queryfleet limit`.

use std::time::Duration;

use queryfleet_config::Config;
use queryfleet_job::Threshold;
use queryfleet_ledger::RunningStatement;
use queryfleet_operator::{Candidate, LimitStanding, Obedience, Operator};
use serde::Serialize;

use crate::Exit;
use crate::bar::{clock, counted};
use crate::command::hold::obeyed;
use crate::failure::Failure;
use crate::limit_arguments::LimitArgs;
use crate::output::{self, print_json};

/// The limit as JSON. A contract: keys are added, never changed.
#[derive(Serialize)]
struct LimitView<'a> {
    queue: &'a str,
    slots: Option<u32>,
    /// Jobs per second.
    rate: Option<f64>,
    /// Seconds.
    max_lag: Option<f64>,
    without: &'a [String],
    max_load: &'a [Threshold],
    critical_load: &'a [Threshold],
    throttle_query: Option<&'a str>,
    throttle_http: Option<&'a str>,
    window: Option<&'a str>,
    /// Seconds.
    window_margin: Option<u32>,
    ignore_until: Option<&'a str>,
    /// Slots that the checks allow.
    allowed: Option<u32>,
    reasons: Option<&'a str>,
    checks: serde_json::Value,
    governor: Option<&'a str>,
    term: Option<i64>,
    /// 0: nobody has ever set one.
    version: u32,
    changed: Option<&'a str>,
    by: Option<&'a str>,
    because: Option<&'a str>,
    permits_in_use: u32,
    /// A statement that lasts longer than the lag that is allowed.
    outlasts_lag: Option<OutlastsLagView>,
    /// What the workers made of a change.
    #[serde(flatten)]
    obedience: Option<ObedienceView<'a>>,
}

#[derive(Serialize)]
struct OutlastsLagView {
    /// The run's id.
    run: u64,
    seq: u64,
    connection: u64,
    seconds: u64,
}

#[derive(Serialize)]
struct ObedienceView<'a> {
    acknowledged: usize,
    silent: &'a [String],
    unaware: &'a [String],
    running: u32,
}

/// Changes the limit of the queue, and says whether every worker obeys; or shows it.
pub(crate) async fn limit(config: &Config, arguments: LimitArgs) -> Result<Exit, Failure> {
    let by = arguments.by.clone().unwrap_or_else(queryfleet_config::login_name);
    let mut operator = Operator::new(config)?.acting_as(&by);
    if arguments.discover {
        return discover(&mut operator, arguments.json).await;
    }
    if arguments.only_shows() {
        return shown(config, &operator.limit().await?, arguments.json, "");
    }
    let change = arguments.change();
    let because = arguments.because.unwrap_or_default();
    if arguments.default {
        let (standing, is_kept) = operator.set_default_limit(change, &by, &because).await?;
        return shown(config, &standing, arguments.json, if is_kept { "kept: " } else { "" });
    }
    let standing = operator.set_limit(change, &by, &because).await?;
    if !arguments.json {
        output::print(line(&config.queue, &standing));
    }
    let obedience = operator.obedience_to_limit(version(&standing)).await?;
    if arguments.json {
        print_json(&view(&config.queue, &standing, Some(&obedience)));
    } else {
        obeyed(&obedience, "obey the limit", "limits").iter().for_each(output::print);
    }
    Ok(if obedience.is_complete() { Exit::Success } else { Exit::Failed })
}

/// Shows the limit, and what was made of it in a word before it.
fn shown(config: &Config, standing: &LimitStanding, json: bool, before: &str) -> Result<Exit, Failure> {
    if json {
        print_json(&view(&config.queue, standing, None));
    } else {
        let lines = described(&config.queue, standing);
        lines.iter().for_each(|line| output::print(format_args!("{before}{line}")));
    }
    Ok(Exit::Success)
}

/// A server that may be a replica, as JSON. A contract: keys are added, never changed.
#[derive(Serialize)]
struct CandidateView<'a> {
    replica: &'a str,
    /// Why it cannot be looked at; null: it can.
    error: Option<&'a str>,
}

/// Says which replicas could be looked at.
async fn discover(operator: &mut Operator, json: bool) -> Result<Exit, Failure> {
    let candidates = operator.discover().await?;
    if json {
        let views = candidates
            .iter()
            .map(|found| CandidateView { replica: &found.replica, error: found.error.as_deref() });
        print_json(&views.collect::<Vec<_>>());
    } else {
        for Candidate { replica, error } in &candidates {
            output::print(format_args!(
                "{replica}: {}",
                error.as_deref().unwrap_or("its lag can be looked at")
            ));
        }
    }
    let usable: Vec<&Candidate> = candidates.iter().filter(|found| found.error.is_none()).collect();
    if candidates.is_empty() {
        return Err(Failure::new(
            "the database names no replica: to see them an account needs PROCESS and REPLICATION SLAVE (REPLICATION MASTER ADMIN on MariaDB)",
        ));
    }
    if !json && !usable.is_empty() {
        let urls = usable.iter().map(|found| format!("mysql://USER:PASSWORD@{}/DATABASE", found.replica));
        output::print(format_args!(
            "for the workers: QUERYFLEET_REPLICAS={}",
            urls.collect::<Vec<_>>().join(",")
        ));
    }
    Ok(if usable.is_empty() { Exit::Failed } else { Exit::Success })
}

fn view<'a>(queue: &'a str, standing: &'a LimitStanding, obedience: Option<&'a Obedience>) -> LimitView<'a> {
    let row = standing.row.as_ref();
    LimitView {
        queue,
        slots: standing.limit.slots,
        rate: standing.limit.rate,
        max_lag: standing.limit.max_lag,
        without: &standing.limit.without,
        max_load: &standing.limit.max_load,
        critical_load: &standing.limit.critical_load,
        throttle_query: standing.limit.throttle_query.as_deref(),
        throttle_http: standing.limit.throttle_http.as_deref(),
        window: standing.limit.window.as_deref(),
        window_margin: standing.limit.window_margin,
        ignore_until: standing.limit.ignore_until.as_deref(),
        allowed: standing.governor.as_ref().and_then(|governor| governor.allowed),
        reasons: standing.governor.as_ref().and_then(|governor| governor.reasons.as_deref()),
        checks: standing.checks(),
        governor: standing.governor.as_ref().map(|governor| governor.worker.as_str()),
        term: standing.governor.as_ref().map(|governor| governor.term),
        version: version(standing),
        changed: row.map(|row| row.changed.as_str()),
        by: row.map(|row| row.changed_by.as_str()),
        because: row.map(|row| row.because.as_str()),
        permits_in_use: standing.in_use,
        outlasts_lag: standing.outlasts_lag.as_ref().map(|statement| OutlastsLagView {
            run: statement.run.0,
            seq: statement.seq,
            connection: statement.connection,
            seconds: statement.seconds,
        }),
        obedience: obedience.map(|obedience| ObedienceView {
            acknowledged: obedience.acknowledged,
            silent: &obedience.silent,
            unaware: &obedience.unaware,
            running: obedience.running,
        }),
    }
}

/// 0: nobody has ever set one.
pub(crate) fn version(standing: &LimitStanding) -> u32 {
    standing.row.as_ref().map_or(0, |row| row.version)
}

/// The limit, and what its checks have found last, a line each.
pub(crate) fn described(queue: &str, standing: &LimitStanding) -> Vec<String> {
    let mut lines = vec![line(queue, standing)];
    if let (Some(RunningStatement { run, seq, connection, seconds, .. }), Some(lag)) =
        (&standing.outlasts_lag, standing.limit.max_lag)
    {
        lines.push(format!(
            "job {seq} of run {run} has been running for {seconds} s on connection {connection}: a lag below {lag} s may not be \
             kept with such statements"
        ));
    }
    let Some(governor) = &standing.governor else { return lines };
    let allowed = governor.allowed.map_or("nothing yet".to_owned(), |slots| counted(slots.into(), "slot"));
    let reasons = match governor.reasons.as_deref() {
        None | Some("") => String::new(),
        Some(reasons) => format!(": {reasons}"),
    };
    lines.push(format!("its checks allow {allowed}{reasons}"));
    for check in standing.checks().as_array().into_iter().flatten() {
        let value = match (&check["value"], check["error"].as_str()) {
            (serde_json::Value::Null, error) => error.unwrap_or("not known").to_owned(),
            (value, _) => value.to_string(),
        };
        let name = check["check"].as_str().unwrap_or_default();
        let since = match check["restricts_s"].as_u64() {
            Some(seconds) => format!(", throttles for {}", clock(Duration::from_secs(seconds))),
            None => String::new(),
        };
        lines.push(format!("  {name}: {value} (limit {}){since}", check["limit"]));
    }
    lines
}

/// The limit in one line.
fn line(queue: &str, standing: &LimitStanding) -> String {
    let LimitStanding { limit, row, in_use, .. } = standing;
    let row = row.as_ref();
    let whose = row.map_or_else(String::new, |row| {
        let because = if row.because.is_empty() { String::new() } else { format!(": {}", row.because) };
        format!(" (since {} by {}{because})", row.changed, row.changed_by)
    });
    if limit.is_none() {
        return format!("queue {queue} is not limited{whose}");
    }
    let is_of_slots = limit.slots.is_some() || limit.has_checks();
    let in_use = if is_of_slots { format!("; {in_use} in use") } else { String::new() };
    format!("queue {queue} is limited to {limit}{in_use}{whose}")
}
