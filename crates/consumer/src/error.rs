//! Why a worker could not start.

/// A worker that cannot serve. What a running worker meets is logged and waited out instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The broker.
    #[error(transparent)]
    Broker(#[from] queryfleet_broker::Error),
    /// The database.
    #[error(transparent)]
    Ledger(#[from] queryfleet_ledger::Error),
    /// The metrics or their server.
    #[error(transparent)]
    Metrics(#[from] queryfleet_metrics::Error),
    /// The collector could not read what it needs.
    #[error("{0}")]
    Away(queryfleet_job::Failure),
    /// The system has no random numbers.
    #[error("no random numbers from the system")]
    Random(#[from] getrandom::Error),
}
