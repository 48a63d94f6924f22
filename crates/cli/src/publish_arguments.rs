//! The arguments of `queryfleet publish`, and of what else reads an input: `run` and `plan`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use queryfleet::Publish;
use queryfleet_job::{Halt, NotAtomic, RUN_NAME_LIMIT};
use queryfleet_producer::{ChunkSize, CsvDialect, InputFormat, RangeSize};

#[derive(Args)]
#[command(group = clap::ArgGroup::new("jobs").args(["rows", "range"]))]
pub(crate) struct PublishArgs {
    /// Scripts, as the mariadb client takes them, or NDJSON files (.ndjson, .jsonl), plain, .gz or .zst; - is standard
    /// input, a script or NDJSON
    #[arg(required_unless_present = "template", conflicts_with = "template", value_name = "FILE")]
    pub(crate) inputs: Vec<PathBuf>,
    /// One statement with placeholders in place of FILE: 'UPDATE t SET a = :a WHERE id = :id' with --rows, or 'DELETE FROM
    /// t WHERE :range AND a < 7' with --range
    #[arg(long, help_heading = "Input", value_name = "SQL", requires = "jobs")]
    pub(crate) template: Option<String>,
    /// The rows: CSV with a header (\N without quotes is NULL), or NDJSON objects; plain, .gz or .zst; - is standard input
    #[arg(long, help_heading = "Input", value_name = "FILE", requires = "template")]
    pub(crate) rows: Option<PathBuf>,
    /// What the input is, if its name or first character does not say so: sql and ndjson are of FILE, ndjson and csv of
    /// --rows
    #[arg(long, help_heading = "Input", value_name = "sql|ndjson|csv", conflicts_with = "range", value_parser = str::parse::<InputFormat>)]
    pub(crate) format: Option<InputFormat>,
    /// How the CSV is written, where a backslash is ambiguous: mysql escapes with it (INTO OUTFILE), in rfc4180 it is an
    /// ordinary character
    #[arg(long, help_heading = "Input", value_name = "rfc4180|mysql", requires = "rows", value_parser = str::parse::<CsvDialect>)]
    pub(crate) csv_dialect: Option<CsvDialect>,
    /// A unique key, [DATABASE.]TABLE.COLUMN[,COLUMN...]: one job per range of it. :lo and :hi are the first and the last
    /// key of the range, :range is the whole condition
    #[arg(long, help_heading = "Input", value_name = "KEY", requires = "template")]
    pub(crate) range: Option<String>,
    /// Rows per range; auto samples the first ranges, in transactions that are rolled back, and picks a size that takes
    /// about 0.5 s
    #[arg(long, help_heading = "Input", value_name = "ROWS|auto", default_value_t = RangeSize::Rows(1000), requires = "range")]
    pub(crate) size: RangeSize,
    /// Name of the run; an interrupted run with this name is resumed
    #[arg(long, help_heading = "Run", value_name = "NAME", value_parser = run_name)]
    pub(crate) run: Option<String>,
    /// Maximum jobs per message, which is one transaction; auto groups small statements by key that are in nobody's way
    /// for some 30 ms of work, and leaves all others alone (default: auto)
    #[arg(long, help_heading = "Run", value_name = "N|auto", value_parser = str::parse::<ChunkSize>)]
    pub(crate) chunk: Option<ChunkSize>,
    /// SETs for every session that executes jobs of this run, such as 'SET foreign_key_checks = 0'
    #[arg(long, help_heading = "Run", value_name = "SQL")]
    pub(crate) session_sql: Option<String>,
    /// How to run statements that cannot be committed together with their ledger row (CALL, DDL): park those that were
    /// interrupted as unknown, or repeat them because repeating is harmless
    #[arg(long, help_heading = "Run", value_name = "park|repeat", value_parser = str::parse::<NotAtomic>)]
    pub(crate) not_atomic: Option<NotAtomic>,
    /// The SHA-256 of FILE, as sha256sum prints it: if the input differs, because a connection broke for example, nothing
    /// is published
    #[arg(long, help_heading = "Input", value_name = "HEX", conflicts_with = "range", value_parser = sha256)]
    pub(crate) sha256: Option<String>,
    /// Accept UPDATE and DELETE without a WHERE, which change every row of their table
    #[arg(long, help_heading = "Run")]
    pub(crate) allow_no_where: bool,
    /// Publish a new run although there is one of the same input, also if that has ended
    #[arg(long, help_heading = "Run", conflicts_with_all = ["run", "missing"])]
    pub(crate) again: bool,
    /// Publish again those jobs of an earlier publish (--run) that the ledger does not have
    #[arg(long, help_heading = "Run", requires = "run")]
    pub(crate) missing: bool,
    /// Publish so many jobs first, each alone, and the rest after their end and `queryfleet approve`
    #[arg(long, value_name = "JOBS", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) canary: Option<u64>,
    /// Hold the queue when so many jobs of the run are dead, such as 100, or such a share of those that have ended, such as 5%
    #[arg(long, value_name = "JOBS|SHARE", value_parser = str::parse::<Halt>)]
    pub(crate) halt: Option<Halt>,
    /// The run whose dead jobs this one replaces: those that the input names as `dead export` does, or all if it names none
    #[arg(long, help_heading = "Run", value_name = "RUN", requires = "run")]
    pub(crate) replaces: Option<String>,
    /// Print data as JSON
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Limits {
    /// Publish at most this many jobs per second
    #[arg(long, help_heading = "Speed", value_name = "JOBS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    /// Publish only while fewer messages than this, of all runs, wait in the queue
    #[arg(long, help_heading = "Speed", value_name = "MESSAGES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_backlog: Option<u32>,
}

impl Limits {
    /// With these limits.
    pub(crate) fn of(&self, request: Publish) -> Publish {
        let request = with(request, self.rate, Publish::rate);
        with(request, self.max_backlog, Publish::max_backlog)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Explain {
    /// About 50, of as many shapes as there are
    Sample,
    /// Every one
    All,
}

impl PublishArgs {
    /// What cannot be told from single arguments.
    ///
    /// # Errors
    /// A text for people.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.sha256.is_some() && self.inputs.len() > 1 {
            return Err("--sha256 is of one FILE: publish the others separately".into());
        }
        match (self.format, &self.template) {
            (Some(InputFormat::Csv), None) => {
                Err("--format csv is of --rows: a statement for each row is its --template".into())
            }
            (Some(InputFormat::Sql), Some(_)) => Err("--format of --rows is ndjson or csv".into()),
            _ => Ok(()),
        }
    }

