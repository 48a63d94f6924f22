//! One file a command.

mod cancel;
mod dead;
mod demo;
mod dev;
mod doctor;
mod idle;
mod plan;
mod publish;
mod purge;
mod run;
mod setup;
mod status;
mod wait;
mod work;

use queryfleet_config::Config;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;
use crate::output::print_json;
use crate::{Exit, log, signal};

/// Runs one command to its end.
pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Demo(json) => demo::demo(json.json),
        Command::Dev { command } => dev::dev(&command),
        Command::Setup => block(async { setup::setup(&configured(Some("warn"))?).await }),
        Command::Plan { publish, explain } => {
            block(async { plan::plan(&configured(Some("warn"))?, &publish, explain).await })
        }
        Command::Publish { publish, limits } => {
            block(async { publish::publish(&configured(Some("warn"))?, &publish, limits.into()).await })
        }
        Command::Work { slots } => {
            block(async { work::work(&slotted(configured(None)?, slots.slots)).await })
        }
        Command::Idle => block(idle::idle()),
        Command::Wait { run, timeout, json } => {
            block(async { wait::wait(&configured(Some("warn"))?, &run, timeout.timeout, json.json).await })
        }
        Command::Run { publish, slots, timeout } => block(async {
            let config = slotted(configured(Some("error"))?, slots.slots);
            run::run(config, &publish, timeout.timeout).await
        }),
        Command::Cancel { run, now } => {
            block(async { cancel::cancel(&configured(Some("warn"))?, &run, now).await })
        }
        Command::Dead(command) => block(async { dead::dead(&configured(Some("warn"))?, command).await }),
        Command::Purge { run } => block(async { purge::purge(&configured(Some("warn"))?, &run).await }),
        Command::Doctor { only, json } => {
            block(async { doctor::doctor(&configured(Some("error"))?, only, json.json).await })
        }
        Command::Status { run, json } => {
            block(async { status::status(&configured(Some("warn"))?, run.as_deref(), json.json).await })
        }
    }
}

/// The configuration, with logging started. Commands with a progress of their own log at `level` unless told.
fn configured(level: Option<&str>) -> Result<Config, Failure> {
    let config = Config::from_env()?;
    log::start(&config, level)?;
    Ok(config)
}

fn slotted(mut config: Config, slots: Option<u16>) -> Config {
    if let Some(slots) = slots {
        config.slots = usize::from(slots);
    }
    config
}

fn block<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        signal::outlive()?;
        work.await
    });
    // Somebody may still block on an input that never comes.
    runtime.shutdown_background();
    result
}
