//! `queryfleet status`.

use std::time::Duration;

use queryfleet::GivenUp;
use queryfleet_config::Config;
use queryfleet_ledger::{CanaryJob, HoldRow, RunStatus, RunningStatement, Standing};
use queryfleet_operator::{Canary, DeadGroup, LimitStanding, Operator, QueueStanding, RunDetails, Waiting};
use serde::Serialize;

use crate::Exit;
use crate::bar::{clock, counted};
use crate::command::{hold, limit};
use crate::failure::Failure;
use crate::output::{self, Align, print_json, print_table};

/// How many runs are listed when none is named.
const NEWEST_RUNS: u32 = 20;

/// A run as JSON. A contract: keys are added, never changed.
#[derive(Serialize)]
pub(crate) struct StandingView {
    run: u64,
    name: String,
    queue: String,
    state: &'static str,
    total: Option<u64>,
    confirmed: u64,
    done: u64,
    dead: u64,
    cancelled: u64,
    created: String,
    /// Of the dead jobs; known once the run has ended.
    discarded: u64,
    replaced_by: Vec<String>,
}

impl From<queryfleet::RunStatus> for StandingView {
    fn from(status: queryfleet::RunStatus) -> StandingView {
        StandingView {
            run: status.id,
            name: status.name,
            queue: status.queue,
            state: status.state.as_str(),
            total: status.total.filter(|_| status.is_published),
            confirmed: status.published,
            done: status.done,
            dead: status.dead,
            cancelled: status.cancelled,
            created: status.created,
            discarded: status.given_up.jobs,
            replaced_by: status.given_up.replaced_by,
        }
    }
}

impl From<&Standing> for StandingView {
    fn from(standing: &Standing) -> StandingView {
        queryfleet::RunStatus::from(standing).into()
    }
}

/// A run and what it does, as JSON. A contract: keys are added, never changed.
#[derive(Serialize)]
struct DetailsView<'a> {
    #[serde(flatten)]
    standing: StandingView,
    /// Jobs per second, in the last minute; null of a run that is over.
    rate: Option<f64>,
    left_s: Option<u64>,
    /// Messages of all runs of the queue that wait for a retry.
    retrying: Option<u64>,
    errors: Vec<ErrorView<'a>>,
    running: Vec<RunningView<'a>>,
    canary: Option<CanaryView<'a>>,
}

#[derive(Serialize)]
struct CanaryView<'a> {
    jobs: u64,
    approved_by: Option<&'a str>,
    /// The jobs that are done, as far as this account may read it.
    done: Vec<CanaryJobView>,
}

#[derive(Serialize)]
struct CanaryJobView {
    seq: u64,
    rows: u64,
    took_ms: u64,
    warnings: u16,
}

#[derive(Serialize)]
struct ErrorView<'a> {
    code: Option<u16>,
    reason: &'a str,
    jobs: u64,
    example: &'a str,
}

#[derive(Serialize)]
struct RunningView<'a> {
    seq: u64,
    connection: u64,
    /// host:port of the worker, as the server sees it.
    client: &'a str,
    seconds: u64,
    /// How it begins.
    statement: &'a str,
}

impl<'a> From<&'a RunDetails> for DetailsView<'a> {
    fn from(details: &'a RunDetails) -> DetailsView<'a> {
        let error = |group: &'a DeadGroup| ErrorView {
            code: group.code,
            reason: &group.reason,
            jobs: group.jobs,
            example: &group.example,
        };
        let running = |statement: &'a RunningStatement| RunningView {
            seq: statement.seq,
            connection: statement.connection,
            client: &statement.client,
            seconds: statement.seconds,
            statement: &statement.text,
        };
        let job = |&CanaryJob { seq, rows, took_ms, warnings }: &CanaryJob| CanaryJobView {
            seq,
            rows,
            took_ms,
            warnings,
        };
        let canary = |canary: &'a Canary| CanaryView {
            jobs: canary.jobs,
            approved_by: canary.approved_by.as_deref(),
            done: canary.done.iter().map(job).collect(),
        };
        DetailsView {
            canary: details.canary.as_ref().map(canary),
            standing: StandingView::from(&details.progress.standing),
            rate: details.progress.per_second.map(|rate| (rate * 10.0).round() / 10.0),
            left_s: details.progress.left_s(),
            retrying: details.retrying,
            errors: details.errors.iter().map(error).collect(),
            running: details.running.iter().map(running).collect(),
        }
    }
}

