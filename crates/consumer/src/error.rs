//! Why a worker could not start.

/// Why a worker cannot serve. What a running worker meets is logged and waited out instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The broker refuses this worker, or the configuration for it is unusable.
    #[error(transparent)]
    Broker(#[from] queryfleet_broker::Error),
    /// The database refuses this worker, or the configuration for it is unusable.
    #[error(transparent)]
    Ledger(#[from] queryfleet_ledger::Error),
    /// The metrics cannot be registered, or their address cannot be listened on.
    #[error(transparent)]
    Metrics(#[from] queryfleet_metrics::Error),
    /// The system has no random numbers.
    #[error("no random numbers from the system")]
    Random(#[from] getrandom::Error),
}
