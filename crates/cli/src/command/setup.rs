//! `queryfleet setup`.

use queryfleet_config::Config;
use queryfleet_operator::{Operator, Ready};

use crate::Exit;
use crate::failure::Failure;
use crate::output;

/// Makes the tables and the queues.
pub(crate) async fn setup(config: &Config) -> Result<Exit, Failure> {
    let ready = Operator::new(config)?.setup().await?;
    lines(&ready).iter().for_each(output::print);
    Ok(Exit::Success)
}

/// What is there then.
pub(crate) fn lines(ready: &Ready) -> [String; 2] {
    let Ready { database, database_server, ledger, broker_server, queue } = ready;
    [
        format!("database {database} at {database_server}: tables of queryfleet are ready, ledger {ledger}"),
        format!("broker at {broker_server}: queue {queue}, its retry tiers and its dead queue are ready"),
    ]
}
