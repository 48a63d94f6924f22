//! `queryfleet setup`.

use queryfleet_broker::{Broker, Topology};
use queryfleet_config::Config;

use crate::Exit;
use crate::command::control;
use crate::failure::Failure;
use crate::output;

/// Makes the tables and the queues.
pub(crate) async fn setup(config: &Config) -> Result<Exit, Failure> {
    made(config).await?.iter().for_each(output::print);
    Ok(Exit::AllDone)
}

/// Makes them, and says what is there then.
pub(crate) async fn made(config: &Config) -> Result<[String; 2], Failure> {
    let database = queryfleet_ledger::Database::new(config)?;
    let ledger = control(config)?.setup().await?;
    let tables = format!(
        "database {} at {}: tables of queryfleet are ready, ledger {ledger}",
        database.schema(),
        database.server()
    );
    let topology = Topology::new(&config.queue, &config.retry_tiers, config.delivery_limit)?;
    let broker = Broker::new(config, "setup")?;
    broker.declare(&topology).await?;
    let queues = format!(
        "broker at {}: queue {}, its retry tiers and its dead queue are ready",
        broker.server(),
        topology.work()
    );
    broker.close().await;
    Ok([tables, queues])
}
