//! What the slots of one worker share.

pub(crate) mod admit;
pub(crate) mod closed;
mod connections;
pub(crate) mod control;
pub(crate) mod kept;
pub(crate) mod large;
mod pace;
mod releasing;
pub(crate) mod remains;
pub(crate) mod sessions;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use queryfleet_broker::{Broker, Topology};
use queryfleet_config::Config;
use queryfleet_job::{Chunk, DeadReason, ExecutionSite, Failure, Outcome, RetryPolicy, Signer};
use queryfleet_ledger::{Database, LedgerClient, SessionFacts};
use queryfleet_metrics::{Dependency, Metrics, PublishResult};
use queryfleet_sql::Kind;
use tokio::sync::Mutex;

use crate::log::{Event, EventKind, LogThrottle};
use crate::not_run::NotRun;
use crate::shared::admit::KnownRuns;
use crate::shared::closed::Sweep;
use crate::shared::connections::{Connections, Transition};
use crate::shared::control::Control;
use crate::shared::kept::Kept;
use crate::shared::large::Large;
use crate::shared::pace::Pace;
use crate::shared::remains::Remains;
use crate::shared::sessions::Sessions;
use crate::{Drain, Error};

/// How long to wait, at most, until it is tried again to claim jobs under a rate.
const PAY_AGAIN: Duration = Duration::from_millis(500);
/// Attempts at a job that meets conflicts, within one delivery.
const TRIES_PER_JOB: u32 = 3;

/// What the slots, the collector and the heartbeat of one worker share.
pub(crate) struct Shared {
    /// The queue that the worker serves.
    pub(crate) queue: String,
    /// `host:pid`, for people.
    pub(crate) worker: String,
    pub(crate) topology: Topology,
    /// The keys that messages are verified and signed with; `None` without a signing key.
    pub(crate) signer: Option<Signer>,
    pub(crate) limits: Limits,
    pub(crate) clients: Clients,
    pub(crate) runs: KnownRuns,
    pub(crate) control: Control,
    pub(crate) sessions: Sessions,
    pace: Pace,
    pub(crate) kept: Kept,
    pub(crate) remains: Remains,
    pub(crate) large: Large,
    pub(crate) sweep: Sweep,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) log: LogThrottle,
    pub(crate) drain: Drain,
    /// How many slots hold a message.
    pub(crate) busy_slots: AtomicU32,
    pub(crate) connections: Connections,
}

/// What the configuration allows.
pub(crate) struct Limits {
    /// Attempts, retry tiers, and how long a slot may hold a message that it cannot run.
    pub(crate) policy: RetryPolicy,
    /// The kinds of statement that this worker executes; `None`: all.
    pub(crate) allow: Option<Vec<Kind>>,
    /// The deadline of a statement whose job has none of its own.
    pub(crate) statement_timeout: Duration,
    /// The longest pause between two tries to connect.
    pub(crate) longest_backoff: Duration,
    /// After this time the worker has seen a change of a run's state, or executes nothing more of the run.
    pub(crate) notice_within: Duration,
}

/// What connections are made by. Slots make their own: one each to the database, and a channel to the broker.
pub(crate) struct Clients {
    /// Consumers are apart from publishers: a broker that blocks who publishes must not keep acknowledgements from it.
    pub(crate) consuming: Arc<Broker>,
    pub(crate) publishing: Arc<Broker>,
    pub(crate) database: Arc<Database>,
    /// For the states of the runs and the worker's own row. With that of [`KnownRuns`], for admissions, these are the two
    /// connections of a worker beside those of its slots (docs/model.md counts on it): neither waits for the other.
    /// While the limit of the queue has checks, the governor has one more.
    pub(crate) heartbeat: Mutex<LedgerClient>,
}

impl Clients {
    fn new(config: &Config) -> Result<Clients, Error> {
        let database = Arc::new(Database::new(config)?);
        Ok(Clients {
            consuming: Arc::new(Broker::new(config, "worker, consuming")?),
            publishing: Arc::new(Broker::new(config, "worker, publishing")?),
            heartbeat: Mutex::new(LedgerClient::new(database.clone())),
            database,
        })
    }
}

impl Shared {
    pub(crate) fn new(config: &Config, metrics: Arc<Metrics>, drain: Drain) -> Result<Shared, Error> {
        let clients = Clients::new(config)?;
        let topology = Topology::new(&config.queue, &config.retry_tiers, config.delivery_limit)?;
        let signer = Signer::new(config.signing_keys.iter().map(|key| key.expose().as_bytes()));
        let here = ExecutionSite {
            queue: config.queue.clone(),
            schema: clients.database.schema().to_owned(),
            signer: signer.clone(),
        };
        let worker = worker_name();
        Ok(Shared {
            queue: config.queue.clone(),
            limits: Limits {
                policy: RetryPolicy {
                    max_attempts: config.max_attempts,
                    tiers: topology.tiers(),
                    tries_here: TRIES_PER_JOB,
                    pressure_timeout: config.pressure_timeout,
                },
                allow: config.allow.clone(),
                statement_timeout: config.statement_timeout,
                longest_backoff: config.backoff_max,
                notice_within: config.workers_notice_within(),
            },
            runs: KnownRuns::new(
                LedgerClient::new(clients.database.clone()),
                config.run_state_max_age(),
                here,
            ),
            control: Control::new(
                &config.queue,
                queryfleet_job::random_id()?,
                signer.clone(),
                config.slots,
                config.run_poll_interval,
            ),
            sessions: Sessions::new(config.slots),
            pace: Pace::default(),
            signer,
            kept: Kept::default(),
            remains: Remains::new(
                LedgerClient::new(clients.database.clone()),
                config.pressure_timeout,
                drain.clone(),
            ),
            large: Large::new(),
            sweep: Sweep::default(),
            log: LogThrottle::new(worker.clone()),
            worker,
            topology,
            clients,
            metrics,
            drain,
            busy_slots: AtomicU32::new(0),
            connections: Connections::new(config.slots),
        })
    }

