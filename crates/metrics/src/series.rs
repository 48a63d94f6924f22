//! Every series, in one place: its field is its name without the prefix, its doc comment is its help text.

use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    Result,
};

/// Upper bounds in seconds, for a primary-key update as well as for a night's backlog. The broker's usual consumer
/// timeout, 30 minutes, is one of them.
const BUCKETS_S: [f64; 22] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0,
    1800.0, 3600.0, 7200.0, 21600.0, 86400.0,
];

macro_rules! series {
    ($($(#[doc = $help:literal])+ $name:ident: $kind:ident [$($label:ident),*];)*) => {
        /// Every series with the prefix `queryfleet_`.
        pub(crate) struct Series {
            $($(#[doc = $help])+ pub(crate) $name: $kind,)*
        }

        impl Series {
            /// Creates every series and registers it.
            pub(crate) fn register(registry: &Registry) -> Result<Self> {
                Ok(Self {
                    $($name: registered(
                        registry,
                        concat!("queryfleet_", stringify!($name)),
                        concat!($($help),+).trim(),
                        &[$(stringify!($label)),*],
                    )?,)*
                })
            }
        }
    };
}

series! {
    /// Jobs whose execution began, counted once per delivery.
    jobs_started_total: IntCounterVec [queue, slot];
    /// Executions of jobs that ended, by how they ended: one per delivery, including attempts that were repeated at
    /// once.
    jobs_total: IntCounterVec [queue, slot, outcome];
    /// Messages that were taken from the broker and settled, by what became of them.
    deliveries_settled_total: IntCounterVec [queue, action];
    /// Jobs that died, and messages that could not be read, by reason: counted when their row is written to
    /// queryfleet_dead, whatever becomes of the rest of their message.
    dead_jobs_total: IntCounterVec [queue, reason];
    /// Failed attempts at jobs, including those that were repeated at once, and messages that could not be run, by
    /// class.
    job_errors_total: IntCounterVec [queue, class];
    /// Messages that the broker had delivered before.
    redeliveries_total: IntCounterVec [queue];
    /// Rows that committed statements changed, as the database counts them.
    rows_affected_total: IntCounterVec [queue];
    /// Connections that slots made after they had lost one, by server; each slot counts. A connection that this process
    /// ended itself, at a deadline, a drain or a cancel, was not lost: see statements_killed_total.
    reconnects_total: IntCounterVec [dependency];
    /// Messages that the worker published (copies to retry, or given back), by how the broker answered.
    messages_published_total: IntCounterVec [queue, result];
    /// Running statements whose connection this process killed, by reason.
    statements_killed_total: IntCounterVec [reason];
    /// How long a slot worked on a job, including repeated attempts and waits, by how it ended; for a chunk that
    /// succeeded as a whole, the job's share.
    job_duration_seconds: HistogramVec [queue, outcome];
    /// How long a message waited from its publishing to the start of its execution. A copy to retry is published anew;
    /// its wait includes that of the retry tier.
    job_queue_wait_seconds: HistogramVec [queue];
    /// Jobs that are being executed now.
    jobs_in_flight: IntGaugeVec [queue];
    /// Slots of this worker.
    slots: IntGaugeVec [queue];
    /// Whether this process is connected: 1, or 0.
    dependency_up: IntGaugeVec [dependency];
    /// Whether this worker is shutting down: 1, or 0.
    draining: IntGauge [];
    /// Whether this worker obeys a hold on its queue, and begins no job: 1, or 0.
    held: IntGaugeVec [queue];
    /// Slots of this worker that may take messages: all, those that it has permits for where the slots of the fleet are
    /// limited, or none while the queue is held.
    slots_allowed: IntGaugeVec [queue];
    /// Whether this worker makes the checks of its queue's limit: 1, or 0.
    governor: IntGaugeVec [queue];
    /// What each check of the queue's limit has found last, as the worker that makes them says: seconds of lag, a status
    /// variable, the number of the throttle query, or 0 for an HTTP check that lets jobs begin.
    check_value: GaugeVec [queue, check];
    /// At which value a check lets no job begin; the throttle query and the HTTP check do so at any above 0, and have none.
    check_limit: GaugeVec [queue, check];
    /// For how many seconds a check could not be made; after 15 it lets no job begin.
    check_age_seconds: GaugeVec [queue, check];
    /// When the execution of a job last ended, in seconds since 1970; 0 means never.
    last_job_completed_timestamp_seconds: Gauge [];
    /// When the longest-running of the current jobs began, in seconds since 1970; 0 means that none is running.
    oldest_job_started_timestamp_seconds: Gauge [];
    /// Always 1; the labels say which program this is.
    build_info: IntGaugeVec [version, revision];
}

fn registered<K: Kind>(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<K> {
    let series = K::create(Opts::new(name, help), labels)?;
    registry.register(Box::new(series.clone()))?;
    Ok(series)
}

/// The constructors of prometheus under one name. Kinds without labels ignore them.
trait Kind: Collector + Clone + 'static {
    fn create(opts: Opts, labels: &[&str]) -> Result<Self>;
}

impl Kind for IntCounterVec {
    fn create(opts: Opts, labels: &[&str]) -> Result<Self> {
        Self::new(opts, labels)
    }
}

impl Kind for IntGaugeVec {
    fn create(opts: Opts, labels: &[&str]) -> Result<Self> {
        Self::new(opts, labels)
    }
}

impl Kind for GaugeVec {
    fn create(opts: Opts, labels: &[&str]) -> Result<Self> {
        Self::new(opts, labels)
    }
}

impl Kind for HistogramVec {
    fn create(opts: Opts, labels: &[&str]) -> Result<Self> {
        Self::new(HistogramOpts::from(opts).buckets(BUCKETS_S.to_vec()), labels)
    }
}

impl Kind for IntGauge {
    fn create(opts: Opts, _labels: &[&str]) -> Result<Self> {
        Self::with_opts(opts)
    }
}

impl Kind for Gauge {
    fn create(opts: Opts, _labels: &[&str]) -> Result<Self> {
        Self::with_opts(opts)
    }
}
