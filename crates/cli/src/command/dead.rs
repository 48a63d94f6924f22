//! `queryfleet dead list|show|replay|discard`.

use queryfleet_config::Config;
use queryfleet_ledger::{DeadJob, DeadRow, Filter, LedgerClient};
use queryfleet_producer::{Replayed, Shown};
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
        DeadCommand::Show { run, seq, json } => show(config, &mut control, run, *seq, json.json).await,
        DeadCommand::Replay { filter, all, dry_run } => {
            filtered(filter, *all || *dry_run)?;
            let filter = read(&mut control, filter).await?;
            let replayed = queryfleet_producer::replay(config, &mut control, &filter, *dry_run).await?;
            told(&replayed, if *dry_run { "would be replayed" } else { "replayed" })
        }
        DeadCommand::Discard { filter, all } => {
            filtered(filter, *all)?;
            let filter = read(&mut control, filter).await?;
            output::print(format_args!("{} dead jobs discarded", control.discard(&filter).await?));
            Ok(Exit::AllDone)
        }
    }
}

/// Says what became of them. What was not taken is an error, after the rest was.
fn told(replayed: &Replayed, word: &str) -> Result<Exit, Failure> {
    output::print(format_args!("{} dead jobs {word}", replayed.jobs));
    if replayed.refused == 0 {
        return Ok(Exit::AllDone);
    }
    let more = match replayed.refused - replayed.why.len() as u64 {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Err(Failure::new(format!("{} dead jobs not {word}: {}{more}", replayed.refused, replayed.why.join("; "))))
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

async fn read(control: &mut LedgerClient, filter: &DeadFilter) -> Result<Filter, Failure> {
    let run = match &filter.run {
        Some(name) => Some(find(control, name).await?),
        None => None,
    };
    Ok(Filter { run, code: filter.code, sql_state: filter.sql_state.clone(), reason: filter.reason.clone() })
}

async fn find(control: &mut LedgerClient, name: &str) -> Result<queryfleet_job::RunId, Failure> {
    let run = control.find_run(name).await?;
    Ok(run.ok_or_else(|| queryfleet_producer::Error::NoRun(name.to_owned()))?.id)
}

async fn list(control: &mut LedgerClient, filter: &DeadFilter, json: bool) -> Result<Exit, Failure> {
    let filter = read(control, filter).await?;
    let groups = control.dead_groups(&filter).await?;
    if json {
        let group = |group: &queryfleet_ledger::DeadGroup| {
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

async fn show(
    config: &Config,
    control: &mut LedgerClient,
    run: &str,
    seq: u64,
    json: bool,
) -> Result<Exit, Failure> {
    let id = find(control, run).await?;
    let Some(row) = control.dead_row(Some(id), seq).await? else {
        return Err(Failure::new(format!(
            "job {seq} of run {run} is not dead: `queryfleet dead list --run {run}`"
        )));
    };
    let (envelope, signature) = (row.envelope.clone(), row.signature.clone());
    let job = DeadJob { id: row.id, run: id, seq, queue: row.queue.clone(), envelope, signature };
    let shown = queryfleet_producer::show(config, control, job).await?;
    if json {
        print_json(&row_json(&row, &shown));
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
    if let Some(job) = &shown.job {
        output::print_block(format_args!("statement:  {}", job.sql));
        if !job.params.is_empty() {
            output::print(format_args!("values:     {}", json!(job.params)));
        }
        if let Some(database) = &job.database {
            output::print(format_args!("database:   {database}"));
        }
    }
    if let Some(sql) = &shown.session_sql {
        output::print_block(format_args!("session:    {sql}"));
    }
    if let Some(how) = shown.not_atomic {
        output::print(format_args!("not atomic: {}", how.as_str()));
    }
    if let Some(why) = &shown.refused {
        output::print(format_args!("replay:     not possible: {why}"));
    }
    Ok(Exit::AllDone)
}

/// The statement and all beside it are those that a replay would execute, not what the row says of them.
fn row_json(row: &DeadRow, shown: &Shown) -> serde_json::Value {
    let job = shown.job.as_ref();
    json!({
        "id": row.id, "run": row.run, "seq": row.seq, "queue": row.queue, "state": row.state,
        "reason": row.reason, "code": row.code, "sqlstate": row.sql_state, "message": row.message,
        "first_error": row.first_error, "attempts": row.attempts, "worker": row.worker,
        "statement": job.map(|job| &job.sql), "params": job.map(|job| &job.params),
        "database": job.and_then(|job| job.database.as_ref()), "session_sql": shown.session_sql,
        "not_atomic": shown.not_atomic.map(queryfleet_job::NotAtomic::as_str), "replay_refused": shown.refused, "died": row.died,
    })
}
