//! `queryfleet wait`.

use std::time::{Duration, Instant};

use indicatif::HumanCount;
use queryfleet::{End, ErrorKind, Fleet, Progress, RunEnd, RunStatus, Wait, WaitsFor, WaitsForKind};
use queryfleet_config::Config;

use crate::Exit;
use crate::arguments::Timeout;
use crate::bar::{Bar, JOBS, all_jobs, counted};
use crate::command::status::{StandingView, given_up};
use crate::failure::Failure;
use crate::output;
use crate::signal::Stop;

/// Waits for a run and says how it ended.
pub(crate) async fn wait(config: &Config, run: &str, timeout: &Timeout, json: bool) -> Result<Exit, Failure> {
    let mut stop = Stop::listen()?;
    let began = Instant::now();
    let fleet = Fleet::of_binary(config);
    tokio::select! {
        waited = wait_run(&fleet, run, timeout.wait_for(run)) => {
            let Waited { ended, jobs } = waited?;
            let took = began.elapsed();
            if jobs > 0 && !json {
                let rate = jobs_per_second(jobs, took);
                output::say(format_args!("waited {:.1} s, {rate}", took.as_secs_f64()));
            }
            Ok(report(ended, json))
        }
        _ = stop.next() => {
            output::say(format_args!("interrupted: the run continues; queryfleet wait {run}"));
            Ok(Exit::Interrupted)
        }
    }
}

/// How waiting for a run ended.
pub(crate) struct Waited {
    pub(crate) ended: RunEnd,
    /// How many have ended meanwhile.
    jobs: u64,
}

/// Waits for a run with a progress bar.
pub(crate) async fn wait_run(fleet: &Fleet, run: &str, wait: Wait) -> Result<Waited, Failure> {
    let mut bar = Bar::new("waiting", JOBS);
    let mut before = None;
    let mut task = fleet.wait(wait);
    while let Some(progress) = task.next().await {
        let Progress::Running { status, waits_for } = progress else { continue };
        before.get_or_insert(status.ended());
        let note = if status.dead > 0 { format!("{} dead", status.dead) } else { String::new() };
        let reason = waits_for.as_ref().map(described).unwrap_or_default();
        bar.at(status.ended(), status.total, &note, &reason);
    }
    bar.finish();
    let ended = task.await;
    if let Err(error) = &ended
        && matches!(error.kind(), ErrorKind::Unavailable(_) | ErrorKind::Server(_))
    {
        output::say(format_args!("the run continues: queryfleet wait {run}"));
    }
    let ended = ended?;
    let now = ended.status.ended();
    // A replay takes jobs back.
    Ok(Waited { jobs: now.saturating_sub(before.unwrap_or(now)), ended })
}

/// The rate at which so many jobs ended.
pub(crate) fn jobs_per_second(jobs: u64, took: Duration) -> String {
    let rate = jobs as f64 / took.as_secs_f64().max(0.001);
    format!("{} jobs/s", HumanCount(rate.round() as u64))
}

/// A reason, and what to do about it.
fn described(reason: &WaitsFor) -> String {
    match reason.kind() {
        WaitsForKind::Worker => format!("{reason}: start one with queryfleet work"),
        WaitsForKind::Hold => format!("{reason}: queryfleet resume lifts it"),
        _ => reason.to_string(),
    }
}

/// Prints how waiting ended.
pub(crate) fn report(ended: RunEnd, json: bool) -> Exit {
    let RunEnd { end, status, .. } = ended;
    if json {
        output::print_json(&StandingView::from(status));
        return end.into();
    }
    let RunStatus { name, done, dead, .. } = &status;
    let jobs_done = counted(*done, "job");
    match end {
        End::Done => output::print(format_args!("run {name}: {} done", all_jobs(*done))),
        End::Dead => {
            output::print(format_args!("run {name}: {jobs_done} done, {dead} dead"));
            output::say(format_args!("the dead jobs and their errors: queryfleet dead list --run {name}"));
            given_up(&status.given_up).iter().for_each(output::say);
        }
        End::Repaired => output::print(format_args!(
            "run {name}: {jobs_done} done, {dead} dead: {}",
            given_up(&status.given_up).unwrap_or_default()
        )),
        End::Cancelled => output::print(format_args!("run {name}: cancelled with {jobs_done} done")),
        End::Unapproved => {
            let dead = match dead {
                0 => String::new(),
                dead => format!(", {dead} dead"),
            };
            output::print(format_args!(
                "run {name}: its canary has ended: {jobs_done} done{dead}; the rest waits: queryfleet approve {name}"
            ));
        }
        End::Halted => output::print(format_args!(
            "run {name}: halted with {jobs_done} done, {dead} dead; look at them, and then: queryfleet resume"
        )),
        End::TimedOut => output::print(format_args!(
            "run {name}: {} ended so far; the run continues: queryfleet wait {name}",
            counted(status.ended(), "job")
        )),
        End::Missing => output::print(format_args!(
            "run {name}: {} ended, {}",
            counted(status.ended(), "job"),
            missing(&status)
        )),
        other => output::print(format_args!("run {name}: {}", other.as_str())),
    }
    end.into()
}

fn missing(status: &RunStatus) -> String {
    match status.total {
        Some(total) if status.is_published => format!(
            "{} missing: neither in the ledger, nor with the broker, nor with a worker",
            total - status.ended()
        ),
        _ => format!(
            "and publishing has stopped after {}: publish it again with --run {}",
            status.published, status.name
        ),
    }
}
