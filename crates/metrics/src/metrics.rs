//! The registry of a process and what is counted outside of slots.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{Histogram, IntCounter, Registry, Result};
use queryfleet_job::{Action, Class, DeadReason};

use crate::by_word::Counters;
use crate::series::Series;
use crate::{Dependency, Error, Health, KillReason, Labels, PublishResult, SlotMetrics};

/// What a process has done so far, in short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Jobs that took effect.
    pub done: u64,
    /// Rows that committed statements changed.
    pub rows_affected: u64,
    /// Messages with jobs that are retried later.
    pub retries: u64,
    /// Messages that the broker had delivered before.
    pub redeliveries: u64,
}

/// What one check of the queue's limit has found.
#[derive(Clone, Debug)]
pub struct CheckSample {
    /// Its name, as `queryfleet limit` shows it.
    pub check: String,
    /// The value; `None` if it could not be read.
    pub value: Option<f64>,
    /// At which value no job begins; `None`: at any above 0.
    pub limit: Option<f64>,
    /// For how long it could not be read.
    pub age: Duration,
}

/// All series of one process. Every label value exists from the start, at 0.
pub struct Metrics {
    pub(crate) registry: Registry,
    pub(crate) series: Series,
    pub(crate) queue: String,
    pub(crate) held: prometheus::IntGauge,
    slots_allowed: prometheus::IntGauge,
    governor: prometheus::IntGauge,
    health: Health,
    slots: Vec<Arc<SlotMetrics>>,
    settled: Counters<Action>,
    dead: Counters<DeadReason>,
    errors: Counters<Class>,
    published: Counters<PublishResult>,
    redeliveries: IntCounter,
    rows_affected: IntCounter,
    queue_wait: Histogram,
    reconnects: Counters<Dependency>,
    killed: Counters<KillReason>,
}

impl Metrics {
    /// What this process has done so far.
    pub fn totals(&self) -> Totals {
        Totals {
            done: self.slots.iter().map(|slot| slot.done()).sum(),
            rows_affected: self.rows_affected.get(),
            retries: self.settled.get(Action::Retry).map_or(0, IntCounter::get),
            redeliveries: self.redeliveries.get(),
        }
    }

    /// Registers every series, in a registry of its own.
    ///
    /// # Errors
    /// Returns [`Error::Register`] only by a mistake in this crate: a series that is there twice, or has a bad name.
    pub fn new(labels: &Labels<'_>, health: Health) -> std::result::Result<Self, Error> {
        let registry = Registry::new();
        let series = Series::register(&registry)?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;

        let queue = labels.queue;
        let count = i64::try_from(labels.slots).unwrap_or(i64::MAX);
        series.slots.get_metric_with_label_values(&[queue])?.set(count);
        let slots_allowed = series.slots_allowed.get_metric_with_label_values(&[queue])?;
        slots_allowed.set(count);
        series.build_info.get_metric_with_label_values(&[labels.version, labels.revision])?.set(1);
        let slots = (1..=labels.slots).map(|number| Ok(Arc::new(SlotMetrics::new(&series, labels, number)?)));
        Ok(Self {
            slots: slots.collect::<Result<_>>()?,
            settled: Counters::of(&series.deliveries_settled_total, &[queue], &Action::ALL)?,
            dead: Counters::of(&series.dead_jobs_total, &[queue], &DeadReason::ALL)?,
            errors: Counters::of(&series.job_errors_total, &[queue], Class::OF_ERRORS)?,
            published: Counters::of(&series.messages_published_total, &[queue], &PublishResult::ALL)?,
            held: series.held.get_metric_with_label_values(&[queue])?,
            slots_allowed,
            governor: series.governor.get_metric_with_label_values(&[queue])?,
            redeliveries: series.redeliveries_total.get_metric_with_label_values(&[queue])?,
            rows_affected: series.rows_affected_total.get_metric_with_label_values(&[queue])?,
            queue_wait: series.job_queue_wait_seconds.get_metric_with_label_values(&[queue])?,
            reconnects: Counters::of(&series.reconnects_total, &[], &Dependency::ALL)?,
            killed: Counters::of(&series.statements_killed_total, &[], &KillReason::ALL)?,
            queue: queue.to_owned(),
            health,
            registry,
            series,
        })
    }

    /// The series of every slot: the first is slot `1`.
    pub fn slots(&self) -> &[Arc<SlotMetrics>] {
        &self.slots
    }

    /// The state that `/livez` and `/readyz` report.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Records how many slots may take messages.
    pub fn set_allowed_slots(&self, slots: u32) {
        self.slots_allowed.set(i64::from(slots));
    }

    /// Records whether this worker makes the checks of the queue's limit.
    pub fn set_governor(&self, is_governor: bool) {
        self.governor.set(i64::from(is_governor));
    }

    /// Records what the checks of the queue's limit have found; none where this worker does not make them.
    pub fn set_checks(&self, checks: &[CheckSample]) {
        let Series { check_value, check_limit, check_age_seconds, .. } = &self.series;
        for series in [check_value, check_limit, check_age_seconds] {
            series.reset();
        }
        for CheckSample { check, value, limit, age } in checks {
            let labels = [self.queue.as_str(), check.as_str()];
            if let Some(value) = value {
                check_value.with_label_values(&labels).set(*value);
            }
            if let Some(limit) = limit {
                check_limit.with_label_values(&labels).set(*limit);
            }
            check_age_seconds.with_label_values(&labels).set(age.as_secs_f64());
        }
    }

    /// Counts a settled message.
    pub fn settled(&self, action: Action) {
        self.settled.count(action);
    }

    /// Counts a job, or a message that is not one, whose dead row was written.
    pub fn dead(&self, reason: DeadReason) {
        self.dead.count(reason);
    }

    /// Counts a failed attempt at a job, or a message that could not be run. A class that is no error
    /// ([`Class::OF_ERRORS`]) has no series, and is not counted.
    pub fn job_error(&self, class: Class) {
        self.errors.count(class);
    }

    /// Counts the end of a publishing.
    pub fn published(&self, result: PublishResult) {
        self.published.count(result);
    }

    /// Counts a message that the broker has delivered before.
    pub fn redelivered(&self) {
        self.redeliveries.inc();
    }

    /// Counts the rows that a committed statement changed.
    pub fn rows_affected(&self, rows: u64) {
        self.rows_affected.inc_by(rows);
    }

    /// Records how long a message waited from its publishing to its execution.
    pub fn queue_wait(&self, waited: Duration) {
        self.queue_wait.observe(waited.as_secs_f64());
    }

    /// Counts a connection that a slot made after it had lost the one before.
    pub fn reconnected(&self, dependency: Dependency) {
        self.reconnects.count(dependency);
    }

    /// Counts a statement whose connection was killed.
    pub fn statement_killed(&self, reason: KillReason) {
        self.killed.count(reason);
    }
}
