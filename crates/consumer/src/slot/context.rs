//! What the stages of a slot's pipeline work with.

use std::error::Error;
use std::sync::Arc;

use queryfleet_broker::Publisher;
use queryfleet_job::RunId;
use queryfleet_ledger::Session;
use queryfleet_metrics::{Dependency, SlotMetrics};

use crate::log::{self, Event, EventKind, JobRef};
use crate::shared::Shared;

/// One slot's connections and metrics, and what it shares with the others.
pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    /// Which slot it is, from 0.
    pub(crate) index: usize,
    /// The connection that its jobs run on.
    pub(crate) session: Session,
    /// What publishes copies.
    pub(crate) publisher: Publisher,
    pub(crate) metrics: Arc<SlotMetrics>,
}

impl Context {
    pub(crate) fn new(shared: Arc<Shared>, index: usize) -> Context {
        Context {
            session: Session::new(shared.clients.database.clone()),
            publisher: Publisher::new(shared.clients.publishing.clone(), shared.topology.clone()),
            metrics: shared.metrics.slots()[index].clone(),
            index,
            shared,
        }
    }

    /// The number of the slot in metrics and logs, from 1.
    pub(crate) fn number(&self) -> usize {
        self.index + 1
    }

    /// A job that this slot has, for the log.
    pub(crate) fn job_ref(&self, run: RunId, seq: u64) -> JobRef {
        JobRef { run, seq, slot: Some(self.number()) }
    }

    /// Notes whether this slot is connected to a server.
    pub(crate) fn note_connection(&self, dependency: Dependency, is_up: bool) {
        self.shared.note_connection(dependency, self.index, is_up);
    }

    /// Notes whether a server has answered this slot, and logs it if not. Returns the result as it is.
    pub(crate) fn report_connection<T, E: Error>(
        &self,
        dependency: Dependency,
        result: Result<T, E>,
    ) -> Result<T, E> {
        self.note_connection(dependency, result.is_ok());
        result.inspect_err(|error| {
            let error = queryfleet_job::causes(error);
            log::slot_cannot_serve(&self.shared.worker, self.number(), dependency.as_str(), &error);
            let kind = match dependency {
                Dependency::Database => EventKind::NoDatabase,
                Dependency::Broker => EventKind::NoBroker,
            };
            self.shared.log.record(kind, || Event {
                slot: Some(self.number()),
                class: dependency.as_str(),
                error: Some(error),
                ..Event::default()
            });
        })
    }
}
