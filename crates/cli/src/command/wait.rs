//! `queryfleet wait`.

use std::time::{Duration, Instant};

use indicatif::HumanCount;
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
    let began = Instant::now();
    tokio::select! {
        waited = wait_run(config, run, patience) => {
            let Waited { ended, standing, jobs } = waited?;
            let took = began.elapsed();
            if jobs > 0 && !json {
                let rate = jobs_per_second(jobs, took);
                output::say(format_args!("waited {:.1} s, {rate}", took.as_secs_f64()));
            }
            report(ended, &standing, json);
            Ok(ended.into())
        }
        _ = stop.next() => {
            output::say(format_args!("interrupted: the run continues; queryfleet wait {run}"));
            Ok(Exit::Interrupted)
        }
    }
}

/// How waiting for a run ended.
pub(crate) struct Waited {
    pub(crate) ended: Ended,
    pub(crate) standing: Standing,
    /// How many have ended meanwhile.
    jobs: u64,
}

/// Waits for a run with a progress bar.
pub(crate) async fn wait_run(config: &Config, run: &str, patience: Patience) -> Result<Waited, Failure> {
    let mut bar = Bar::new("waiting", JOBS);
    let mut before = None;
    let ended = queryfleet_producer::wait(config, run, patience, &mut |standing, reason| {
        let Standing { run, counts, .. } = standing;
        before.get_or_insert(counts.ended());
        let note = if counts.dead > 0 { format!("{} dead", counts.dead) } else { String::new() };
        bar.at(counts.ended(), run.total.or(run.planned), &note, &reason.map(described).unwrap_or_default());
    })
    .await;
    bar.finish();
    if matches!(&ended, Err(Error::Ledger(_) | Error::Broker(_))) {
        output::say(format_args!("the run continues: queryfleet wait {run}"));
    }
    let (ended, standing) = ended?;
    let now = standing.counts.ended();
    // A replay takes jobs back.
    Ok(Waited { ended, jobs: now.saturating_sub(before.unwrap_or(now)), standing })
}

/// The rate at which so many jobs ended.
pub(crate) fn jobs_per_second(jobs: u64, took: Duration) -> String {
    let rate = jobs as f64 / took.as_secs_f64().max(0.001);
    format!("{} jobs/s", HumanCount(rate.round() as u64))
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
        Ended::Unapproved => {
            let dead = match counts.dead {
                0 => String::new(),
                dead => format!(", {dead} dead"),
            };
            output::print(format_args!(
                "run {name}: its canary has ended: {} done{dead}; the rest waits: queryfleet approve {name}",
                counted(counts.done, "job")
            ));
        }
        Ended::Halted => output::print(format_args!(
            "run {name}: halted with {} done, {} dead; look at them, and then: queryfleet resume",
            counted(counts.done, "job"),
            counts.dead
        )),
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
