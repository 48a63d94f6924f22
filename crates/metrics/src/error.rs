//! Why metrics could not be set up.

use std::net::SocketAddr;

/// Why metrics cannot be served. The text names the object and the remedy; the cause is in `source()`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is in use, belongs to another machine, or needs more rights.
    #[error("cannot listen on {address} for metrics: set QUERYFLEET_METRICS_LISTEN to a free address")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// The error of the system.
        source: std::io::Error,
    },
    /// A series has a bad name or label, or is registered twice: a mistake in this crate.
    #[error("cannot register the metrics")]
    Register(#[from] prometheus::Error),
}
