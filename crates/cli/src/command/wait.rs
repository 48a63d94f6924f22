//! `queryfleet wait`.

use std::time::Duration;

use queryfleet_config::Config;
use queryfleet_ledger::Standing;
use queryfleet_producer::Ended;

use crate::Exit;
use crate::bar::Bar;
use crate::command::status::StandingView;
use crate::failure::Failure;
use crate::output;
use crate::signal::Stop;

/// Waits for a run and says how it ended.
pub(crate) async fn wait(
    config: &Config,
    run: &str,
    timeout: Option<Duration>,
    json: bool,
) -> Result<Exit, Failure> {
    let mut stop = Stop::listen()?;
    tokio::select! {
        ended = wait_run(config, run, timeout) => {
            let (ended, standing) = ended?;
            report(ended, &standing, json);
            Ok(ended.into())
        }
        _ = stop.next() => {
            output::say(format_args!("interrupted: the run continues; queryfleet wait {run}"));
            Ok(Exit::Interrupted)
        }
    }
}

/// Waits for a run with a progress bar.
pub(crate) async fn wait_run(
    config: &Config,
    run: &str,
    timeout: Option<Duration>,
) -> Result<(Ended, Standing), Failure> {
    let mut bar = Bar::new("waiting");
    let ended = queryfleet_producer::wait(config, run, timeout, &mut |standing| {
        let counts = standing.counts;
        let note = if counts.dead > 0 { format!("{} dead", counts.dead) } else { String::new() };
        bar.at(counts.ended(), standing.run.total.unwrap_or(standing.run.confirmed), &note);
    })
    .await;
    bar.finish();
    Ok(ended?)
}

/// Prints how waiting ended.
pub(crate) fn report(ended: Ended, standing: &Standing, json: bool) {
    if json {
        return output::print_json(&StandingView::from(standing));
    }
    let Standing { run, counts } = standing;
    let name = &run.name;
    match ended {
        Ended::Done => output::print(format_args!("run {name}: all {} jobs done", counts.done)),
        Ended::Dead => {
            output::print(format_args!("run {name}: {} jobs done, {} dead", counts.done, counts.dead));
            output::say(format_args!("the dead jobs and their errors: queryfleet dead list --run {name}"));
        }
        Ended::Cancelled => {
            output::print(format_args!("run {name}: cancelled with {} jobs done", counts.done))
        }
        Ended::TimedOut => {
            output::print(format_args!("run {name}: {} jobs ended so far; the run continues", counts.ended()))
        }
        Ended::Missing => {
            output::print(format_args!("run {name}: {} jobs ended, {}", counts.ended(), missing(standing)))
        }
    }
}

fn missing(standing: &Standing) -> String {
    let run = &standing.run;
    match run.total {
        Some(total) => format!(
            "{} missing: neither in the ledger, nor with the broker, nor with a worker",
            total - standing.counts.ended()
        ),
        None => format!(
            "and publishing has stopped after {}: publish it again with --run {}",
            run.confirmed, run.name
        ),
    }
}
