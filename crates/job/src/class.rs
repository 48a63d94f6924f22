//! The class of an outcome: a word for metrics and logs.

use crate::words::words;

words! {
    /// The class of an outcome: the label value in metrics.
    Class {
        /// COMMIT itself has answered: the job took effect.
        Done = "done",
        /// The ledger had the job's row already: an earlier delivery has ended it, or a cancel.
        EndedBefore = "ended_before",
        /// Lost against another transaction: a deadlock, a lock wait, a changed row. Tried again at once.
        Conflict = "conflict",
        /// The connection broke after the statement was sent; the ledger knows what became of it. Tried again, counted.
        LostAfterSend = "lost_after_send",
        /// There was no connection, and nothing was sent. The slot waits; not counted.
        NotSent = "not_sent",
        /// The database fails over, is full or out of connections, or another delivery holds the job's ledger row. The slot waits; not counted.
        Pressure = "pressure",
        /// Somebody else killed the statement. Tried again, not counted.
        Killed = "killed",
        /// A drain or a cancel of ours ended the attempt. Given back, not counted.
        Interrupted = "interrupted",
        /// A deadline passed: ours, or the server's own. Tried again, counted.
        Deadline = "deadline",
        /// An error that no repetition mends. Dead at once.
        Permanent = "permanent",
        /// An error that is on no list. Tried again, counted.
        Unlisted = "unlisted",
        /// The worker's policy or lexer takes no such statement. Dead at once.
        Refused = "refused",
        /// Nobody can know whether it took effect. Dead at once, to be looked at.
        Unknown = "unknown",
        /// This worker cannot serve: rights, tables, a newer envelope. Given back, the job is not to blame.
        Unfit = "unfit",
        /// A message of a run that was purged. Acknowledged.
        Stale = "stale",
        /// A message whose run is not in this ledger. Tried again, then dead.
        UnknownRun = "unknown_run",
        /// A message that is no envelope. Dead at once.
        Undecodable = "undecodable",
        /// A message whose signature is missing or wrong, or that is not as its run was published. Dead at once.
        Unverified = "unverified",
    }
}

impl Class {
    /// Those that an attempt at a job can end with, `class as usize` being the index here as well; the others are of
    /// messages that are not run.
    pub const OF_ATTEMPTS: &'static [Class] = Class::ALL.split_at(Class::Stale as usize).0;
    /// Those that are no success: of failed attempts, and of messages that are not run.
    pub const OF_ERRORS: &'static [Class] = Class::ALL.split_at(Class::Conflict as usize).1;
}
