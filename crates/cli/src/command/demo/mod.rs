//! `queryfleet demo`: the whole promise in half a minute, on private servers.

mod counters;
mod fleet;
mod report;
mod table;

use std::time::{Duration, Instant};

use queryfleet::{Progress, Publish, RunStatus, Wait};
use queryfleet_config::Config;
use queryfleet_devstack::{Options, Stack};
use queryfleet_operator::Operator;
use tracing_subscriber::filter::LevelFilter;

use crate::bar::Bar;
use crate::command::demo::fleet::Fleet;
use crate::command::demo::report::Report;
use crate::failure::Failure;
use crate::output;
use crate::runtime::block;
use crate::signal::Stop;
use crate::{Exit, log};

/// How many rows the table has, and how many statements the script: one for each row.
const JOBS: u64 = 10_000;
/// Some 4 s are usual; after this the report says what has been done so far.
const DEMO_TIMEOUT: Duration = Duration::from_secs(120);

/// Runs a script through a fleet, kills a worker on the way, and shows what the database says in the end.
pub(crate) fn demo(json: bool) -> Result<Exit, Failure> {
    let told = block(async {
        let mut stop = Stop::listen()?;
        output::say("starting a private RabbitMQ and a private database, until the end of this demo");
        let starting = tokio::task::spawn_blocking(|| Stack::start(&Options::default()));
        let stack = tokio::select! {
            biased;
            _ = stop.next() => {
                output::say("interrupted: as soon as the servers have started they are stopped");
                // The end of the runtime waits for the start, and drops the stack.
                return Ok(None);
            }
            stack = starting => stack??,
        };
        let told = tokio::select! {
            biased;
            _ = stop.next() => None,
            report = show(&stack) => Some(report?),
        };
        stack.stop()?;
        Ok(told)
    })?;
    match told {
        Some(report) => tell(&report, json),
        None => {
            output::say("interrupted: nothing is left of servers, workers and files");
            Ok(Exit::Interrupted)
        }
    }
}

/// From an empty database to the report. Short calls block this task: nothing else of this process waits for it.
async fn show(stack: &Stack) -> Result<Report, Failure> {
    let config = Config::from_vars(stack.env().into_iter().map(|(name, value)| (name.to_owned(), value)))?;
    log::start(&config, Some(LevelFilter::ERROR))?;
    output::say(format_args!("both run in {}", stack.folder().display()));
    let script = table::make(stack, JOBS)?;
    output::say(format_args!(
        "a table of {JOBS} rows with n = 0; a script of {JOBS} updates n = n + 1, one for each row"
    ));
    Operator::new(&config)?.setup().await?;
    // One by one, so that there is something to watch, and to kill.
    let request = Publish::files([script]).run("demo").chunk(1);
    let library = queryfleet::Fleet::of_binary(&config);
    let run = library.publish(request).await?.name;
    let began = Instant::now();
    let mut fleet = Fleet::start(stack)?;
    let status = watch(&library, &run, &mut fleet).await?;
    let took = began.elapsed();
    let workers = fleet.end()?;
    let rows = table::read(stack)?;
    Ok(Report { jobs: JOBS, status, rows, took, workers })
}

/// Waits for the run with a progress bar; when a third of it has ended a worker is killed and another one started.
async fn watch(library: &queryfleet::Fleet, run: &str, fleet: &mut Fleet<'_>) -> Result<RunStatus, Failure> {
    let mut bar = Bar::new("executing", crate::bar::JOBS);
    let mut is_replaced = false;
    let mut task = library.wait(Wait::new(run).timeout(DEMO_TIMEOUT));
    while let Some(progress) = task.next().await {
        let Progress::Running { status, .. } = progress else { continue };
        bar.at(status.ended(), Some(JOBS), "", "");
        if status.ended() >= JOBS / 3 && !is_replaced {
            bar.say(&fleet.replace_first()?);
            is_replaced = true;
        }
    }
    bar.finish();
    Ok(task.await?.status)
}

/// Prints the report; a broken promise is a failure.
fn tell(report: &Report, json: bool) -> Result<Exit, Failure> {
    if json {
        output::print_json(&report.view());
    } else {
        output::print_block(format_args!("\n{report}"));
    }
    match report.broken() {
        None => {
            if !json {
                let program = std::env::args().next().unwrap_or_else(|| "queryfleet".into());
                output::say(format_args!(
                    "next: {program} dev -- bash gives you such servers to play with, and docs/first-run.md says what to try"
                ));
            }
            Ok(Exit::Success)
        }
        Some(how) => Err(Failure::new(how)),
    }
}
