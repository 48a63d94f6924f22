//! `queryfleet dead list|show|replay|discard`.

use config::Config;
use ledger::{Control, DeadRow, Filter};
use serde_json::json;

use crate::Exit;
use crate::arguments::{DeadCommand, DeadFilter};
use crate::command::{control, print_json};
use crate::failure::Failure;
use crate::output;

/// Looks at dead jobs, brings them back, or gives them up.
pub(crate) async fn dead(config: &Config, command: &DeadCommand) -> Result<Exit, Failure> {
    let mut control = control(config)?;
    match command {
        DeadCommand::List { filter, json } => list(&mut control, filter, json.json).await,
        DeadCommand::Show { run, seq, json } => show(&mut control, run, *seq, json.json).await,
        DeadCommand::Replay { filter, all, dry_run } => {
            filtered(filter, *all || *dry_run)?;
            let filter = read(&mut control, filter).await?;
            if *dry_run {
                output::print(format_args!(
                    "{} dead jobs would be replayed",
                    control.count_dead(&filter).await?
                ));
            } else {
                output::print(format_args!(
                    "{} dead jobs replayed",
                    producer::replay(config, &mut control, &filter).await?
                ));
            }
            Ok(Exit::AllDone)
        }
        DeadCommand::Discard { filter, all } => {
            filtered(filter, *all)?;
            let filter = read(&mut control, filter).await?;
            output::print(format_args!("{} dead jobs discarded", control.discard(&filter).await?));
            Ok(Exit::AllDone)
        }
    }
}

/// Every dead job of every run is not to be taken by a slip.
fn filtered(filter: &DeadFilter, all: bool) -> Result<(), Failure> {
    let given = filter.run.is_some()
        || filter.code.is_some()
        || filter.sql_state.is_some()
        || filter.reason.is_some();
    if given || all {
        return Ok(());
    }
    let text =
        "no filter: give --run, --code, --sqlstate or --reason, or --all for the dead jobs of all runs";
    Err(Failure::usage(text))
}

async fn read(control: &mut Control, filter: &DeadFilter) -> Result<Filter, Failure> {
    let run = match &filter.run {
        Some(name) => Some(find(control, name).await?),
        None => None,
    };
    Ok(Filter { run, code: filter.code, sql_state: filter.sql_state.clone(), reason: filter.reason.clone() })
}

async fn find(control: &mut Control, name: &str) -> Result<job::RunId, Failure> {
    let run = control.find_run(name).await?;
    Ok(run.ok_or_else(|| producer::Error::NoRun(name.to_owned()))?.id)
}

async fn list(control: &mut Control, filter: &DeadFilter, json: bool) -> Result<Exit, Failure> {
    let filter = read(control, filter).await?;
    let groups = control.dead_groups(&filter).await?;
    if json {
        let group = |group: &ledger::DeadGroup| {
            json!({
                "run": group.run, "name": group.name, "reason": group.reason, "code": group.code, "sqlstate": group.sql_state,
                "jobs": group.jobs, "example": group.example,
            })
        };
        print_json(&groups.iter().map(group).collect::<Vec<_>>().into());
        return Ok(Exit::AllDone);
    }
    output::print(format_args!(
        "{:<32} {:<14} {:>6} {:<6} {:>8}  EXAMPLE",
        "RUN", "REASON", "CODE", "STATE", "JOBS"
    ));
    for group in groups {
        let run = group.name.unwrap_or_else(|| "-".into());
        let code = group.code.map_or_else(|| "-".into(), |code| code.to_string());
        let state = group.sql_state.as_deref().unwrap_or("-");
        output::print(format_args!(
            "{run:<32} {:<14} {code:>6} {state:<6} {:>8}  {}",
            group.reason, group.jobs, group.example
        ));
    }
    Ok(Exit::AllDone)
}

async fn show(control: &mut Control, run: &str, seq: u64, json: bool) -> Result<Exit, Failure> {
    let id = find(control, run).await?;
    let Some(row) = control.dead_row(Some(id), seq).await? else {
        return Err(Failure::new(format!(
            "job {seq} of run {run} is not dead: `queryfleet dead list --run {run}`"
        )));
    };
    if json {
        print_json(&row_json(&row));
        return Ok(Exit::AllDone);
    }
    let code = row.code.map_or_else(String::new, |code| format!("{code} "));
    let state = row.sql_state.map_or_else(String::new, |state| format!("({state}) "));
    output::print(format_args!("run {run}, job {seq}: {} ({})", row.state, row.reason));
    output::print(format_args!("error:      {code}{state}{}", row.message));
    if let Some(first) = row.first_error {
        output::print(format_args!("first:      {first}"));
    }
    output::print(format_args!("attempts:   {}", row.attempts));
    output::print(format_args!("worker:     {}", row.worker));
    output::print(format_args!("died:       {}", row.died));
    output::print_block(format_args!("statement:  {}", row.statement.unwrap_or_default()));
    Ok(Exit::AllDone)
}

fn row_json(row: &DeadRow) -> serde_json::Value {
    json!({
        "id": row.id, "run": row.run, "seq": row.seq, "queue": row.queue, "state": row.state,
        "reason": row.reason, "code": row.code, "sqlstate": row.sql_state, "message": row.message,
        "first_error": row.first_error, "attempts": row.attempts, "worker": row.worker,
        "statement": row.statement, "died": row.died,
    })
}