    /// Whether an attempt at jobs of this chunk may begin now on this session of a slot, counted from 0: its run is open, and
    /// its queue is not held. Where slots are limited, the session is written down first.
    ///
    /// # Errors
    /// None of the jobs may begin.
    pub(crate) async fn may_begin(
        &self,
        chunk: &Chunk,
        slot: usize,
        session: Option<&SessionFacts>,
    ) -> Result<(), NotRun> {
        self.runs.still_open(chunk).await?;
        if let Some(session) = session {
            // Also without a limit: one may come while the statement runs.
            self.sessions.note(slot, session);
            if self.control.is_limited() {
                self.write_sessions().await?;
            }
        }
        // After the session: whoever frees permits of a silent worker finds either it, or a worker that reads anew.
        if !self.control.is_recent() {
            self.runs.read_control(&self.control).await?;
        }
        self.control.check(slot)
    }

    /// Waits until so many jobs of a message may begin under the rate of the queue, if it has one. A slot waits with its
    /// message for no longer than it may hold one that cannot run.
    ///
    /// # Errors
    /// None of the jobs may begin.
    pub(crate) async fn pay(self: &Arc<Shared>, slot: usize, jobs: u64) -> Result<(), NotRun> {
        let since = Instant::now();
        let given_back = |why: &str| Err(NotRun(Outcome::Interrupted(Failure::said(why))));
        loop {
            let Some(rate) = self.control.rate() else { return Ok(()) };
            let paying = async {
                match self.runs.pay(&self.pace, &self.queue, rate, jobs).await? {
                    // The timer rounds up to a millisecond, which would be a third of a small job's time.
                    Some(wait) if wait.is_zero() => Ok(true),
                    Some(wait) => {
                        tokio::time::sleep(wait).await;
                        Ok(true)
                    }
                    None => {
                        tokio::time::sleep(queryfleet_job::jittered(PAY_AGAIN)).await;
                        Ok(false)
                    }
                }
            };
            tokio::select! {
                biased;
                () = self.drain.draining() => return given_back("the worker drains"),
                // It may be open again: then it pays as before.
                () = self.control.closed(slot) => self.control.check(slot)?,
                paid = paying => if paid? {
                    if self.pace.is_low() {
                        let shared = self.clone();
                        tokio::spawn(async move {
                            shared.runs.claim_ahead(&shared.pace, &shared.queue, rate).await;
                        });
                    }
                    return Ok(());
                },
            }
            if since.elapsed() >= self.limits.policy.pressure_timeout {
                return given_back("its turn under the rate of the queue did not come");
            }
        }
    }

    async fn write_sessions(&self) -> Result<(), NotRun> {
        if self.sessions.are_written() {
            return Ok(());
        }
        let mut client = self.clients.heartbeat.lock().await;
        let written = async {
            let has_row = self.sessions.write(&mut client, self.control.worker_id()).await?;
            self.look_at_former_sessions(&mut client).await?;
            Ok(has_row)
        };
        match written.await {
            Ok(true) => Ok(()),
            Ok(false) => {
                let failure = Failure::said("the worker's row is gone");
                Err(NotRun(Outcome::Interrupted(failure)))
            }
            Err(error) => {
                let error: queryfleet_ledger::Error = error;
                Err(NotRun(error.outcome()))
            }
        }
    }

    /// Forgets the former sessions of the slots that have ended, and blocks the slots of the others.
    ///
    /// # Errors
    /// If the database cannot be asked. Whoever has a former session is blocked then.
    pub(crate) async fn look_at_former_sessions(
        &self,
        client: &mut LedgerClient,
    ) -> Result<(), queryfleet_ledger::Error> {
        let slots = self.sessions.with_former();
        let has_none = slots.is_empty();
        self.control.block(slots);
        if has_none {
            return Ok(());
        }
        if let Some(listed) = client.permits().listed_sessions().await? {
            self.sessions.forget_ended(&listed);
        }
        self.control.block(self.sessions.with_former());
        Ok(())
    }

    /// Notes whether a slot, counted from 0, has its connection. The worker counts as connected while any slot is.
    pub(crate) fn note_connection(&self, dependency: Dependency, slot: usize, is_up: bool) {
        let transition = self.connections.note(dependency, slot, is_up);
        if transition == Transition::Unchanged {
            return;
        }
        if transition == Transition::Reconnected {
            self.metrics.reconnected(dependency);
            self.log.record(EventKind::Reconnected, || Event {
                slot: Some(slot + 1),
                class: dependency.as_str(),
                ..Event::default()
            });
        }
        self.metrics.health().set_connected(dependency, self.connections.is_any_up(dependency));
    }

    /// Counts a dead job, or a message that is none, and logs it.
    pub(crate) fn record_dead(&self, reason: DeadReason, event: Event) {
        self.metrics.dead(reason);
        self.log.record(EventKind::Dead, || event);
    }

    /// Counts how the publishing of a copy has ended.
    pub(crate) fn record_published(&self, published: &Result<(), queryfleet_broker::Error>) {
        use queryfleet_broker::Error;
        self.metrics.published(match published {
            Ok(()) => PublishResult::Confirmed,
            Err(Error::Unroutable { .. }) => PublishResult::Unroutable,
            Err(Error::Nacked { .. } | Error::TooLarge { .. }) => PublishResult::Nacked,
            Err(_) => PublishResult::Unanswered,
        });
    }
}

fn worker_name() -> String {
    format!("{}:{}", queryfleet_config::host_name(), std::process::id())
}
