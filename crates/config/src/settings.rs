//! The configuration itself.

use std::net::SocketAddr;
use std::time::Duration;

use crate::environment::{self, Environment};
use crate::variables::*;
use crate::{Error, LogFormat, Secret, Tls, parse_duration, parse_queue, url, value};

/// What producer and workers share. Each field is the variable of the same name; [`crate::VARIABLES`] tells its
/// default and its form. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    amqp_urls: Vec<Secret>,
    mysql_url: Option<Secret>,
    /// Where RabbitMQ's management page is; only `doctor` asks it.
    pub management_url: Option<Secret>,
    /// `AMQP_CA`, `AMQP_CERT` and `AMQP_KEY`; when any is set, every broker URL is `amqps://`.
    pub amqp_tls: Tls,
    /// `MYSQL_CA`, `MYSQL_CERT` and `MYSQL_KEY`; when any is set, TLS is used, whatever the URL's parameters say.
    pub mysql_tls: Tls,
    /// The name of the queue, as [`parse_queue`] takes it.
    pub queue: String,
    /// How many slots a worker has, 1 to 1024.
    pub slots: usize,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// How long a drain waits for running statements.
    pub drain_timeout: Duration,
    /// After how many counted attempts a job is dead, at least 1.
    pub max_attempts: u32,
    /// The waits between attempts, at least one, strictly growing.
    pub retry_tiers: Vec<Duration>,
    /// SQL that follows the init step of every worker's connection.
    pub session_sql: Option<String>,
    /// The only kinds of statement to execute, lower-cased and otherwise unchecked, at least one; `None`: all.
    pub allow: Option<Vec<String>>,
    /// Where the metrics are served.
    pub metrics_listen: SocketAddr,
    /// The first signs, all verify, each at least 16 bytes; empty: messages are neither signed nor verified.
    pub signing_keys: Vec<Secret>,
    /// A filter for tracing, unchecked.
    pub log: String,
    /// The form of a log line.
    pub log_format: LogFormat,
    /// How long one attempt to connect may take.
    pub connect_timeout: Duration,
    /// The longest pause between two attempts to connect.
    pub backoff_max: Duration,
    /// How long a slot keeps its job while the database is failing over or under pressure.
    pub pressure_timeout: Duration,
    /// How often a worker renews its row.
    pub heartbeat_interval: Duration,
    /// How often run states are read.
    pub run_poll_interval: Duration,
    /// How long `wait` sees nothing ready and nothing in flight before jobs count as missing.
    pub missing_timeout: Duration,
    /// The work queue's `x-delivery-limit`, at least 1.
    pub delivery_limit: u32,
    /// How many published messages may be unconfirmed, at least 1.
    pub confirm_window: usize,
}

