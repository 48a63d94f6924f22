//! What a ledger row says.

use crate::words;

words! {
    /// The state of a job in the ledger; no row means that the job has not ended.
    LedgerState {
        /// It took effect; the row was committed together with it.
        Done = "done",
        /// It will not be tried again; `queryfleet_dead` says why.
        Dead = "dead",
        /// Its run was cancelled before it ran.
        Cancelled = "cancelled",
        /// A job that is not atomic has begun, and nobody has recorded how it ended.
        Started = "started",
    }
}
