//! `queryfleet dead list|show|replay|discard`.

use queryfleet_config::Config;
use queryfleet_job::{NotAtomic, Param};
use queryfleet_ledger::DeadGroup;
use queryfleet_operator::{DeadDetails, DeadFilter, Operator, Replayed};
use serde::Serialize;

use crate::Exit;
use crate::arguments::DeadCommand;
use crate::bar::counted;
use crate::failure::Failure;
use crate::output::{self, Align, print_json, print_table};

/// Looks at dead jobs, brings them back, or gives them up.
pub(crate) async fn dead(config: &Config, command: DeadCommand) -> Result<Exit, Failure> {
    let mut operator = Operator::new(config)?;
    match command {
        DeadCommand::List { filter, json } => list(&mut operator, &filter.into(), json).await,
        DeadCommand::Show { run, seq, json } => show(&mut operator, &run, seq, json).await,
        DeadCommand::Replay { filter, all, dry_run } => {
            replay(&mut operator, &filter.into(), all, dry_run).await
        }
        DeadCommand::Discard { filter, all } => {
            let discarded = operator.discard(&filter.into(), all).await?;
            output::print(format_args!("{} discarded", counted(discarded, "dead job")));
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
    output::print(format_args!("{} {replayed}", counted(jobs, "dead job")));
    if refused == 0 {
        return Ok(Exit::Success);
    }
    let more = match refused - reasons.len() as u64 {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Err(Failure::new(format!(
        "{} not {replayed}: {}{more}",
        counted(refused, "dead job"),
        reasons.join("; ")
    )))
}

async fn list(operator: &mut Operator, filter: &DeadFilter, json: bool) -> Result<Exit, Failure> {
    let groups = operator.dead_groups(filter).await?;
    if json {
        print_json(&groups.iter().map(GroupView::from).collect::<Vec<_>>());
    } else {
        print_groups(groups);
    }
    Ok(Exit::Success)
}

fn print_groups(groups: Vec<DeadGroup>) {
    let columns = [
        ("RUN", Align::Left),
        ("REASON", Align::Left),
        ("CODE", Align::Right),
        ("STATE", Align::Left),
        ("JOBS", Align::Right),
        ("EXAMPLE", Align::Left),
    ];
    let none = || "-".to_owned();
    let row = |group: DeadGroup| {
        [
            group.name.unwrap_or_else(none),
            group.reason,
            group.code.map_or_else(none, |code| code.to_string()),
            group.sql_state.unwrap_or_else(none),
            group.jobs.to_string(),
            group.example,
        ]
    };
    print_table(columns, &groups.into_iter().map(row).collect::<Vec<_>>());
}

async fn show(operator: &mut Operator, run: &str, seq: u64, json: bool) -> Result<Exit, Failure> {
    let details = operator.dead_job(run, seq).await?;
    if json {
        print_json(&JobView::from(&details));
    } else {
        print_job(run, seq, details);
    }
    Ok(Exit::Success)
}

fn print_job(run: &str, seq: u64, DeadDetails { row, replay }: DeadDetails) {
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
            output::print(format_args!("values:     {}", values(&job.params)));
        }
        if let Some(database) = &job.database {
            output::print(format_args!("database:   {database}"));
        }
    }
    if let Some(sql) = &replay.session_sql {
        output::print_block(format_args!("session:    {sql}"));
    }
    if let Some(how) = replay.not_atomic {
        output::print(format_args!("non-transactional: {}", how.as_str()));
    }
    if let Some(why) = &replay.refused {
        output::print(format_args!("replay:     not possible: {why}"));
    }
}

fn values(params: &[Param]) -> String {
    // Text and numbers always have a form in JSON.
    serde_json::to_string(params).unwrap_or_default()
}

/// A contract: keys are added, never changed.
#[derive(Serialize)]
struct GroupView<'a> {
    run: Option<u64>,
    name: Option<&'a str>,
    reason: &'a str,
    code: Option<u16>,
    sqlstate: Option<&'a str>,
    jobs: u64,
    example: &'a str,
}

impl<'a> From<&'a DeadGroup> for GroupView<'a> {
    fn from(group: &'a DeadGroup) -> GroupView<'a> {
        GroupView {
            run: group.run,
            name: group.name.as_deref(),
            reason: &group.reason,
            code: group.code,
            sqlstate: group.sql_state.as_deref(),
            jobs: group.jobs,
            example: &group.example,
        }
    }
}

/// A contract: keys are added, never changed. The statement and all beside it are those that a replay would execute, not
/// what the row says of them.
#[derive(Serialize)]
struct JobView<'a> {
    id: u64,
    run: Option<u64>,
    seq: Option<u64>,
    queue: &'a str,
    state: &'a str,
    reason: &'a str,
    code: Option<u16>,
    sqlstate: Option<&'a str>,
    message: &'a str,
    first_error: Option<&'a str>,
    attempts: u32,
    worker: &'a str,
    statement: Option<&'a str>,
    params: Option<&'a [Param]>,
    database: Option<&'a str>,
    session_sql: Option<&'a str>,
    not_atomic: Option<&'static str>,
    replay_refused: Option<&'a str>,
    died: &'a str,
}

impl<'a> From<&'a DeadDetails> for JobView<'a> {
    fn from(DeadDetails { row, replay }: &'a DeadDetails) -> JobView<'a> {
        let job = replay.job.as_ref();
        JobView {
            id: row.id,
            run: row.run,
            seq: row.seq,
            queue: &row.queue,
            state: &row.state,
            reason: &row.reason,
            code: row.code,
            sqlstate: row.sql_state.as_deref(),
            message: &row.message,
            first_error: row.first_error.as_deref(),
            attempts: row.attempts,
            worker: &row.worker,
            statement: job.map(|job| job.sql.as_str()),
            params: job.map(|job| job.params.as_slice()),
            database: job.and_then(|job| job.database.as_deref()),
            session_sql: replay.session_sql.as_deref(),
            not_atomic: replay.not_atomic.map(NotAtomic::as_str),
            replay_refused: replay.refused.as_deref(),
            died: &row.died,
        }
    }
}
