//! Why metrics could not be set up.

use std::net::SocketAddr;

/// Names the object and the remedy; the cause is the source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is in use, is not this machine's, or needs more rights.
    #[error("cannot listen on {address} for metrics: set QUERYFLEET_METRICS_LISTEN to a free address")]
    Listen {
        /// The address as configured.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A series with a bad name or label, or one registered twice: a mistake in this crate or in the labels given.
    #[error("cannot register the metrics")]
    Register(#[from] prometheus::Error),
}
