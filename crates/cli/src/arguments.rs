//! The arguments. Flag names follow gh-ost, Percona and GNU parallel where they have one.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

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
    /// Publish the statements of a script as a run
    Publish(Publish),
    /// Serve the queue: a worker with SLOTS slots, until SIGTERM or Ctrl-C
    Work {
        #[command(flatten)]
        slots: Slots,
    },
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
        publish: Publish,
        #[command(flatten)]
        slots: Slots,
        #[command(flatten)]
        timeout: Timeout,
    },
    /// Show how a run stands, or the newest runs
    Status {
        /// The run's name or id
        run: Option<String>,
        #[command(flatten)]
        json: Json,
    },
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
pub(crate) struct Publish {
    /// The script: statements as the mariadb client takes them
    pub(crate) input: PathBuf,
    /// The run's name; a run of this name that was interrupted is gone on with
    #[arg(long, value_name = "NAME")]
    pub(crate) run: Option<String>,
    /// Jobs a message and a transaction
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) chunk: usize,
    /// SQL for every session that runs this run's jobs, after the init step
    #[arg(long, value_name = "SQL")]
    pub(crate) session_sql: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

fn duration(text: &str) -> Result<Duration, String> {
    config::parse_duration(text).ok_or_else(|| "expected a number with its unit, such as 500ms, 90s, 15m or 2h".into())
}