fn print_details(details: &RunDetails) {
    print_runs(std::slice::from_ref(&details.progress.standing));
    described(details).iter().for_each(output::print);
}

/// What a run does, a line each.
pub(crate) fn described(details: &RunDetails) -> Vec<String> {
    let RunDetails { progress, retrying, errors, running, canary } = details;
    let mut lines: Vec<String> =
        given_up(&queryfleet::RunStatus::from(&progress.standing).given_up).into_iter().collect();
    lines.extend(canary.as_ref().map(of_canary));
    if let Some(rate) = progress.per_second {
        let left = progress.left_s().map(|left| format!("; {} left", clock(Duration::from_secs(left))));
        lines.push(format!("{rate:.1} jobs/s in the last minute{}", left.unwrap_or_default()));
    }
    if let Some(retrying) = retrying.filter(|retrying| *retrying > 0) {
        lines.push(format!("waiting for a retry: {} of the queue", counted(retrying, "message")));
    }
    lines.extend(errors.iter().map(|group| {
        let code = group.code.map_or_else(|| group.reason.clone(), |code| code.to_string());
        format!("dead: {} by {code}: {}", counted(group.jobs, "job"), group.example)
    }));
    lines.extend(running.iter().map(
        |RunningStatement { seq, connection, client, seconds, text, .. }| {
            format!("running: job {seq} for {seconds} s on connection {connection} of {client}: {text}")
        },
    ));
    lines
}

/// What the jobs of a canary have done.
fn of_canary(canary: &Canary) -> String {
    let mut line = format!("canary of {}", counted(canary.jobs, "job"));
    if let (Some(slowest), Some(largest)) = (canary.slowest(), canary.largest()) {
        line += &format!(
            ": {} done, rows changed {} (most by job {}: {}), the slowest job {} took {} ms",
            canary.done.len(),
            canary.rows(),
            largest.seq,
            largest.rows,
            slowest.seq,
            slowest.took_ms
        );
    }
    if let Some(first) = canary.warned() {
        line += &format!(", {} (the first for job {})", counted(canary.warnings(), "warning"), first.seq);
    }
    line + &match &canary.approved_by {
        Some(who) => format!("; approved by {who}"),
        None => "; not approved".to_owned(),
    }
}

/// Shows one run, or the newest ones.
pub(crate) async fn status(config: &Config, run: Option<&str>, json: bool) -> Result<Exit, Failure> {
    let mut operator = Operator::new(config)?;
    match run {
        Some(run) => {
            let details = operator.run_details(run).await?;
            if json {
                print_json(&DetailsView::from(&details));
            } else {
                print_details(&details);
            }
        }
        None => {
            let standings = operator.newest_runs(NEWEST_RUNS).await?;
            if !json {
                output::print(queue_line(&config.queue, &operator.queue_standing().await?));
                print_holds(config, &operator.holds().await?);
                print_limit(config, operator.limit().await)?;
            }
            if json {
                print_json(&standings.iter().map(StandingView::from).collect::<Vec<_>>());
            } else {
                print_runs(&standings);
            }
        }
    }
    Ok(Exit::Success)
}

/// Lists the newest runs.
pub(crate) async fn runs(
    config: &Config,
    count: u32,
    state: Option<RunStatus>,
    json: bool,
) -> Result<Exit, Failure> {
    let mut standings = Operator::new(config)?.newest_runs(count).await?;
    standings.retain(|standing| state.is_none_or(|state| standing.status() == state));
    if json {
        print_json(&standings.iter().map(StandingView::from).collect::<Vec<_>>());
    } else {
        print_runs(&standings);
    }
    Ok(Exit::Success)
}

