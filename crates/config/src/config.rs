//! The configuration itself: a field per variable.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use queryfleet_sql::Kind;

use crate::environment::{self, Environment};
use crate::variables::*;
use crate::{Error, LogFormat, Secret, Servers, Tls, Variable, parse, parse_duration, parse_queue, url};

/// The number of slots that a worker has at most.
pub const MAX_SLOTS: u16 = 1024;

/// The configuration that producer and workers share. Each field is the variable of the same name;
/// [`crate::VARIABLES`] has its default and its form. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    amqp_urls: Vec<Secret>,
    mysql_url: Option<Secret>,
    /// The replicas of that database whose lag counts; none: no lag can be checked.
    pub replicas: Vec<Secret>,
    /// RabbitMQ's management page; only `doctor` reads it.
    pub management_url: Option<Secret>,
    /// `AMQP_CA`, `AMQP_CERT` and `AMQP_KEY`; if any is set, every broker URL is `amqps://`.
    pub amqp_tls: Tls,
    /// `MYSQL_CA`, `MYSQL_CERT` and `MYSQL_KEY`; if any is set, TLS is used, whatever the URL's parameters say.
    pub mysql_tls: Tls,
    /// The name of the queue, as [`parse_queue`] accepts it.
    pub queue: String,
    /// How many slots a worker has, 1 to [`MAX_SLOTS`].
    pub slots: usize,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// How long a drain waits for running statements.
    pub drain_timeout: Duration,
    /// The number of counted attempts after which a job is dead, at least 1.
    pub max_attempts: u32,
    /// The waits between attempts: at least one, each longer than the one before.
    pub retry_tiers: Vec<Duration>,
    /// SQL that runs after the init step of every connection of a worker.
    pub session_sql: Option<String>,
    /// The only kinds of statement that a worker executes, at least one; `None`: all.
    pub allow: Option<Vec<Kind>>,
    /// The address at which the metrics are served; `None`: they are not.
    pub metrics_listen: Option<SocketAddr>,
    /// The first key signs, all verify; each has at least 16 bytes. Empty: messages are neither signed nor verified.
    pub signing_keys: Vec<Secret>,
    /// A filter for tracing, not checked here.
    pub log: String,
    /// The form of a log line.
    pub log_format: LogFormat,
    /// How long one attempt to connect may take.
    pub connect_timeout: Duration,
    /// The longest pause between two attempts to connect.
    pub backoff_max: Duration,
    /// How long a slot keeps its job while the database is failing over or under pressure.
    pub pressure_timeout: Duration,
    /// The interval at which a worker renews its row.
    pub heartbeat_interval: Duration,
    /// The interval at which a worker reads the states of its runs.
    pub run_poll_interval: Duration,
    /// How long `wait` sees no message ready and no job in flight before jobs count as missing.
    pub missing_timeout: Duration,
    /// How long a starting worker waits for its tables and rights.
    pub setup_timeout: Duration,
    /// The work queue's `x-delivery-limit`, at least 1.
    pub delivery_limit: u32,
    /// The number of published messages that may be unconfirmed, at least 1.
    pub confirm_window: usize,
    /// The names of the variables that were set.
    given: BTreeSet<&'static str>,
}

