//! `queryfleet status`.

use queryfleet_config::Config;
use queryfleet_ledger::Standing;
use queryfleet_operator::Operator;

use crate::Exit;
use crate::command::print_json;
use crate::command::wait::standing_json;
use crate::failure::Failure;
use crate::output;

/// How many runs are listed when none is named.
const NEWEST: u32 = 20;

/// Shows one run, or the newest ones.
pub(crate) async fn status(config: &Config, run: Option<&str>, json: bool) -> Result<Exit, Failure> {
    let mut operator = Operator::new(config)?;
    let found = match run {
        Some(run) => vec![operator.status(run).await?],
        None => operator.newest_runs(NEWEST).await?,
    };
    if json {
        let values: Vec<_> = found.iter().map(standing_json).collect();
        match (run, values.as_slice()) {
            (Some(_), [one]) => print_json(one),
            _ => print_json(&values.into()),
        }
        return Ok(Exit::Success);
    }
    output::print(format_args!("{:<40} {:<10} {:>12} {:>12} {:>8}", "RUN", "STATE", "TOTAL", "DONE", "DEAD"));
    for standing in &found {
        let total = standing.run.total.map_or_else(|| "?".into(), |total| total.to_string());
        let Standing { run, counts } = standing;
        output::print(format_args!(
            "{:<40} {:<10} {total:>12} {:>12} {:>8}",
            run.name,
            standing.status(),
            counts.done,
            counts.dead
        ));
    }
    Ok(Exit::Success)
}
