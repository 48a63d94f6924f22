//! `queryfleet run`: publish, one process with N slots, wait. What `pool.map` is to a multiprocessing pool.

use std::time::{Duration, Instant};

use indicatif::HumanCount;
use queryfleet::{Fleet, OwnWorker, Published, RunEnd, WorkerTotals};
use queryfleet_config::{Config, variables};
use queryfleet_operator::Operator;

use crate::Exit;
use crate::arguments::Timeout;
use crate::command::publish::{publish_run, say_chunks, say_what_else};
use crate::command::setup;
use crate::command::wait::{Waited, jobs_per_second, report, wait_run};
use crate::command::work::worker;
use crate::failure::Failure;
use crate::output;
use crate::publish_arguments::PublishArgs;
use crate::signal::{Asked, Stop};

/// Publishes a run, serves its queue with this process, and waits for the run's end.
pub(crate) async fn run(mut config: Config, args: &PublishArgs, timeout: &Timeout) -> Result<Exit, Failure> {
    args.check().map_err(Failure::usage)?;
    if !config.was_given(&variables::METRICS_LISTEN) {
        // Nobody scrapes a run that did not ask for it.
        config.metrics_listen = None;
    }
    set_up_if_needed(&config).await?;
    let mut stop = Stop::listen()?;
    let began = Instant::now();
    let mut worker = OwnWorker::new(worker(&config));
    let done = publish_and_wait(&config, args, timeout, &mut stop, &mut worker).await;
    let took = began.elapsed();
    // A signal ends running statements.
    let totals = worker.drain(async move { _ = stop.next().await }).await?;
    match done? {
        Done::Ended(ended) => {
            if !args.json {
                output::say(summary(took, totals));
            }
            Ok(report(*ended, args.json))
        }
        Done::Interrupted(Some(name)) => {
            output::say(format_args!(
                "interrupted: the rest waits in the queue; run queryfleet work, then queryfleet wait {name}"
            ));
            Ok(Exit::Interrupted)
        }
        // Publishing has said how to resume.
        Done::Interrupted(None) => Ok(Exit::Interrupted),
    }
}

/// How far a run has come.
enum Done {
    Ended(Box<RunEnd>),
    /// With its name once all of it is published.
    Interrupted(Option<String>),
}

async fn publish_and_wait(
    config: &Config,
    args: &PublishArgs,
    timeout: &Timeout,
    stop: &mut Stop,
    worker: &mut OwnWorker,
) -> Result<Done, Failure> {
    let fleet = Fleet::of_binary(config);
    let published = tokio::select! {
        published = publish_run(&fleet, args.request(), stop, worker.when_checked()) => published?,
        worked = worker.ended() => return Ok(worked.map(|()| Done::Interrupted(None))?),
    };
    let Some(published) = published else { return Ok(Done::Interrupted(None)) };
    say_what_else(args, &published);
    say_chunks(&published.chunks);
    let Published { name, past, .. } = published;
    if let Some(past) = past {
        output::say(format_args!("run {name} {past}: there was nothing to do"));
        let Waited { ended, .. } = wait_run(&fleet, &name, timeout.wait_for(&name)).await?;
        return Ok(Done::Ended(ended.into()));
    }
    tokio::select! {
        waited = wait_run(&fleet, &name, timeout.wait_for(&name)) => {
            let Waited { ended, .. } = waited?;
            Ok(Done::Ended(ended.into()))
        }
        worked = worker.ended() => Ok(worked.map(|()| Done::Interrupted(Some(name)))?),
        asked = stop.next() => {
            if asked == Asked::Now {
                worker.end_now();
            }
            Ok(Done::Interrupted(Some(name)))
        }
    }
}

/// How long it took, and what the worker of this process has done: on one line of 80 columns.
fn summary(took: Duration, totals: WorkerTotals) -> String {
    let WorkerTotals { done, rows_affected, retries, redeliveries, .. } = totals;
    format!(
        "took {:.1} s; here {}, rows changed {}, retried {}, redelivered {}",
        took.as_secs_f64(),
        jobs_per_second(done, took),
        HumanCount(rows_affected),
        HumanCount(retries),
        HumanCount(redeliveries),
    )
}

async fn set_up_if_needed(config: &Config) -> Result<(), Failure> {
    let mut operator = Operator::new(config)?;
    if operator.needs_setup().await? {
        let ready = operator.setup().await?;
        // Not to standard output: with --json that is one value.
        setup::lines(&ready).iter().for_each(output::say);
    }
    Ok(())
}
