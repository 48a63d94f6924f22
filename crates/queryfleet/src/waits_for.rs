//! What a publish, or a run, waits for.

use std::fmt;

use queryfleet_producer::{Reason, Waits};

/// What a publish, or a run, waits for; its text has the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitsFor {
    kind: WaitsForKind,
    text: String,
}

/// What kind of thing is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitsForKind {
    /// The database cannot be asked.
    Database,
    /// The broker cannot be asked, or confirms nothing.
    Broker,
    /// As many messages wait in the queue as [`Publish::max_backlog`](crate::Publish::max_backlog) allows.
    Backlog,
    /// The canary has not ended, or nobody has approved the rest.
    Canary,
    /// Somebody holds the queue: [`Operator::resume`](crate::Operator::resume) lifts it.
    Hold,
    /// The limit of the queue lets nothing begin.
    Limit,
    /// No worker serves the queue.
    Worker,
    /// A statement runs for long.
    Statement,
    /// All that is left is to be tried again later.
    Retry,
    /// Messages of other runs are in the queue.
    OtherRuns,
    /// Consumers that are of no live worker may hold the messages.
    OtherConsumers,
}

impl WaitsFor {
    /// What kind of thing it is.
    pub fn kind(&self) -> WaitsForKind {
        self.kind
    }

    pub(crate) fn of_publish(waits: Waits) -> WaitsFor {
        let kind = match waits {
            Waits::Broker(_) => WaitsForKind::Broker,
            Waits::Database(_) => WaitsForKind::Database,
            Waits::Backlog => WaitsForKind::Backlog,
            Waits::Canary { .. } => WaitsForKind::Canary,
        };
        WaitsFor { kind, text: waits.to_string() }
    }

    pub(crate) fn of_run(reason: &Reason) -> WaitsFor {
        let kind = match reason {
            Reason::DatabaseUnavailable { .. } => WaitsForKind::Database,
            Reason::BrokerUnavailable { .. } => WaitsForKind::Broker,
            Reason::Held { .. } => WaitsForKind::Hold,
            Reason::Limited { .. } => WaitsForKind::Limit,
            Reason::NoWorker { .. } => WaitsForKind::Worker,
            Reason::Running { .. } => WaitsForKind::Statement,
            Reason::Retrying { .. } => WaitsForKind::Retry,
            Reason::Behind { .. } => WaitsForKind::OtherRuns,
            Reason::OtherConsumers { .. } => WaitsForKind::OtherConsumers,
        };
        WaitsFor { kind, text: reason.to_string() }
    }
}

impl fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
