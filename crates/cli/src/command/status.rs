//! `queryfleet status`.

use queryfleet_config::Config;
use queryfleet_ledger::LedgerClient;
use queryfleet_producer::{Error, Standing, standing};

use crate::Exit;
use crate::command::wait::standing_json;
use crate::command::{control, print_json};
use crate::failure::Failure;
use crate::output;

/// How many runs are listed when none is named.
const NEWEST: u32 = 20;

/// Shows one run, or the newest ones.
pub(crate) async fn status(config: &Config, run: Option<&str>, json: bool) -> Result<Exit, Failure> {
    let mut control = control(config)?;
    let found = match run {
        Some(run) => vec![standing(&mut control, run).await?],
        None => newest(&mut control).await?,
    };
    if json {
        let values: Vec<_> = found.iter().map(standing_json).collect();
        match (run, values.as_slice()) {
            (Some(_), [one]) => print_json(one),
            _ => print_json(&values.into()),
        }
        return Ok(Exit::AllDone);
    }
    output::print(format_args!("{:<40} {:<10} {:>12} {:>12} {:>8}", "RUN", "STATE", "TOTAL", "DONE", "DEAD"));
    for standing in &found {
        let total = standing.run.total.map_or_else(|| "?".into(), |total| total.to_string());
        let Standing { run, counts } = standing;
        output::print(format_args!(
            "{:<40} {:<10} {total:>12} {:>12} {:>8}",
            run.name,
            standing.state(),
            counts.done,
            counts.dead
        ));
    }
    Ok(Exit::AllDone)
}

async fn newest(control: &mut LedgerClient) -> Result<Vec<Standing>, Error> {
    let mut found = Vec::new();
    for run in control.newest_runs(NEWEST).await? {
        let counts = control.count_run(&run).await?;
        found.push(Standing { run, counts });
    }
    Ok(found)
}
