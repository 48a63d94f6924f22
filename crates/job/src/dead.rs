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
        /// The broker gave up at its delivery limit: each worker that had it died, or somebody put it back each time.
        DeliveryLimit = "delivery_limit",
        /// A time to live, which a policy of the broker puts on the queue, has passed before it was run.
        Expired = "expired",
        /// The queue was longer than a policy of the broker lets it be.
        MaxLen = "maxlen",
        /// It was in the dead queue, and the broker does not say why: somebody has moved it there.
        Moved = "moved",
    }
}
