//! Why a job is dead.

/// Why a job will not be tried again; the word in `queryfleet_dead.reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeadReason {
    /// An error that no repetition mends.
    Error,
    /// MAX_ATTEMPTS used up.
    Attempts,
    /// MAX_ATTEMPTS used up, the last one by the statement's deadline.
    Timeout,
    /// The worker's policy, the lexer, or a statement that is not atomic.
    Refused,
    /// Nobody can know whether it took effect.
    Unknown,
    /// Its run is not in this ledger.
    UnknownRun,
    /// The body is no envelope.
    Undecodable,
    /// The signature is missing or wrong.
    Unverified,
    /// The broker gave up: it killed its worker again and again.
    DeliveryLimit,
}

impl DeadReason {
    /// Every reason.
    pub const ALL: [DeadReason; 9] = {
        use DeadReason::*;
        [Error, Attempts, Timeout, Refused, Unknown, UnknownRun, Undecodable, Unverified, DeliveryLimit]
    };

    /// The word in tables, output and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            DeadReason::Error => "error",
            DeadReason::Attempts => "attempts",
            DeadReason::Timeout => "timeout",
            DeadReason::Refused => "refused",
            DeadReason::Unknown => "unknown",
            DeadReason::UnknownRun => "unknown_run",
            DeadReason::Undecodable => "undecodable",
            DeadReason::Unverified => "unverified",
            DeadReason::DeliveryLimit => "delivery_limit",
        }
    }
}
