//! The arguments. Flag names follow gh-ost, Percona and GNU parallel where they have one.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use queryfleet::Wait;
use queryfleet_config::MAX_SLOTS;
use queryfleet_ledger::RunStatus;
use queryfleet_operator::Role;
use tracing_subscriber::filter::LevelFilter;

use crate::Exit;
use crate::dead_arguments::DeadCommand;
use crate::help::{self, examples, examples_and_exit_codes};
use crate::hold_arguments::PauseArgs;
use crate::limit_arguments::LimitArgs;
use crate::publish_arguments::{Explain, Limits, PublishArgs};

/// The version, and the commit that it was built from.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("QUERYFLEET_REVISION"), ")");

/// Runs big batches of SQL exactly once: a fleet of workers over RabbitMQ and MySQL or MariaDB.
#[derive(Parser)]
#[command(name = "queryfleet", version = VERSION, after_help = help::root(), arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

// Parsed once per process.
#[allow(clippy::large_enum_variant)]
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show 10,000 updates run exactly once, a worker killed on the way
    ///
    /// It takes half a minute, on private servers that are started for it and stopped in the end.
    #[cfg(feature = "dev")]
    #[command(after_help = examples(&["demo"]))]
    Demo {
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
    /// Start private servers and run COMMAND with their addresses
    ///
    /// The servers are in a temporary folder, and their addresses in the environment of COMMAND. The servers are stopped and their folder is deleted when COMMAND has ended. The exit code is that of COMMAND.
    #[cfg(feature = "dev")]
    #[command(after_help = examples(&["dev -- bash", "dev -- ./my-test.sh"]))]
    Dev {
        /// The command and its arguments; without one the environment is printed, until Ctrl-C
        #[arg(last = true)]
        command: Vec<String>,
    },
    #[command(flatten)]
    Fleet(FleetCommand),
    /// Do nothing until SIGTERM or Ctrl-C
    ///
    /// It keeps a container alive to run the other commands in.
    #[command(after_help = examples(&["idle"]))]
    Idle,
    /// Generate shell completions or man pages
    #[command(subcommand)]
    Generate(GenerateCommand),
}

