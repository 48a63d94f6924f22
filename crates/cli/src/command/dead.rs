//! `queryfleet dead list|show|export|replay|discard`.

use std::io::IsTerminal;

use queryfleet_config::Config;
use queryfleet_job::{NotAtomic, Param, shown};
use queryfleet_operator::{DeadDetails, DeadFilter, DeadGroup, Operator, Taken};
use serde::Serialize;

use crate::Exit;
use crate::bar::counted;
use crate::dead_arguments::DeadCommand;
use crate::failure::Failure;
use crate::output::{self, Align, JsonList, print_json, print_table};

/// Looks at dead jobs, brings them back, or gives them up.
pub(crate) async fn dead(config: &Config, command: DeadCommand) -> Result<Exit, Failure> {
    let mut operator = Operator::new(config)?;
    match command {
        DeadCommand::List { filter, jobs: false, json } => list(&mut operator, &filter.into(), json).await,
        DeadCommand::List { filter, jobs: true, json } => {
            list_jobs(&mut operator, &filter.into(), json).await
        }
        DeadCommand::Show { run, seq, json } => show(&mut operator, &run, seq, json).await,
        DeadCommand::Export { filter, format } => {
            let exported =
                operator.export(&filter.into(), format, &mut |text| output::print_data(text)).await?;
            output::say(format_args!("{} exported", counted(exported.jobs, "dead job")));
            after_refusals(&exported, "exported")
        }
        DeadCommand::Replay { filter, all, dry_run, json } => {
            replay(&mut operator, &filter.into(), all, dry_run, json).await
        }
        DeadCommand::Discard { filter, all, dry_run, yes, json } => {
            let how = Discard { all, dry_run, yes, json };
            discard(&mut operator, &filter.into(), &how).await
        }
    }
}

/// How dead jobs are discarded.
struct Discard {
    all: bool,
    dry_run: bool,
    yes: bool,
    json: bool,
}

/// A contract: keys are added, never changed.
#[derive(Serialize)]
struct DiscardedView {
    discarded: u64,
    dry_run: bool,
}

/// Says what there is, asks, and gives it up.
async fn discard(operator: &mut Operator, filter: &DeadFilter, how: &Discard) -> Result<Exit, Failure> {
    let Discard { all, dry_run, yes, json } = *how;
    let found = operator.discard(filter, all, true).await?;
    if !json {
        let groups = operator.dead_groups(filter).await?;
        if !groups.is_empty() {
            print_groups(groups);
        }
    }
    let discarded = if dry_run || found == 0 {
        found
    } else {
        // An empty filter without --all is refused before anybody is asked.
        if !filter.is_empty() || all {
            confirm(&format!("discard {} for good", counted(found, "dead job")), yes)?;
        }
        operator.discard(filter, all, false).await?
    };
    if json {
        print_json(&DiscardedView { discarded, dry_run });
    } else {
        let what = if dry_run { "would be discarded" } else { "discarded" };
        output::print(format_args!("{} {what}", counted(discarded, "dead job")));
    }
    Ok(Exit::Success)
}

/// Asks on a terminal; elsewhere only `--yes` answers.
fn confirm(what: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("to {what} without a terminal, say --yes")));
    }
    output::say(format_args!("{what}? Type yes to go on"));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|error| Failure::new(error.to_string()))?;
    match answer.trim() {
        "yes" | "y" => Ok(()),
        _ => Err(Failure::new("nothing was discarded".to_owned())),
    }
}

/// A contract: keys are added, never changed.
#[derive(Serialize)]
struct ReplayedView<'a> {
    replayed: u64,
    refused: u64,
    /// Why the first of them were refused.
    reasons: &'a [String],
    dry_run: bool,
}

/// Brings dead jobs back and says what became of them.
async fn replay(
    operator: &mut Operator,
    filter: &DeadFilter,
    all: bool,
    dry_run: bool,
    json: bool,
) -> Result<Exit, Failure> {
    let taken = operator.replay(filter, all, dry_run).await?;
    let Taken { jobs, refused, reasons } = &taken;
    let replayed = if dry_run { "would be replayed" } else { "replayed" };
    if json {
        print_json(&ReplayedView { replayed: *jobs, refused: *refused, reasons, dry_run });
    } else {
        output::print(format_args!("{} {replayed}", counted(*jobs, "dead job")));
    }
    after_refusals(&taken, replayed)
}

