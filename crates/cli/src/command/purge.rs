//! `queryfleet purge`.

use std::time::Duration;

use queryfleet_config::Config;
use queryfleet_operator::{Operator, Purged};
use serde::Serialize;

use crate::Exit;
use crate::failure::Failure;
use crate::output;

/// A shorter wait for the workers is not worth a line.
const WAIT_WORTH_SAYING: Duration = Duration::from_secs(5);

/// A contract: keys are added, never changed.
#[derive(Serialize)]
struct PurgedView<'a> {
    name: &'a str,
    ledger_rows: u64,
}

/// Deletes the ledger rows of a run that ended long ago.
pub(crate) async fn purge(config: &Config, run: &str, json: bool) -> Result<Exit, Failure> {
    let mut waiting = |notice: Duration| {
        if notice >= WAIT_WORTH_SAYING {
            output::say(format_args!("waits {} s, until every worker has seen it", notice.as_secs()));
        }
    };
    let Purged { name, ledger_rows } = Operator::new(config)?.purge(run, &mut waiting).await?;
    if json {
        output::print_json(&PurgedView { name: &name, ledger_rows });
        return Ok(Exit::Success);
    }
    output::print(format_args!(
        "run {name}: purged, {ledger_rows} ledger rows deleted; its row stays, so that its id is never used again"
    ));
    Ok(Exit::Success)
}
