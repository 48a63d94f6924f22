//! The labels of a worker's series, and the closed sets of values that this crate owns.

use queryfleet_job::words;

/// What a worker's series are labelled with, whatever happens.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    /// The queue that this process serves.
    pub queue: &'a str,
    /// How many slots it has; their labels are `1` to this number.
    pub slots: usize,
    /// The version of the binary.
    pub version: &'a str,
    /// The commit that it was built from, or `unknown`.
    pub revision: &'a str,
}

words! {
    /// A server that a worker cannot do without.
    Dependency {
        /// RabbitMQ.
        Broker = "broker",
        /// MySQL or MariaDB.
        Database = "database",
    }
}

words! {
    /// How the publishing of a message ended.
    PublishResult {
        /// The broker confirmed it.
        Confirmed = "confirmed",
        /// The broker returned it: no queue is bound for it.
        Unroutable = "unroutable",
        /// The broker refused it.
        Nacked = "nacked",
        /// No answer came, or the connection broke first: the broker may or may not have it.
        Unanswered = "unanswered",
    }
}

words! {
    /// Why a running statement's connection was killed.
    KillReason {
        /// The statement ran longer than its deadline.
        Deadline = "deadline",
        /// The worker is stopping, and its drain timeout has passed.
        Drain = "drain",
        /// Its run was cancelled with `--now`.
        Cancel = "cancel",
        /// Its queue was held with `--now`.
        Hold = "hold",
    }
}
