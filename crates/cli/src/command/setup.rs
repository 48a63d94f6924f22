//! `queryfleet setup`.

use queryfleet_config::Config;
use queryfleet_operator::{Operator, Ready};
use serde::Serialize;

use crate::Exit;
use crate::failure::Failure;
use crate::output;

/// A contract: keys are added, never changed.
#[derive(Serialize)]
struct ReadyView<'a> {
    database: &'a str,
    database_server: &'a str,
    ledger: String,
    broker_server: &'a str,
    queue: &'a str,
}

/// Makes the tables and the queues.
pub(crate) async fn setup(config: &Config, json: bool) -> Result<Exit, Failure> {
    let ready = Operator::new(config)?.setup().await?;
    if json {
        let Ready { database, database_server, ledger, broker_server, queue } = &ready;
        output::print_json(&ReadyView {
            database,
            database_server,
            ledger: ledger.to_string(),
            broker_server,
            queue,
        });
        return Ok(Exit::Success);
    }
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
