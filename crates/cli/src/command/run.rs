//! `queryfleet run`: publish, one process with N slots, wait. What `pool.map` is to a multiprocessing pool.

use queryfleet_config::{Config, variables};
use queryfleet_consumer::Drain;
use queryfleet_operator::Operator;
use queryfleet_producer::Patience;

use crate::Exit;
use crate::arguments::PublishArgs;
use crate::command::publish::{publish_request, publish_run, say_what_has_no_effect};
use crate::command::setup;
use crate::command::wait::{report, wait_run};
use crate::command::work::BUILD;
use crate::failure::Failure;
use crate::output;
use crate::signal::{Asked, Stop};

/// Publishes a run, serves its queue with this process, and waits for the run's end.
pub(crate) async fn run(mut config: Config, args: &PublishArgs, patience: Patience) -> Result<Exit, Failure> {
    args.check().map_err(Failure::usage)?;
    if !config.was_given(&variables::METRICS_LISTEN) {
        // Nobody scrapes a run that did not ask for it, and a worker on this machine may have the default port.
        config.metrics_listen.set_port(0);
    }
    set_up_if_needed(&config).await?;
    let mut stop = Stop::listen()?;
    let Some(published) = publish_run(&config, &publish_request(args), &mut stop).await? else {
        return Ok(Exit::Interrupted);
    };
    say_what_has_no_effect(args, &published);
    if let Some(end) = &published.end {
        output::say(format_args!("run {} {end}: there was nothing to do", published.name));
        let (ended, standing) = wait_run(&config, &published.name, patience).await?;
        report(ended, &standing, args.json);
        return Ok(ended.into());
    }
    let drain = Drain::default();
    let worker_config = config.clone();
    let worker_drain = drain.clone();
    let mut worker =
        tokio::spawn(async move { queryfleet_consumer::work(&worker_config, worker_drain, BUILD).await });
    let ended = tokio::select! {
        ended = wait_run(&config, &published.name, patience) => Some(ended),
        worked = &mut worker => {
            worked??;
            None
        }
        asked = stop.next() => {
            if asked == Asked::Now {
                drain.now();
            }
            None
        }
    };
    let stopping = tokio::spawn(stop.drain(drain.clone()));
    drain.begin();
    if !worker.is_finished() {
        worker.await??;
    }
    stopping.abort();
    match ended {
        Some(ended) => {
            let (ended, standing) = ended?;
            report(ended, &standing, args.json);
            Ok(ended.into())
        }
        None => {
            let name = &published.name;
            output::say(format_args!(
                "interrupted: the rest waits in the queue; run queryfleet work, then queryfleet wait {name}"
            ));
            Ok(Exit::Interrupted)
        }
    }
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
