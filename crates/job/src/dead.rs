//! Why a job is dead.

use crate::words::words;

words! {
    /// Why a job will not be tried again; the word in `queryfleet_dead.reason`.
    DeadReason {
        /// An error that no repetition mends.
        Error = "error",
        /// QUERYFLEET_MAX_ATTEMPTS used up.
        Attempts = "attempts",
        /// QUERYFLEET_MAX_ATTEMPTS used up, the last one by the statement's deadline.
        Timeout = "timeout",
        /// The worker's policy, the lexer, or a statement that is not atomic.
        Refused = "refused",
        /// Nobody can know whether it took effect.
        Unknown = "unknown",
        /// Its run is not in this ledger.
        UnknownRun = "unknown_run",
        /// The body is no envelope.
        Undecodable = "undecodable",
        /// The signature is missing or wrong, or the message is not as its run was published.
        Unverified = "unverified",
        /// The broker gave up: it killed its worker again and again.
        DeliveryLimit = "delivery_limit",
    }
}
