//! `queryfleet status`.

use queryfleet_config::Config;
use queryfleet_ledger::{GivenUp, HoldRow, Standing};
use queryfleet_operator::{LimitStanding, Operator, QueueStanding, Waiting};
use serde::Serialize;

use crate::Exit;
use crate::bar::counted;
use crate::command::hold::described;
use crate::command::limit;
use crate::failure::Failure;
use crate::output::{self, Align, print_json, print_table};

/// How many runs are listed when none is named.
const NEWEST_RUNS: u32 = 20;

/// A run as JSON. A contract: keys are added, never changed.
#[derive(Serialize)]
pub(crate) struct StandingView<'a> {
    run: u64,
    name: &'a str,
    queue: &'a str,
    state: &'static str,
    total: Option<u64>,
    confirmed: u64,
    done: u64,
    dead: u64,
    cancelled: u64,
    created: &'a str,
    /// Of the dead jobs; known once the run has ended.
    discarded: u64,
    replaced_by: &'a [String],
}

impl<'a> From<&'a Standing> for StandingView<'a> {
    fn from(standing: &'a Standing) -> StandingView<'a> {
        let Standing { run, counts, given_up } = standing;
        StandingView {
            run: run.id.0,
            name: &run.name,
            queue: &run.queue,
            state: standing.status().as_str(),
            total: run.total,
            confirmed: run.confirmed,
            done: counts.done,
            dead: counts.dead,
            cancelled: counts.cancelled,
            created: &run.created,
            discarded: given_up.jobs,
            replaced_by: &given_up.replaced_by,
        }
    }
}

/// Shows one run, or the newest ones.
pub(crate) async fn status(config: &Config, run: Option<&str>, json: bool) -> Result<Exit, Failure> {
    let mut operator = Operator::new(config)?;
    match run {
        Some(run) => {
            let standing = operator.status(run).await?;
            if json {
                print_json(&StandingView::from(&standing));
            } else {
                let given_up = given_up(&standing);
                print_runs(&[standing]);
                given_up.iter().for_each(output::print);
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
pub(crate) fn given_up(standing: &Standing) -> Option<String> {
    let GivenUp { jobs, replaced_by, dead_again, .. } = &standing.given_up;
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
    Some(format!("{} discarded{replaced}{dead_again}", counted(*jobs, "dead job")))
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
                limit::print_limit(&config.queue, &standing);
            }
        }
    }
    Ok(())
}

fn print_holds(config: &Config, holds: &[HoldRow]) {
    for hold in holds {
        output::print(format_args!("queue {} is held: {}", config.queue, described(hold)));
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