/// What asks the servers, and so wants the configuration.
#[derive(Subcommand)]
pub(crate) enum FleetCommand {
    /// Create the tables and the queues; safe to run twice
    ///
    /// Tables and queues that exist stay as they are; tables of an older version are upgraded. Several may run at once.
    #[command(after_help = examples(&["setup"]))]
    Setup {
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what a publish would do, without publishing
    ///
    /// Counts the statements by kind and table, asks the server how it would execute some of them, and lists everything
    /// that publish would refuse: then the exit code is 1.
    #[command(after_help = examples(&["plan file.sql", "plan file.sql --explain all --json"]))]
    Plan {
        #[command(flatten)]
        publish: PublishArgs,
        /// Which statements the server is asked about, without running them: some of each shape, or all
        #[arg(long, default_value = "sample")]
        explain: Explain,
    },
    /// Publish the statements of a script as a run
    ///
    /// All of the input is checked first: if one statement is refused, nothing is published. If publishing is interrupted,
    /// the same command with the run's name as --run resumes it.
    #[command(after_help = examples_and_exit_codes(
        &[
            "publish file.sql --run cleanup --chunk 32",
            "publish --template 'UPDATE t SET a = :a WHERE id = :id' --rows rows.csv",
            "publish --template 'DELETE FROM t WHERE :range AND a < 7' --range t.id",
        ],
        &[Exit::Success, Exit::Failed, Exit::Usage, Exit::Cancelled, Exit::Interrupted],
    ))]
    Publish {
        #[command(flatten)]
        publish: PublishArgs,
        #[command(flatten)]
        limits: Limits,
    },
    /// Serve the queue as a worker, until SIGTERM or Ctrl-C
    ///
    /// The first signal drains: running statements end, and nothing new begins. The second one ends running statements,
    /// whose jobs go back to the queue.
    #[command(after_help = examples(&["work --slots 16"]))]
    Work {
        #[command(flatten)]
        slots: Slots,
    },
    /// Wait until a run has ended
    #[command(after_help = examples_and_exit_codes(&["wait cleanup --timeout 2h"], &Exit::ALL))]
    Wait {
        /// The run's name or id
        run: String,
        #[command(flatten)]
        timeout: Timeout,
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
    /// Publish a script, execute it here, and wait for its end
    ///
    /// This process is the worker. It creates the tables and the queues if they are missing. Other workers of the same
    /// queue take part.
    #[command(after_help = examples_and_exit_codes(&["run file.sql --slots 8"], &Exit::ALL))]
    Run {
        #[command(flatten)]
        publish: PublishArgs,
        #[command(flatten)]
        slots: Slots,
        #[command(flatten)]
        timeout: Timeout,
    },
    /// Cancel a run: jobs that have not begun will not run
    ///
    /// Returns when no job of the run begins any more. A cancelled run cannot be resumed.
    #[command(after_help = examples(&["cancel cleanup", "cancel cleanup --now"]))]
    Cancel {
        /// The run's name or id
        run: String,
        /// End running statements instead of waiting for them
        #[arg(long)]
        now: bool,
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
    /// Approve the jobs after the canary of a run: they are published and executed
    ///
    /// The canary must have ended. The publish that waits for it continues; repeat one that was interrupted.
    #[command(after_help = examples(&["approve cleanup"]))]
    Approve {
        /// The run's name or id
        run: String,
        /// Who approves it; the login name unless it is said
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
    /// Hold the queue: no job of it begins on any worker, until resume
    ///
    /// Says how many workers obey, and fails if one does not. A hold survives restarts of everything; publishing goes on.
    #[command(after_help = examples(&["pause --because 'replicas lag'", "pause --until 2h --now"]))]
    Pause(PauseArgs),
    /// Lift holds of the queue, and say which remain
    #[command(after_help = examples(&["resume", "resume 3", "resume --all"]))]
    Resume {
        /// The holds; without any, the only one that there is
        holds: Vec<u64>,
        /// Lift all holds
        #[arg(long, conflicts_with = "holds")]
        all: bool,
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
    /// List the workers of the queue: their slots, what they obey, and who is silent
    #[command(after_help = examples(&["workers", "workers --json"]))]
    Workers {
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
    /// List the newest runs of all queues
    #[command(after_help = examples(&["runs", "runs --state finished --count 100"]))]
    Runs {
        /// Of the newest so many
        #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        count: u32,
        /// Only those in this state, such as running, done or finished (with dead jobs)
        #[arg(long, value_parser = str::parse::<RunStatus>)]
        state: Option<RunStatus>,
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
    /// List who has done what to the queue and its runs, and when
    ///
    /// Events are kept for 30 days.
    #[command(after_help = examples(&["events", "events --run cleanup --since 72h"]))]
    Events {
        /// Only those of this run, by name or id
        #[arg(long)]
        run: Option<String>,
        /// Not older than this
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration)]
        since: Duration,
        /// The newest so many
        #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        count: u32,
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
    /// Limit how many slots of all workers together execute jobs, and how many jobs begin per second; or show the limit
    ///
    /// It holds for any number of workers, those that start later too, and says how many obey.
    #[command(after_help = examples(&["limit", "limit --slots 40 --because 'replicas lag'", "limit --rate 500/s", "limit --slots off --rate off"]))]
    Limit(LimitArgs),
    /// List dead jobs, show one, replay or discard them
    #[command(subcommand)]
    Dead(DeadCommand),
    /// Delete what is kept of a run that ended 24 hours ago
    ///
    /// Its ledger rows, dead jobs and ranges are deleted. The run's own row stays, so that its id is never used again.
    #[command(after_help = examples(&["purge cleanup"]))]
    Purge {
        /// The run's name or id
        run: String,
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the status of a run, or of the newest runs
    #[command(after_help = examples(&["status", "status cleanup --json"]))]
    Status {
        /// The run's name or id
        run: Option<String>,
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
    /// Watch the fleet on the whole screen, and pause, limit or cancel with a key
    ///
    /// It looks once a second: at the queue, its runs, workers, statements and events. Each key that changes something shows its command line first, and wants it confirmed.
    #[command(after_help = examples(&["watch", "watch --read-only", "watch --once"]))]
    Watch {
        /// Change nothing, whatever key is pressed
        #[arg(long)]
        read_only: bool,
        /// Print one picture as plain text, and end; no terminal is needed
        #[arg(long)]
        once: bool,
    },
    /// Check both servers, rights and settings
    ///
    /// One line per check, with what was found and what to do.
    /// The exit code is 1 if a check fails; a warning is no failure. Nothing is changed but a binding that is missing.
    #[command(after_help = examples(&["doctor", "doctor --for work"]))]
    Doctor {
        /// Check only the database rights of this part, as deploy/grants.sql has them
        #[arg(long = "for", value_name = "PART")]
        only: Option<Role>,
        /// Print data as JSON
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    /// Whether this process will execute jobs.
    pub(crate) fn executes(&self) -> bool {
        matches!(self, Command::Fleet(FleetCommand::Work { .. } | FleetCommand::Run { .. }))
    }

    /// Whether what it prints is all that it does.
    pub(crate) fn only_shows(&self) -> bool {
        match self {
            #[cfg(feature = "dev")]
            Command::Demo { .. } => true,
            #[cfg(feature = "dev")]
            Command::Dev { .. } => false,
            Command::Fleet(command) => command.only_shows(),
            Command::Idle => false,
            Command::Generate(GenerateCommand::Completions { .. }) => true,
            Command::Generate(GenerateCommand::Man { .. }) => false,
        }
    }
}

impl FleetCommand {
    fn only_shows(&self) -> bool {
        match self {
            FleetCommand::Plan { .. } | FleetCommand::Doctor { .. } | FleetCommand::Status { .. } => true,
            FleetCommand::Dead(command) => command.only_shows(),
            FleetCommand::Setup { .. } | FleetCommand::Publish { .. } | FleetCommand::Work { .. } => false,
            FleetCommand::Wait { .. } | FleetCommand::Run { .. } => false,
            FleetCommand::Cancel { .. } | FleetCommand::Purge { .. } => false,
            FleetCommand::Pause(_) | FleetCommand::Resume { .. } | FleetCommand::Approve { .. } => false,
            FleetCommand::Limit(limit) => limit.only_shows(),
            FleetCommand::Workers { .. } | FleetCommand::Runs { .. } | FleetCommand::Events { .. } => true,
            FleetCommand::Watch { once, .. } => *once,
        }
    }

    /// The log level where QUERYFLEET_LOG gives none; `None` for its documented default. A command that a person watches
    /// says what it does itself.
    pub(crate) fn default_log_level(&self) -> Option<LevelFilter> {
        match self {
            FleetCommand::Work { .. } => None,
            FleetCommand::Run { .. } | FleetCommand::Doctor { .. } => Some(LevelFilter::ERROR),
            FleetCommand::Setup { .. } | FleetCommand::Plan { .. } | FleetCommand::Publish { .. } => {
                Some(LevelFilter::WARN)
            }
            FleetCommand::Wait { .. } | FleetCommand::Cancel { .. } | FleetCommand::Dead(_) => {
                Some(LevelFilter::WARN)
            }
            FleetCommand::Purge { .. } | FleetCommand::Status { .. } => Some(LevelFilter::WARN),
            FleetCommand::Pause(_)
            | FleetCommand::Resume { .. }
            | FleetCommand::Limit(_)
            | FleetCommand::Approve { .. } => Some(LevelFilter::WARN),
            FleetCommand::Workers { .. } | FleetCommand::Runs { .. } | FleetCommand::Events { .. } => {
                Some(LevelFilter::WARN)
            }
            // A line of it would stand in the middle of the screen.
            FleetCommand::Watch { .. } => Some(LevelFilter::OFF),
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum GenerateCommand {
    /// Print the completions of a shell to standard output
    #[command(after_help = examples(&[
        "generate completions bash >/etc/bash_completion.d/queryfleet",
        "generate completions zsh >~/.zfunc/_queryfleet",
        "generate completions fish >~/.config/fish/completions/queryfleet.fish",
    ]))]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the man pages of all commands into a folder
    #[command(after_help = examples(&["generate man /usr/local/share/man/man1"]))]
    Man {
        /// The folder; it is created if it is missing
        folder: PathBuf,
    },
}

/// Where the servers are, for every command that asks them.
#[derive(Args)]
#[command(next_help_heading = "Servers")]
pub(crate) struct Servers {
    /// The broker without its password, such as amqp://fleet@mq.example/vhost, in place of QUERYFLEET_AMQP_URL
    #[arg(long, value_name = "URL")]
    amqp_url: Option<String>,
    /// The file that holds the broker's password
    #[arg(long, value_name = "FILE", requires = "amqp_url")]
    amqp_password_file: Option<PathBuf>,
    /// The database without its password, such as mysql://fleet@db.example/shop, in place of QUERYFLEET_MYSQL_URL; what it
    /// leaves out is taken from the option file
    #[arg(long, value_name = "URL")]
    mysql_url: Option<String>,
    /// The file that holds the database's password, if the option file does not
    #[arg(long, value_name = "FILE", requires = "mysql_url")]
    mysql_password_file: Option<PathBuf>,
    /// The option file in place of ~/.my.cnf; its groups client and queryfleet say where the database is
    #[arg(long, value_name = "FILE")]
    defaults_file: Option<PathBuf>,
}

impl From<Servers> for queryfleet_config::Servers {
    fn from(servers: Servers) -> queryfleet_config::Servers {
        let Servers { amqp_url, amqp_password_file, mysql_url, mysql_password_file, defaults_file } = servers;
        queryfleet_config::Servers {
            amqp_url,
            amqp_password_file,
            mysql_url,
            mysql_password_file,
            defaults_file,
        }
    }
}

#[derive(Args)]
pub(crate) struct Slots {
    /// How many statements to execute at once (default: QUERYFLEET_SLOTS, 4)
    #[arg(long, help_heading = "Worker", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_SLOTS)))]
    pub(crate) slots: Option<u16>,
}

#[derive(Args)]
pub(crate) struct Timeout {
    /// Stop waiting after this time, such as 90s or 2h; the run continues
    #[arg(long, help_heading = "Waiting", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Give up when the database has been unavailable for this time; without it, never
    #[arg(long, help_heading = "Waiting", value_name = "TIME", value_parser = duration)]
    pub(crate) give_up_after: Option<Duration>,
}

impl Timeout {
    /// A wait for this run with this patience.
    pub(crate) fn wait_for(&self, run: &str) -> Wait {
        let mut wait = Wait::new(run);
        if let Some(time) = self.timeout {
            wait = wait.timeout(time);
        }
        if let Some(time) = self.give_up_after {
            wait = wait.give_up_after(time);
        }
        wait
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    queryfleet_config::parse_duration(text)
        .ok_or_else(|| "expected a number with its unit, such as 500ms, 90s, 15m or 2h".into())
}