/// What was not taken is an error, after the rest was.
fn after_refusals(Taken { refused, reasons, .. }: &Taken, taken: &str) -> Result<Exit, Failure> {
    if *refused == 0 {
        return Ok(Exit::Success);
    }
    let more = match refused - reasons.len() as u64 {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Err(Failure::new(format!("{} not {taken}: {}{more}", counted(*refused, "dead job"), reasons.join("; "))))
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
        ("FIRST", Align::Left),
        ("ERROR", Align::Left),
        ("STATEMENT", Align::Left),
    ];
    let none = || "-".to_owned();
    let row = |group: DeadGroup| {
        let place = group.place.map_or_else(String::new, |place| format!(", {place}"));
        let first = group.seq.map(|seq| format!("job {seq}{place}"));
        [
            group.name.unwrap_or_else(none),
            group.reason,
            group.code.map_or_else(none, |code| code.to_string()),
            group.sql_state.unwrap_or_else(none),
            group.jobs.to_string(),
            first.unwrap_or_else(none),
            shown(&group.example),
            group.statement.unwrap_or_else(none),
        ]
    };
    print_table(columns, &groups.into_iter().map(row).collect::<Vec<_>>());
}

/// Every dead job of a filter.
async fn list_jobs(operator: &mut Operator, filter: &DeadFilter, json: bool) -> Result<Exit, Failure> {
    let mut list = JsonList::default();
    let mut rows = Vec::new();
    let mut last = None;
    loop {
        let page = operator.dead_jobs(filter, last.as_ref()).await?;
        if page.is_empty() {
            break;
        }
        if json {
            page.iter().for_each(|job| list.push(&JobView::from(job)));
        } else {
            rows.extend(page.iter().map(job_row));
        }
        last = page.into_iter().next_back();
    }
    if json {
        list.end();
    } else {
        let columns = [
            ("RUN", Align::Left),
            ("JOB", Align::Right),
            ("PLACE", Align::Left),
            ("CODE", Align::Right),
            ("ERROR", Align::Left),
            ("STATEMENT", Align::Left),
        ];
        print_table(columns, &rows);
    }
    Ok(Exit::Success)
}

fn job_row(details: &DeadDetails) -> [String; 6] {
    let DeadDetails { row, name, place, replay } = details;
    let none = || "-".to_owned();
    let statement = replay.job.as_ref().map_or_else(none, |job| match job.params.as_slice() {
        [] => shown(&job.sql),
        params => format!("{} {}", shown(&job.sql), shown(&values(params))),
    });
    [
        name.clone(),
        row.seq.map_or_else(none, |seq| seq.to_string()),
        place.clone().unwrap_or_else(none),
        row.code.map_or_else(none, |code| code.to_string()),
        shown(&row.message),
        statement,
    ]
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

fn print_job(run: &str, seq: u64, DeadDetails { row, place, replay, .. }: DeadDetails) {
    let code = row.code.map_or_else(String::new, |code| format!("{code} "));
    let state = row.sql_state.map_or_else(String::new, |state| format!("({state}) "));
    output::print(format_args!("run {run}, job {seq}: {} ({})", row.state, row.reason));
    output::print(format_args!("error:      {code}{state}{}", row.message));
    if let Some(first) = row.first_error {
        output::print(format_args!("first:      {first}"));
    }
    if let Some(place) = place {
        output::print(format_args!("place:      {place}"));
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
    /// Of the first of them.
    seq: Option<u64>,
    place: Option<&'a str>,
    statement: Option<&'a str>,
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
            seq: group.seq,
            place: group.place.as_deref(),
            statement: group.statement.as_deref(),
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
    name: &'a str,
    place: Option<&'a str>,
}

impl<'a> From<&'a DeadDetails> for JobView<'a> {
    fn from(DeadDetails { row, name, place, replay }: &'a DeadDetails) -> JobView<'a> {
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
            name,
            place: place.as_deref(),
        }
    }
}