impl Config {
    /// Reads the environment of this process. Variables with another prefix may hold anything, even invalid UTF-8.
    ///
    /// # Errors
    /// As [`Config::from_vars`], and if a variable of ours is not UTF-8.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_vars(environment::ours(std::env::vars_os())?)
    }

    /// Reads `vars` as if they were the environment. Other prefixes are ignored; if a name is given twice, the last
    /// value counts. Reads the files that `…_FILE` variables name.
    ///
    /// # Errors
    /// Returns an error that names the variable if its name is unknown, its value or its file cannot be read, or it does
    /// not fit the other variables.
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        Self::read(&Environment::read(vars)?)
    }

    /// The environment of this process, with the servers that the command line names in place of those of the environment.
    /// Where neither names the database, it is that of the client's option file, `~/.my.cnf`, if that names one.
    ///
    /// # Errors
    /// As [`Config::from_env`]; also if an option file cannot be read as one, and if a URL is none or holds a password.
    pub fn with_servers(servers: &Servers) -> Result<Self, Error> {
        let mut env = Environment::read(environment::ours(std::env::vars_os())?)?;
        let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
        servers.apply(&mut env, home.as_deref())?;
        Self::read(&env)
    }

    fn read(env: &Environment) -> Result<Self, Error> {
        let config = Self {
            amqp_urls: env.read_optional(&AMQP_URL, url::amqp_urls)?.unwrap_or_default(),
            mysql_url: env.read_optional(&MYSQL_URL, url::mysql_url)?,
            replicas: env.read_optional(&REPLICAS, url::mysql_urls)?.unwrap_or_default(),
            management_url: env.read_optional(&MANAGEMENT_URL, url::management_url)?,
            amqp_tls: Tls::read(env, &AMQP_URL, &AMQP_CA, &AMQP_CERT, &AMQP_KEY)?,
            mysql_tls: Tls::read(env, &MYSQL_URL, &MYSQL_CA, &MYSQL_CERT, &MYSQL_KEY)?,
            queue: env.read_or_default(&QUEUE, parse_queue)?,
            slots: env.read_or_default(&SLOTS, parse::number(1..=usize::from(MAX_SLOTS)))?,
            statement_timeout: env.read_or_default(&STATEMENT_TIMEOUT, parse_duration)?,
            drain_timeout: env.read_or_default(&DRAIN_TIMEOUT, parse_duration)?,
            max_attempts: env.read_or_default(&MAX_ATTEMPTS, parse::number(1..=1000))?,
            retry_tiers: env.read_or_default(&RETRY_TIERS, parse::retry_tiers)?,
            session_sql: env.read_optional(&SESSION_SQL, parse::text)?,
            allow: env.read_optional(&ALLOW, parse::kinds)?,
            metrics_listen: env.read_or_default(&METRICS_LISTEN, parse::address)?,
            signing_keys: env.read_optional(&SIGNING_KEY, parse::signing_keys)?.unwrap_or_default(),
            log: env.read_or_default(&LOG, parse::text)?,
            log_format: env.read_or_default(&LOG_FORMAT, parse::log_format)?,
            connect_timeout: env.read_or_default(&CONNECT_TIMEOUT, parse_duration)?,
            backoff_max: env.read_or_default(&BACKOFF_MAX, parse_duration)?,
            pressure_timeout: env.read_or_default(&PRESSURE_TIMEOUT, parse_duration)?,
            heartbeat_interval: env.read_or_default(&HEARTBEAT_INTERVAL, parse_duration)?,
            run_poll_interval: env.read_or_default(&RUN_POLL_INTERVAL, parse_duration)?,
            setup_timeout: env.read_or_default(&SETUP_TIMEOUT, parse_duration)?,
            missing_timeout: env.read_or_default(&MISSING_TIMEOUT, parse_duration)?,
            delivery_limit: env.read_or_default(&DELIVERY_LIMIT, parse::number(1..=1000))?,
            confirm_window: env.read_or_default(&CONFIRM_WINDOW, parse::number(1..=65536))?,
            given: env.given(),
        };
        config.refuse_unused_tls()?;
        Ok(config)
    }

    /// Whether the environment set `variable`, itself or through its file; otherwise its field holds the default.
    pub fn was_given(&self, variable: &Variable) -> bool {
        self.given.contains(variable.name)
    }

    /// The broker's URLs, at least one.
    ///
    /// # Errors
    /// [`Error::NotSet`] if QUERYFLEET_AMQP_URL is not set.
    pub fn amqp_urls(&self) -> Result<&[Secret], Error> {
        if self.amqp_urls.is_empty() { Err(AMQP_URL.not_set()) } else { Ok(&self.amqp_urls) }
    }

    /// The database's URL, always `mysql://` and with a database in it.
    ///
    /// # Errors
    /// [`Error::NotSet`] if QUERYFLEET_MYSQL_URL is not set.
    pub fn mysql_url(&self) -> Result<&Secret, Error> {
        self.mysql_url.as_ref().ok_or(MYSQL_URL.not_set())
    }

    /// How long a statement may wait for a lock, in whole seconds, as the server takes it: half the statement
    /// timeout, but at least 1 s and at most 50 s, the server's own default. With a statement timeout below 2 s the
    /// deadline comes first.
    pub fn lock_wait_timeout(&self) -> Duration {
        Duration::from_secs((self.statement_timeout.as_secs() / 2).clamp(1, 50))
    }

    /// How long a worker may act on a run's state that it has read: three polls, of which one may be late or fail.
    /// A purge waits longer than this before it deletes ledger rows.
    pub fn run_state_max_age(&self) -> Duration {
        self.run_poll_interval * 3
    }

    /// The time after which a worker with these settings has seen a change of a run's state, or executes nothing more of
    /// the run: one poll more than [`Config::run_state_max_age`], for what is on its way to the server.
    pub fn workers_notice_within(&self) -> Duration {
        self.run_state_max_age() + self.run_poll_interval
    }

    /// After how long a silence a worker with these settings is gone: three heartbeats, of which one may be late or fail.
    pub fn worker_gone_after(&self) -> Duration {
        // Who looks counts whole seconds.
        self.heartbeat_interval.max(Duration::from_secs(1)) * 3
    }

    fn refuse_unused_tls(&self) -> Result<(), Error> {
        let given = [AMQP_CA, AMQP_CERT].into_iter().find(|variable| self.was_given(variable));
        match given {
            Some(given) if self.amqp_urls.iter().any(url::is_plain_amqp) => {
                Err(Error::TlsUnused { given: given.name })
            }
            _ => Ok(()),
        }
    }
}
