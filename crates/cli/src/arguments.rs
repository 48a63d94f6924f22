//! The arguments. Flag names follow gh-ost, Percona and GNU parallel where they have one.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use queryfleet_job::RUN_NAME_LIMIT;
use queryfleet_operator::Role;
use queryfleet_producer::{CsvDialect, LARGEST_CHUNK, RangeSize, Ranges, Source};

use crate::exit::HELP;

/// Runs big batches of SQL exactly once: a fleet of workers over RabbitMQ and MySQL or MariaDB.
#[derive(Parser)]
#[command(name = "queryfleet", version, after_help = HELP, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show the whole promise in half a minute, on private servers: 10,000 updates, a worker killed on the way
    Demo(Json),
    /// Start private servers in a temporary folder; run COMMAND with the environment that reaches them
    Dev {
        /// The command and its arguments; without one the environment is printed, until Ctrl-C
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Make the tables and the queues; safe to run twice and at once
    Setup,
    /// Say what a publish with these arguments would do, without publishing; exit code 1 if it would be refused
    Plan {
        #[command(flatten)]
        publish: Input,
        /// Which statements the server is asked about, without running them: some of each shape, or all
        #[arg(long, default_value = "sample")]
        explain: Explain,
    },
    /// Publish the statements of a script as a run
    Publish {
        #[command(flatten)]
        publish: Input,
        #[command(flatten)]
        limits: Limits,
    },
    /// Serve the queue: a worker with SLOTS slots, until SIGTERM or Ctrl-C
    Work {
        #[command(flatten)]
        slots: Slots,
    },
    /// Do nothing until SIGTERM or Ctrl-C: keeps a container there to run the other commands in
    Idle,
    /// Wait until a run has ended
    Wait {
        /// The run's name or id
        run: String,
        #[command(flatten)]
        timeout: Timeout,
        #[command(flatten)]
        json: Json,
    },
    /// Publish a script, serve it with one process, and wait for its end
    Run {
        #[command(flatten)]
        publish: Input,
        #[command(flatten)]
        slots: Slots,
        #[command(flatten)]
        timeout: Timeout,
    },
    /// Cancel a run: what has not begun will not run
    Cancel {
        /// The run's name or id
        run: String,
        /// End running statements too, instead of waiting for them
        #[arg(long)]
        now: bool,
    },
    /// Look at dead jobs, bring them back, or give them up
    #[command(subcommand)]
    Dead(DeadCommand),
    /// Delete the ledger rows, dead jobs and ranges of a run that ended at least 24 hours ago
    Purge {
        /// The run's name or id
        run: String,
    },
    /// Show how a run stands, or the newest runs
    Status {
        /// The run's name or id
        run: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Check both servers, rights and settings: a line each, what was found and what to do; exit code 1 if one fails
    Doctor {
        /// Check the database rights for this part only, as deploy/grants.sql has it
        #[arg(long = "for", value_name = "PART")]
        only: Option<Role>,
        #[command(flatten)]
        json: Json,
    },
}

impl Command {
    /// Whether this process will execute jobs.
    pub(crate) fn executes(&self) -> bool {
        matches!(self, Command::Work { .. } | Command::Run { .. })
    }

    /// Whether what it prints is all that it does.
    pub(crate) fn only_shows(&self) -> bool {
        match self {
            Command::Demo(_) | Command::Plan { .. } | Command::Doctor { .. } | Command::Status { .. } => true,
            Command::Dead(DeadCommand::List { .. } | DeadCommand::Show { .. }) => true,
            Command::Dead(DeadCommand::Replay { dry_run, .. }) => *dry_run,
            Command::Dead(DeadCommand::Discard { .. }) => false,
            Command::Dev { .. } | Command::Setup | Command::Publish { .. } | Command::Work { .. } => false,
            Command::Idle => false,
            Command::Wait { .. } | Command::Run { .. } | Command::Cancel { .. } | Command::Purge { .. } => {
                false
            }
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum DeadCommand {
    /// Dead jobs that wait for a decision, grouped by run, reason and error
    List {
        #[command(flatten)]
        filter: DeadFilter,
        #[command(flatten)]
        json: Json,
    },
    /// One dead job, whole
    Show {
        /// The run's name or id
        run: String,
        /// The job's place in the run
        seq: u64,
        #[command(flatten)]
        json: Json,
    },
    /// Run dead jobs once more, each exactly once
    Replay {
        #[command(flatten)]
        filter: DeadFilter,
        /// All dead jobs of all runs, when no filter is given
        #[arg(long)]
        all: bool,
        /// Only say how many
        #[arg(long)]
        dry_run: bool,
    },
    /// Give dead jobs up: nothing brings them back
    Discard {
        #[command(flatten)]
        filter: DeadFilter,
        /// All dead jobs of all runs, when no filter is given
        #[arg(long)]
        all: bool,
    },
}

#[derive(Args)]
pub(crate) struct DeadFilter {
    /// Of this run (name or id)
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// With this server error code, such as 1062
    #[arg(long, value_name = "CODE")]
    pub(crate) code: Option<u16>,
    /// With this SQLSTATE, such as 23000
    #[arg(long = "sqlstate", value_name = "STATE")]
    pub(crate) sql_state: Option<String>,
    /// For this reason, such as error, attempts, timeout, unknown
    #[arg(long, value_name = "REASON")]
    pub(crate) reason: Option<String>,
}

impl From<DeadFilter> for queryfleet_operator::DeadFilter {
    fn from(filter: DeadFilter) -> queryfleet_operator::DeadFilter {
        let DeadFilter { run, code, sql_state, reason } = filter;
        queryfleet_operator::DeadFilter { run, code, sql_state, reason }
    }
}

#[derive(Args)]
pub(crate) struct Json {
    /// Print data as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Slots {
    /// How many statements to execute at once (default: QUERYFLEET_SLOTS, 4)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) slots: Option<u16>,
}

#[derive(Args)]
pub(crate) struct Timeout {
    /// Give up waiting after this time, such as 90s or 2h; the run goes on
    #[arg(long, value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("jobs").args(["rows", "range"]))]
pub(crate) struct Input {
    /// Scripts, as the mariadb client takes them, or NDJSON files (.ndjson, .jsonl), plain, .gz or .zst; - reads a script
    /// from standard input
    #[arg(required_unless_present = "template", conflicts_with = "template", value_name = "FILE")]
    pub(crate) inputs: Vec<PathBuf>,
    /// One statement with placeholders instead of FILE: 'UPDATE t SET a = :a WHERE id = :id' with --rows, or 'DELETE FROM t
    /// WHERE :range AND a < 7' with --range
    #[arg(long, value_name = "SQL", requires = "jobs")]
    pub(crate) template: Option<String>,
    /// The rows: CSV with a header (\N without quotes is NULL), or NDJSON objects; plain, .gz or .zst; - is standard input
    #[arg(long, value_name = "FILE", requires = "template")]
    pub(crate) rows: Option<PathBuf>,
    /// How CSV is written, where a backslash could mean either: mysql escapes with it (INTO OUTFILE), in rfc4180 it is a
    /// character
    #[arg(long, value_name = "rfc4180|mysql", requires = "rows", value_parser = str::parse::<CsvDialect>)]
    pub(crate) csv_dialect: Option<CsvDialect>,
    /// A unique key, [DATABASE.]TABLE.COLUMN[,COLUMN...]: a job for every range of it. :lo and :hi are the first and the last
    /// key of the range, :range is the whole condition
    #[arg(long, value_name = "KEY", requires = "template")]
    pub(crate) range: Option<String>,
    /// Rows a range; auto learns from the first ranges how many a statement does in 0.5 s, trying it in transactions that
    /// are rolled back
    #[arg(long, value_name = "ROWS|auto", default_value_t = RangeSize::Rows(1000), requires = "range")]
    pub(crate) size: RangeSize,
    /// The run's name; a run of this name that was interrupted is gone on with
    #[arg(long, value_name = "NAME", value_parser = run_name)]
    pub(crate) run: Option<String>,
    /// Jobs a message and a transaction, at most: fewer where the message would be too large
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=LARGEST_CHUNK as i64))]
    pub(crate) chunk: u16,
    /// SQL for every session that runs this run's jobs, after the init step
    #[arg(long, value_name = "SQL")]
    pub(crate) session_sql: Option<String>,
    /// How to run statements that cannot be committed together with their ledger row (CALL, DDL): park what was
    /// interrupted as unknown, or repeat it because repeating is harmless
    #[arg(long, value_name = "park|repeat", value_parser = str::parse::<queryfleet_job::NotAtomic>)]
    pub(crate) not_atomic: Option<queryfleet_job::NotAtomic>,
    /// The SHA-256 of FILE, as sha256sum prints it: what came otherwise, as over a connection that broke, publishes nothing
    #[arg(long, value_name = "HEX", conflicts_with = "range", value_parser = sha256)]
    pub(crate) sha256: Option<String>,
    /// Take UPDATE and DELETE without a WHERE, which change every row of their table
    #[arg(long)]
    pub(crate) allow_no_where: bool,
    /// Publish a new run although one of the same input has not ended
    #[arg(long, conflicts_with_all = ["run", "missing"])]
    pub(crate) again: bool,
    /// Publish again those jobs of an earlier publish (--run) that the ledger does not have
    #[arg(long, requires = "run")]
    pub(crate) missing: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Args)]
pub(crate) struct Limits {
    /// Publish no more than this many jobs a second
    #[arg(long, value_name = "JOBS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    /// Publish only while fewer messages than this, of all runs, wait in the queue
    #[arg(long, value_name = "MESSAGES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_backlog: Option<u32>,
}

impl From<Limits> for queryfleet_producer::Limits {
    fn from(limits: Limits) -> queryfleet_producer::Limits {
        queryfleet_producer::Limits { rate: limits.rate, max_backlog: limits.max_backlog }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Explain {
    /// Some 50, of as many shapes as there are
    Sample,
    /// Every one
    All,
}

impl Input {
    /// What cannot be told from single arguments.
    ///
    /// # Errors
    /// A text for people.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self.sha256 {
            Some(_) if self.inputs.len() > 1 => {
                Err("--sha256 is of one FILE: publish the others apart".into())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn source(&self) -> Source<'_> {
        match (&self.template, &self.rows, &self.range) {
            (Some(template), Some(rows), _) => Source::Rows { template, rows, dialect: self.csv_dialect },
            (Some(template), _, Some(key)) => Source::Range(Ranges { template, key, size: self.size }),
            _ => Source::Files(&self.inputs),
        }
    }
}

fn run_name(text: &str) -> Result<String, String> {
    match text.chars().count() {
        0..=RUN_NAME_LIMIT => Ok(text.to_owned()),
        length => Err(format!("it has {length} characters, a run's name at most {RUN_NAME_LIMIT}")),
    }
}

fn sha256(text: &str) -> Result<String, String> {
    match text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(text.to_owned()),
        false => Err("expected 64 hexadecimal digits, as sha256sum prints them".into()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    queryfleet_config::parse_duration(text)
        .ok_or_else(|| "expected a number with its unit, such as 500ms, 90s, 15m or 2h".into())
}
