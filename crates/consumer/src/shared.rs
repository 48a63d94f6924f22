//! What the slots of one worker share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use queryfleet_broker::{Broker, Topology};
use queryfleet_config::Config;
use queryfleet_job::{Class, DeadReason, Here, Policy, Signer};
use queryfleet_ledger::{Database, LedgerClient};
use queryfleet_metrics::{Dependency, Metrics, PublishResult};
use queryfleet_sql::Kind;

use crate::admit::Runs;
use crate::kept::Kept;
use crate::large::Large;
use crate::news::{Case, News, Topic};
use crate::remains::Remains;
use crate::{Drain, Error};

/// Whether a slot has its connection: not yet, now, or no longer.
const NEVER: u8 = 0;
const UP: u8 = 1;
const LOST: u8 = 2;
/// Tries at a conflict within one delivery.
const TRIES_HERE: u32 = 3;

pub(crate) struct Shared {
    pub(crate) queue: String,
    pub(crate) name: String,
    pub(crate) topology: Topology,
    pub(crate) policy: Policy,
    pub(crate) allow: Option<Vec<Kind>>,
    pub(crate) signer: Option<Signer>,
    pub(crate) statement_timeout: Duration,
    pub(crate) backoff_max: Duration,
    pub(crate) consuming: Arc<Broker>,
    pub(crate) publishing: Arc<Broker>,
    pub(crate) database: Arc<Database>,
    pub(crate) runs: Runs,
    pub(crate) kept: Kept,
    pub(crate) remains: Remains,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) drain: Drain,
    pub(crate) news: News,
    /// Whether it was said that there are too many messages that are no jobs.
    pub(crate) has_many_bodies: AtomicBool,
    /// After so long this worker has seen a change of a run's state, or executes nothing more of the run.
    pub(crate) view: Duration,
    pub(crate) large: Large,
    /// Slots that hold a message.
    pub(crate) in_flight: AtomicU32,
    database_up: Vec<AtomicU8>,
    broker_up: Vec<AtomicU8>,
}

impl Shared {
    pub(crate) fn new(config: &Config, metrics: Arc<Metrics>, drain: Drain) -> Result<Shared, Error> {
        let database = Arc::new(Database::new(config)?);
        let topology = Topology::new(&config.queue, &config.retry_tiers, config.delivery_limit)?;
        let signer = Signer::new(config.signing_keys.iter().map(|key| key.expose().as_bytes()));
        let here = Here {
            queue: config.queue.clone(),
            schema: database.schema().to_owned(),
            signer: signer.clone(),
        };
        let flags = || (0..config.slots).map(|_| AtomicU8::new(NEVER)).collect();
        Ok(Shared {
            queue: config.queue.clone(),
            news: News::new(worker_name()),
            large: Large::new(),
            name: worker_name(),
            policy: Policy {
                max_attempts: config.max_attempts,
                tiers: topology.tiers(),
                tries_here: TRIES_HERE,
                pressure_timeout: config.pressure_timeout,
            },
            allow: config.allow.clone(),
            signer,
            statement_timeout: config.statement_timeout,
            backoff_max: config.backoff_max,
            consuming: Arc::new(Broker::new(config, "worker, consuming")?),
            publishing: Arc::new(Broker::new(config, "worker, publishing")?),
            runs: Runs::new(database.clone(), config.run_state_max_age(), here),
            kept: Kept::default(),
            remains: Remains::new(
                LedgerClient::new(database.clone()),
                config.pressure_timeout,
                drain.clone(),
            ),
            topology,
            database,
            metrics,
            drain,
            has_many_bodies: AtomicBool::new(false),
            view: config.workers_notice_within(),
            in_flight: AtomicU32::new(0),
            database_up: flags(),
            broker_up: flags(),
        })
    }

    /// Notes whether a slot has its connection. The worker counts as connected while any slot is.
    pub(crate) fn connected(&self, dependency: Dependency, slot: usize, up: bool) {
        let flags = match dependency {
            Dependency::Database => &self.database_up,
            Dependency::Broker => &self.broker_up,
        };
        let before = if up {
            flags[slot].swap(UP, Ordering::Relaxed)
        } else {
            // A connection that never was cannot be lost.
            flags[slot]
                .compare_exchange(UP, LOST, Ordering::Relaxed, Ordering::Relaxed)
                .unwrap_or_else(|found| found)
        };
        if up && before == LOST {
            self.metrics.reconnected(dependency);
            let case = || Case { slot: Some(slot + 1), class: dependency.as_str(), ..Case::default() };
            self.news.tell(Topic::Connected, case);
        }
        if up != (before == UP) {
            let any = flags.iter().any(|flag| flag.load(Ordering::Relaxed) == UP);
            self.metrics.health().set_connected(dependency, any);
        }
    }

    /// Counts a failed attempt at a job, or a message that cannot be run here.
    pub(crate) fn failed(&self, class: Class) {
        if let Some(index) = Class::OF_ERRORS.iter().position(|known| *known == class) {
            self.metrics.job_error(index);
        }
    }

    /// Counts a dead job, or a message that is none, and tells it.
    pub(crate) fn dead(&self, reason: DeadReason, case: Case) {
        self.metrics.dead(reason as usize);
        self.news.tell(Topic::Dead, || case);
    }

    /// Counts how the publishing of a copy has ended.
    pub(crate) fn published(&self, published: &Result<(), queryfleet_broker::Error>) {
        self.metrics.published(match published {
            Ok(()) => PublishResult::Confirmed,
            Err(queryfleet_broker::Error::Unroutable { .. }) => PublishResult::Unroutable,
            Err(queryfleet_broker::Error::Nacked { .. } | queryfleet_broker::Error::TooLarge { .. }) => {
                PublishResult::Nacked
            }
            Err(_) => PublishResult::Unanswered,
        });
    }
}

fn worker_name() -> String {
    format!("{}:{}", queryfleet_config::host_name(), std::process::id())
}