/// What waits in a queue, and who serves it.
pub(crate) fn queue_line(queue: &str, standing: &QueueStanding) -> String {
    let QueueStanding { messages, workers, slots, busy } = *standing;
    let waits = match messages {
        None => "the broker does not say what waits".to_owned(),
        Some(Waiting { work, retry: 0 }) => format!("waiting: {}", counted(work, "message")),
        Some(Waiting { work, retry }) => {
            format!("waiting: {}, and {retry} for a retry", counted(work, "message"))
        }
    };
    match workers {
        0 => format!("queue {queue}: {waits}; no worker serves it"),
        _ => format!(
            "queue {queue}: {waits}; {}, {busy} of {} busy",
            counted(workers, "worker"),
            counted(slots, "slot")
        ),
    }
}

/// What became of dead jobs that nobody wants back, as a sentence.
pub(crate) fn given_up(given_up: &GivenUp) -> Option<String> {
    let GivenUp { jobs, replaced_by, dead_again, unfinished, .. } = given_up;
    if *jobs == 0 {
        return None;
    }
    let replaced = match replaced_by.as_slice() {
        [] => String::new(),
        [run] => format!(", replaced by run {run}"),
        runs => format!(", replaced by the runs {}", runs.join(", ")),
    };
    let dead_again =
        dead_again.iter().map(|run| format!("; run {run} has dead jobs: queryfleet dead list --run {run}"));
    let dead_again: String = dead_again.collect();
    let unfinished = unfinished.iter().map(|run| format!("; run {run} is not done: queryfleet status {run}"));
    let unfinished: String = unfinished.collect();
    Some(format!("{} discarded{replaced}{dead_again}{unfinished}", counted(*jobs, "dead job")))
}

/// Tables that have no limits yet have none to show.
fn print_limit(
    config: &Config,
    limit: Result<LimitStanding, queryfleet_operator::Error>,
) -> Result<(), Failure> {
    match limit {
        Err(queryfleet_operator::Error::NoLimits) => {}
        limit => {
            let standing = limit?;
            if !standing.limit.is_none() {
                limit::described(&config.queue, &standing).iter().for_each(output::print);
            }
        }
    }
    Ok(())
}

fn print_holds(config: &Config, holds: &[HoldRow]) {
    for hold in holds {
        output::print(format_args!("queue {} is held: {}", config.queue, hold::described(hold)));
    }
}

fn print_runs(standings: &[Standing]) {
    let columns = [
        ("RUN", Align::Left),
        ("STATE", Align::Left),
        ("TOTAL", Align::Right),
        ("DONE", Align::Right),
        ("DEAD", Align::Right),
    ];
    let row = |standing: &Standing| {
        let Standing { run, counts, .. } = standing;
        let total = run.total.map_or_else(|| "?".to_owned(), |total| total.to_string());
        let state = standing.status().to_string();
        [run.name.clone(), state, total, counts.done.to_string(), counts.dead.to_string()]
    };
    print_table(columns, &standings.iter().map(row).collect::<Vec<_>>());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_one_line() {
        let waiting = |work, retry| Some(Waiting { work, retry });
        let served = QueueStanding { workers: 2, slots: 8, busy: 3, messages: waiting(7, 0) };
        for (standing, line) in [
            (served, "queue q: waiting: 7 messages; 2 workers, 3 of 8 slots busy"),
            (
                QueueStanding { messages: waiting(1, 2), ..served },
                "queue q: waiting: 1 message, and 2 for a retry; 2 workers, 3 of 8 slots busy",
            ),
            (
                QueueStanding { messages: waiting(0, 0), ..QueueStanding::default() },
                "queue q: waiting: 0 messages; no worker serves it",
            ),
            (
                QueueStanding { messages: None, ..served },
                "queue q: the broker does not say what waits; 2 workers, 3 of 8 slots busy",
            ),
        ] {
            assert_eq!(queue_line("q", &standing), line);
        }
    }
}
