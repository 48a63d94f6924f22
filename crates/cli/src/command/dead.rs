//! `queryfleet dead list|show|replay|discard`.

use queryfleet_config::Config;
use queryfleet_ledger::DeadGroup;
use queryfleet_operator::{DeadDetails, DeadFilter, Operator, Replayed};
use serde_json::json;

use crate::Exit;
use crate::arguments::DeadCommand;
use crate::command::print_json;
use crate::failure::Failure;
use crate::output;

/// Looks at dead jobs, brings them back, or gives them up.
pub(crate) async fn dead(config: &Config, command: DeadCommand) -> Result<Exit, Failure> {
    let mut operator = Operator::new(config)?;
    match command {
        DeadCommand::List { filter, json } => list(&mut operator, &filter.into(), json.json).await,
        DeadCommand::Show { run, seq, json } => show(&mut operator, &run, seq, json.json).await,
        DeadCommand::Replay { filter, all, dry_run } => {
            replay(&mut operator, &filter.into(), all, dry_run).await
        }
        DeadCommand::Discard { filter, all } => {
            let discarded = operator.discard(&filter.into(), all).await?;
            output::print(format_args!("{discarded} dead jobs discarded"));
            Ok(Exit::Success)
        }
    }
}

/// Brings dead jobs back and says what became of them. What was not taken is an error, after the rest was.
async fn replay(
    operator: &mut Operator,
    filter: &DeadFilter,
    all: bool,
    dry_run: bool,
) -> Result<Exit, Failure> {
    let Replayed { jobs, refused, reasons } = operator.replay(filter, all, dry_run).await?;
    let replayed = if dry_run { "would be replayed" } else { "replayed" };
    output::print(format_args!("{jobs} dead jobs {replayed}"));
    if refused == 0 {
        return Ok(Exit::Success);
    }
    let more = match refused - reasons.len() as u64 {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Err(Failure::new(format!("{refused} dead jobs not {replayed}: {}{more}", reasons.join("; "))))
}

async fn list(operator: &mut Operator, filter: &DeadFilter, json: bool) -> Result<Exit, Failure> {
    let groups = operator.dead_groups(filter).await?;
    if json {
        let group = |group: &DeadGroup| {
            json!({
                "run": group.run, "name": group.name, "reason": group.reason, "code": group.code, "sqlstate": group.sql_state,
                "jobs": group.jobs, "example": group.example,
            })
        };
        print_json(&groups.iter().map(group).collect::<Vec<_>>().into());
        return Ok(Exit::Success);
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
    Ok(Exit::Success)
}

async fn show(operator: &mut Operator, run: &str, seq: u64, json: bool) -> Result<Exit, Failure> {
    let details = operator.dead_job(run, seq).await?;
    if json {
        print_json(&details_json(&details));
        return Ok(Exit::Success);
    }
    let DeadDetails { row, replay } = details;
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
    if let Some(job) = &replay.job {
        output::print_block(format_args!("statement:  {}", job.sql));
        if !job.params.is_empty() {
            output::print(format_args!("values:     {}", json!(job.params)));
        }
        if let Some(database) = &job.database {
            output::print(format_args!("database:   {database}"));
        }
    }
    if let Some(sql) = &replay.session_sql {
        output::print_block(format_args!("session:    {sql}"));
    }
    if let Some(how) = replay.not_atomic {
        output::print(format_args!("not atomic: {}", how.as_str()));
    }
    if let Some(why) = &replay.refused {
        output::print(format_args!("replay:     not possible: {why}"));
    }
    Ok(Exit::Success)
}

/// A contract: keys are added, never changed. The statement and all beside it are those that a replay would execute, not
/// what the row says of them.
fn details_json(DeadDetails { row, replay }: &DeadDetails) -> serde_json::Value {
    let job = replay.job.as_ref();
    json!({
        "id": row.id, "run": row.run, "seq": row.seq, "queue": row.queue, "state": row.state,
        "reason": row.reason, "code": row.code, "sqlstate": row.sql_state, "message": row.message,
        "first_error": row.first_error, "attempts": row.attempts, "worker": row.worker,
        "statement": job.map(|job| &job.sql), "params": job.map(|job| &job.params),
        "database": job.and_then(|job| job.database.as_ref()), "session_sql": replay.session_sql,
        "not_atomic": replay.not_atomic.map(queryfleet_job::NotAtomic::as_str), "replay_refused": replay.refused,
        "died": row.died,
    })
}
