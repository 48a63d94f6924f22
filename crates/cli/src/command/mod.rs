//! One file per command: a function that takes plain values, calls a library, and prints.

mod approve;
mod cancel;
mod dead;
#[cfg(feature = "dev")]
mod demo;
#[cfg(feature = "dev")]
mod dev;
mod doctor;
mod events;
mod generate;
mod hold;
mod idle;
mod limit;
mod plan;
mod publish;
mod purge;
mod run;
mod setup;
mod status;
mod wait;
mod watch;
mod work;
mod workers;

use queryfleet_config::Config;

use crate::arguments::{Command, FleetCommand, GenerateCommand, Servers};
use crate::failure::Failure;
use crate::runtime::block;
use crate::{Exit, log};

/// Runs one command to its end.
pub(crate) fn run(command: Command, servers: Option<Servers>) -> Result<Exit, Failure> {
    match command {
        #[cfg(feature = "dev")]
        Command::Demo { json } => demo::demo(json),
        #[cfg(feature = "dev")]
        Command::Dev { command } => dev::dev(&command),
        Command::Fleet(command) => {
            let servers = servers.map_or_else(Default::default, queryfleet_config::Servers::from);
            let config = Config::with_servers(&servers)?;
            log::start(&config, command.default_log_level())?;
            block(run_with(config, command))
        }
        Command::Idle => block(idle::idle()),
        Command::Generate(GenerateCommand::Completions { shell }) => Ok(generate::completions(shell)),
        Command::Generate(GenerateCommand::Man { folder }) => generate::man(&folder),
    }
}

async fn run_with(mut config: Config, command: FleetCommand) -> Result<Exit, Failure> {
    match command {
        FleetCommand::Setup { json } => setup::setup(&config, json).await,
        FleetCommand::Plan { publish, explain } => plan::plan(&config, &publish, explain).await,
        FleetCommand::Publish { publish, limits } => publish::publish(&config, &publish, &limits).await,
        FleetCommand::Work { slots } => {
            set_slots(&mut config, slots.slots);
            work::work(config).await
        }
        FleetCommand::Wait { run, timeout, json } => wait::wait(&config, &run, &timeout, json).await,
        FleetCommand::Run { publish, slots, timeout } => {
            set_slots(&mut config, slots.slots);
            run::run(config, &publish, &timeout).await
        }
        FleetCommand::Cancel { run, now, json } => cancel::cancel(&config, &run, now, json).await,
        FleetCommand::Pause(arguments) => hold::pause(&config, arguments).await,
        FleetCommand::Resume { holds, all, json } => hold::resume(&config, holds, all, json).await,
        FleetCommand::Approve { run, by, json } => approve::approve(&config, &run, by, json).await,
        FleetCommand::Workers { json } => workers::workers(&config, json).await,
        FleetCommand::Runs { count, state, json } => status::runs(&config, count, state, json).await,
        FleetCommand::Events { run, since, count, json } => {
            events::events(&config, run.as_deref(), since, count, json).await
        }
        FleetCommand::Limit(arguments) => limit::limit(&config, arguments).await,
        FleetCommand::Dead(command) => dead::dead(&config, command).await,
        FleetCommand::Purge { run, json } => purge::purge(&config, &run, json).await,
        FleetCommand::Status { run, json } => status::status(&config, run.as_deref(), json).await,
        FleetCommand::Watch { read_only, once } => watch::watch(&config, read_only, once).await,
        FleetCommand::Doctor { only, json } => doctor::doctor(&config, only, json).await,
    }
}

fn set_slots(config: &mut Config, slots: Option<u16>) {
    if let Some(slots) = slots {
        config.slots = usize::from(slots);
    }
}
