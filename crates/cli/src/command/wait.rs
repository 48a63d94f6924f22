//! `queryfleet wait`.

use queryfleet_config::Config;
use queryfleet_ledger::Standing;
use queryfleet_producer::{Ended, Error, Patience, Reason};

use crate::Exit;
use crate::bar::{Bar, JOBS, all_jobs, counted};
use crate::command::status::{StandingView, given_up};
use crate::failure::Failure;
use crate::output;
use crate::signal::Stop;

/// Waits for a run and says how it ended.
pub(crate) async fn wait(
    config: &Config,
    run: &str,
    patience: Patience,
    json: bool,
) -> Result<Exit, Failure> {
    let mut stop = Stop::listen()?;
    tokio::select! {
        ended = wait_run(config, run, patience) => {
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
    patience: Patience,
) -> Result<(Ended, Standing), Failure> {
    let mut bar = Bar::new("waiting", JOBS);
    let ended = queryfleet_producer::wait(config, run, patience, &mut |standing, reason| {
        let Standing { run, counts, .. } = standing;
        let note = if counts.dead > 0 { format!("{} dead", counts.dead) } else { String::new() };
        bar.at(counts.ended(), run.total.or(run.planned), &note, &reason.map(described).unwrap_or_default());
    })
    .await;
    bar.finish();
    if matches!(&ended, Err(Error::Ledger(_) | Error::Broker(_))) {
        output::say(format_args!("the run continues: queryfleet wait {run}"));
    }
    Ok(ended?)
}

/// A reason, and what to do about it.
fn described(reason: &Reason) -> String {
    match reason {
        Reason::NoWorker { .. } => format!("{reason}: start one with queryfleet work"),
        Reason::Held { .. } => format!("{reason}: queryfleet resume lifts it"),
        _ => reason.to_string(),
    }
}

/// Prints how waiting ended.
pub(crate) fn report(ended: Ended, standing: &Standing, json: bool) {
    if json {
        return output::print_json(&StandingView::from(standing));
    }
    let Standing { run, counts, .. } = standing;
    let name = &run.name;
    match ended {
        Ended::Done => output::print(format_args!("run {name}: {} done", all_jobs(counts.done))),
        Ended::Dead => {
            output::print(format_args!(
                "run {name}: {} done, {} dead",
                counted(counts.done, "job"),
                counts.dead
            ));
            output::say(format_args!("the dead jobs and their errors: queryfleet dead list --run {name}"));
            given_up(standing).iter().for_each(output::say);
        }
        Ended::Repaired => output::print(format_args!(
            "run {name}: {} done, {} dead: {}",
            counted(counts.done, "job"),
            counts.dead,
            given_up(standing).unwrap_or_default()
        )),
        Ended::Cancelled => {
            output::print(format_args!("run {name}: cancelled with {} done", counted(counts.done, "job")))
        }
        Ended::TimedOut => output::print(format_args!(
            "run {name}: {} ended so far; the run continues: queryfleet wait {name}",
            counted(counts.ended(), "job")
        )),
        Ended::Missing => output::print(format_args!(
            "run {name}: {} ended, {}",
            counted(counts.ended(), "job"),
            missing(standing)
        )),
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