impl Config {
    /// Reads the environment of this process. Variables of others may hold anything, also what is not UTF-8.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_vars(environment::ours(std::env::vars_os())?)
    }

    /// Reads `vars` as if they were the environment: other prefixes are passed over, and of a name given twice the
    /// last value counts. Reads the files that `…_FILE` variables name.
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let env = Environment::read(vars)?;
        let amqp_url = AMQP_URL.value_or_file(env.amqp_url, env.amqp_url_file)?;
        let mysql_url = MYSQL_URL.value_or_file(env.mysql_url, env.mysql_url_file)?;
        let management_url = MANAGEMENT_URL.value_or_file(env.management_url, env.management_url_file)?;
        let session_sql = SESSION_SQL.value_or_file(env.session_sql, env.session_sql_file)?;
        let signing_key = SIGNING_KEY.value_or_file(env.signing_key, env.signing_key_file)?;
        let config = Self {
            amqp_urls: AMQP_URL.read_optional(amqp_url, url::amqp_urls)?.unwrap_or_default(),
            mysql_url: MYSQL_URL.read_optional(mysql_url, url::mysql_url)?,
            management_url: MANAGEMENT_URL.read_optional(management_url, url::management_url)?,
            amqp_tls: Tls::read(
                &AMQP_URL,
                (&AMQP_CA, env.amqp_ca),
                (&AMQP_CERT, env.amqp_cert),
                (&AMQP_KEY, env.amqp_key),
            )?,
            mysql_tls: Tls::read(
                &MYSQL_URL,
                (&MYSQL_CA, env.mysql_ca),
                (&MYSQL_CERT, env.mysql_cert),
                (&MYSQL_KEY, env.mysql_key),
            )?,
            queue: QUEUE.read(env.queue, parse_queue)?,
            slots: SLOTS.read(env.slots, value::number(1..=1024))?,
            statement_timeout: STATEMENT_TIMEOUT.read(env.statement_timeout, parse_duration)?,
            drain_timeout: DRAIN_TIMEOUT.read(env.drain_timeout, parse_duration)?,
            max_attempts: MAX_ATTEMPTS.read(env.max_attempts, value::number(1..=1000))?,
            retry_tiers: RETRY_TIERS.read(env.retry_tiers, value::retry_tiers)?,
            session_sql: SESSION_SQL.read_optional(session_sql, value::text)?,
            allow: ALLOW.read_optional(env.allow, value::kinds)?,
            metrics_listen: METRICS_LISTEN.read(env.metrics_listen, |text| text.parse().ok())?,
            signing_keys: SIGNING_KEY.read_optional(signing_key, value::signing_keys)?.unwrap_or_default(),
            log: LOG.read(env.log, value::text)?,
            log_format: LOG_FORMAT.read(env.log_format, value::log_format)?,
            connect_timeout: CONNECT_TIMEOUT.read(env.connect_timeout, parse_duration)?,
            backoff_max: BACKOFF_MAX.read(env.backoff_max, parse_duration)?,
            pressure_timeout: PRESSURE_TIMEOUT.read(env.pressure_timeout, parse_duration)?,
            heartbeat_interval: HEARTBEAT_INTERVAL.read(env.heartbeat_interval, parse_duration)?,
            run_poll_interval: RUN_POLL_INTERVAL.read(env.run_poll_interval, parse_duration)?,
            missing_timeout: MISSING_TIMEOUT.read(env.missing_timeout, parse_duration)?,
            delivery_limit: DELIVERY_LIMIT.read(env.delivery_limit, value::number(1..=1000))?,
            confirm_window: CONFIRM_WINDOW.read(env.confirm_window, value::number(1..=65536))?,
        };
        config.check_tls_is_used()?;
        Ok(config)
    }

    /// The broker's URLs, at least one. An error when the variable is not set, which names it and its form.
    pub fn amqp_urls(&self) -> Result<&[Secret], Error> {
        if self.amqp_urls.is_empty() { Err(AMQP_URL.not_set()) } else { Ok(&self.amqp_urls) }
    }

    /// The database's URL, always `mysql://` and with a database in it. An error when the variable is not set, which
    /// names it and its form.
    pub fn mysql_url(&self) -> Result<&Secret, Error> {
        self.mysql_url.as_ref().ok_or(MYSQL_URL.not_set())
    }

    /// How long a statement may wait for a lock, in whole seconds, as the server wants it: half the statement
    /// timeout, at most the server's own default of 50, at least 1. Below a timeout of 2 s the deadline comes first.
    pub fn lock_wait_timeout(&self) -> Duration {
        Duration::from_secs((self.statement_timeout.as_secs() / 2).clamp(1, 50))
    }

    /// How long a worker may act on a run's state that it has read: three intervals of reading, of which one may come
    /// late or fail. A purge waits for longer before it deletes ledger rows.
    pub fn run_state_counts_for(&self) -> Duration {
        self.run_poll_interval * 3
    }

    /// After so long a worker with these settings has seen a change of a run's state, or executes nothing more of the run:
    /// one poll more than a reading counts, for what is on its way to the server.
    pub fn workers_see_within(&self) -> Duration {
        self.run_state_counts_for() + self.run_poll_interval
    }

    fn check_tls_is_used(&self) -> Result<(), Error> {
        let identity = self.amqp_tls.identity.as_ref().map(|_| AMQP_CERT.name);
        match self.amqp_tls.ca.as_ref().map(|_| AMQP_CA.name).or(identity) {
            Some(given) if self.amqp_urls.iter().any(url::is_plain_amqp) => Err(Error::TlsUnused { given }),
            _ => Ok(()),
        }
    }
}
