//! The arguments of `queryfleet dead`.

use clap::{Args, Subcommand};
use queryfleet_operator::ExportFormat;

use crate::help::examples;

#[derive(Subcommand)]
pub(crate) enum DeadCommand {
    /// List the dead jobs that wait for a decision, grouped by run, error and kind of statement
    #[command(after_help = examples(&["dead list", "dead list --run cleanup --jobs"]))]
    List {
        #[command(flatten)]
        filter: DeadFilter,
        /// One by one, each with its place in the input and its values
        #[arg(long)]
        jobs: bool,
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one dead job: its statement, its errors, and whether it can be replayed
    #[command(after_help = examples(&["dead show cleanup 7"]))]
    Show {
        /// The run's name or id
        run: String,
        /// The job's place in the run
        seq: u64,
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print dead jobs as an input, to be repaired and published with --replaces
    #[command(after_help = examples(&["dead export --run cleanup >fix.sql", "run fix.sql --run fix --replaces cleanup"]))]
    #[command(mut_arg("run", |run| run.required(true)))]
    Export {
        #[command(flatten)]
        filter: DeadFilter,
        /// A script with the errors as comments, or NDJSON, which keeps values and deadlines
        #[arg(long, value_name = "sql|ndjson", default_value = "sql", value_parser = str::parse::<ExportFormat>)]
        format: ExportFormat,
    },
    /// Run dead jobs once more, each exactly once
    #[command(after_help = examples(&["dead replay --run cleanup --code 1205 --dry-run"]))]
    Replay {
        #[command(flatten)]
        filter: DeadFilter,
        /// Replay all dead jobs of all runs if no filter is given
        #[arg(long)]
        all: bool,
        /// Only count them
        #[arg(long)]
        dry_run: bool,
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
    /// Give dead jobs up for good: nothing brings them back
    #[command(after_help = examples(&["dead discard --run cleanup --code 1062 --dry-run", "dead discard --run cleanup --code 1062 --yes"]))]
    Discard {
        #[command(flatten)]
        filter: DeadFilter,
        /// Discard all dead jobs of all runs if no filter is given
        #[arg(long)]
        all: bool,
        /// Only list and count them
        #[arg(long)]
        dry_run: bool,
        /// Do not ask; needed where there is no terminal
        #[arg(long)]
        yes: bool,
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
}

impl DeadCommand {
    /// Whether what it prints is all that it does.
    pub(crate) fn only_shows(&self) -> bool {
        match self {
            DeadCommand::List { .. } | DeadCommand::Show { .. } | DeadCommand::Export { .. } => true,
            DeadCommand::Replay { dry_run, .. } | DeadCommand::Discard { dry_run, .. } => *dry_run,
        }
    }
}

#[derive(Args)]
pub(crate) struct DeadFilter {
    /// Of this run (name or id)
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// Only the job with this number in its run
    #[arg(long, value_name = "N", requires = "run")]
    pub(crate) job: Option<u64>,
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
        let DeadFilter { run, job, code, sql_state, reason } = filter;
        queryfleet_operator::DeadFilter { run, seq: job, code, sql_state, reason }
    }
}
