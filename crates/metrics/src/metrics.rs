//! The registry of a process and what is counted outside of slots.

use std::sync::Arc;
use std::time::Duration;

use prometheus::core::{Atomic, GenericCounter, GenericCounterVec};
use prometheus::{Histogram, IntCounter, Registry, Result};

use crate::series::Series;
use crate::{Dependency, Error, Health, KillReason, Labels, PublishResult, SlotMetrics};

/// All series of one process. Every label value is there from the start, at 0.
pub struct Metrics {
    pub(crate) registry: Registry,
    pub(crate) series: Series,
    pub(crate) queue: String,
    health: Health,
    slots: Vec<Arc<SlotMetrics>>,
    settled: Vec<IntCounter>,
    dead: Vec<IntCounter>,
    errors: Vec<IntCounter>,
    published: Vec<IntCounter>,
    redeliveries: IntCounter,
    rows_affected: IntCounter,
    queue_wait: Histogram,
    reconnects: Vec<IntCounter>,
    killed: Vec<IntCounter>,
}

impl Metrics {
    /// Registers every series, in a registry of its own. Fails only when `labels` has a value twice or the process
    /// registers a series twice, which is a mistake in the code.
    pub fn new(labels: &Labels<'_>, health: Health) -> std::result::Result<Self, Error> {
        let registry = Registry::new();
        let series = Series::register(&registry)?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;

        let queue = labels.queue;
        let count = i64::try_from(labels.slots).unwrap_or(i64::MAX);
        series.slots.get_metric_with_label_values(&[queue])?.set(count);
        series.build_info.get_metric_with_label_values(&[labels.version, labels.revision])?.set(1);
        let slots = (1..=labels.slots).map(|number| Ok(Arc::new(SlotMetrics::new(&series, labels, number)?)));
        Ok(Self {
            slots: slots.collect::<Result<_>>()?,
            settled: each(&series.deliveries_settled_total, &[queue], labels.actions)?,
            dead: each(&series.dead_jobs_total, &[queue], labels.dead_reasons)?,
            errors: each(&series.job_errors_total, &[queue], labels.classes)?,
            published: each(&series.messages_published_total, &[queue], PublishResult::ALL)?,
            redeliveries: series.redeliveries_total.get_metric_with_label_values(&[queue])?,
            rows_affected: series.rows_affected_total.get_metric_with_label_values(&[queue])?,
            queue_wait: series.job_queue_wait_seconds.get_metric_with_label_values(&[queue])?,
            reconnects: each(&series.reconnects_total, &[], Dependency::ALL)?,
            killed: each(&series.statements_killed_total, &[], KillReason::ALL)?,
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

    /// What `/livez` and `/readyz` tell.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Counts a settled message; `action` is an index into [`Labels::actions`].
    pub fn settled(&self, action: usize) {
        count(&self.settled, action);
    }

    /// Counts a job or an unreadable message whose dead row was written; `reason` is an index into
    /// [`Labels::dead_reasons`].
    pub fn dead(&self, reason: usize) {
        count(&self.dead, reason);
    }

    /// Counts a failed attempt at a job, or a message that could not be run; `class` is an index into [`Labels::classes`].
    pub fn job_error(&self, class: usize) {
        count(&self.errors, class);
    }

    /// Counts the end of a publishing.
    pub fn published(&self, result: PublishResult) {
        count(&self.published, result as usize);
    }

    /// Counts a message that the broker had delivered before.
    pub fn redelivered(&self) {
        self.redeliveries.inc();
    }

    /// Counts the rows that a committed statement changed.
    pub fn rows_affected(&self, rows: u64) {
        self.rows_affected.inc_by(rows);
    }

    /// Records how long a message waited between its publishing and its execution.
    pub fn queue_wait(&self, waited: Duration) {
        self.queue_wait.observe(waited.as_secs_f64());
    }

    /// Counts a connection that a slot made after it had lost one.
    pub fn reconnected(&self, dependency: Dependency) {
        count(&self.reconnects, dependency as usize);
    }

    /// Counts a statement whose connection was killed.
    pub fn statement_killed(&self, reason: KillReason) {
        count(&self.killed, reason as usize);
    }
}

/// The counters of every value of a vector's last label, which are thereby present at 0.
fn each<P: Atomic>(
    vector: &GenericCounterVec<P>,
    first: &[&str],
    values: &[&str],
) -> Result<Vec<GenericCounter<P>>> {
    let counter = |value: &&str| vector.get_metric_with_label_values(&[first, &[*value]].concat());
    values.iter().map(counter).collect()
}

/// A wrong index is a mistake that tests should find, but no reason for a worker to fall.
fn count(counters: &[IntCounter], index: usize) {
    debug_assert!(index < counters.len(), "{index} is not among the labels");
    if let Some(counter) = counters.get(index) {
        counter.inc();
    }
}
