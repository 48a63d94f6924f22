//! Why a job is dead.

use crate::words;

words! {
    /// Why a job will not be retried; the word in `queryfleet_dead.reason`.
    DeadReason {
        /// An error that no retry can fix.
        Error = "error",
        /// QUERYFLEET_MAX_ATTEMPTS is used up.
        Attempts = "attempts",
        /// QUERYFLEET_MAX_ATTEMPTS is used up, and the last attempt ended at the statement's deadline.
        Timeout = "timeout",
        /// The worker's policy or its check of the SQL forbids the statement, or it is not atomic.
        Refused = "refused",
        /// Nobody can know whether it took effect.
        Unknown = "unknown",
        /// Its run is not in this ledger.
        UnknownRun = "unknown_run",
        /// The body is not an envelope.
        Undecodable = "undecodable",
        /// The signature is missing or wrong, or the message does not match its run as published.
        Unverified = "unverified",
        /// The broker gave up at its delivery limit: each worker that had the message died, or somebody put it back each time.
        DeliveryLimit = "delivery_limit",
        /// The time to live that a policy of the broker sets for the queue passed before it ran.
        Expired = "expired",
        /// The queue was longer than a policy of the broker allows.
        MaxLen = "maxlen",
        /// It was in the dead queue, and the broker does not say why: somebody moved it there.
        Moved = "moved",
    }
}