    /// What they ask for.
    pub(crate) fn request(&self) -> Publish {
        let request = match (&self.template, &self.rows, &self.range) {
            (Some(template), Some(rows), _) => Publish::rows(template, rows),
            (Some(template), _, Some(key)) => Publish::ranges(template, key, self.size.into()),
            _ => Publish::files(&self.inputs),
        };
        let request = with(request, self.format.map(Into::into), Publish::format);
        let request = with(request, self.csv_dialect.map(Into::into), Publish::csv_dialect);
        let request = with(request, self.sha256.as_ref(), Publish::sha256);
        let request = with(request, self.run.as_ref(), Publish::run);
        let request = with(request, self.chunk.and_then(ChunkSize::jobs), Publish::chunk);
        let request = with(request, self.session_sql.as_ref(), Publish::session_sql);
        let request = with(request, self.not_atomic.map(Into::into), Publish::not_atomic);
        let request = with(request, self.canary, Publish::canary);
        let request = with(request, self.halt.map(Into::into), Publish::halt);
        let request = with(request, self.replaces.as_ref(), Publish::replaces);
        let request = if self.allow_no_where { request.allow_no_where() } else { request };
        let request = if self.again { request.again() } else { request };
        if self.missing { request.missing() } else { request }
    }
}

/// Sets an option if it was given.
fn with<T>(request: Publish, value: Option<T>, set: impl FnOnce(Publish, T) -> Publish) -> Publish {
    match value {
        Some(value) => set(request, value),
        None => request,
    }
}

fn run_name(text: &str) -> Result<String, String> {
    match text.chars().count() {
        0..=RUN_NAME_LIMIT => Ok(text.to_owned()),
        length => {
            Err(format!("it has {length} characters, but the name of a run has at most {RUN_NAME_LIMIT}"))
        }
    }
}

fn sha256(text: &str) -> Result<String, String> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text.to_owned())
    } else {
        Err("expected 64 hexadecimal digits, as sha256sum prints them".into())
    }
}
