//! The class of an outcome: a word for metrics and logs.

use crate::words;

words! {
    /// The class of an outcome: the label value in metrics.
    Class {
        /// COMMIT itself succeeded: the job took effect.
        Done = "done",
        /// The ledger already had a row of the job: an earlier delivery or a cancel has ended it.
        EndedBefore = "ended_before",
        /// Lost against another transaction: a deadlock, a lock wait or a changed row. Retried at once.
        Conflict = "conflict",
        /// The connection broke after the statement was sent; the ledger knows what became of it. Retried, counted.
        LostAfterSend = "lost_after_send",
        /// There was no connection, and nothing was sent. The slot waits; not counted.
        NotSent = "not_sent",
        /// The database is failing over, full or out of connections, or another delivery holds the job's ledger row. The slot waits; not counted.
        Pressure = "pressure",
        /// Somebody else killed the statement. Retried, not counted.
        Killed = "killed",
        /// A drain or a cancel of ours ended the attempt. Given back, not counted.
        Interrupted = "interrupted",
        /// A deadline passed: ours, or the server's own. Retried, counted.
        Deadline = "deadline",
        /// An error that no retry can fix. Dead at once.
        Permanent = "permanent",
        /// An error that is on no list. Retried, counted.
        Unlisted = "unlisted",
        /// The worker's policy or its check of the SQL forbids the statement. Dead at once.
        Refused = "refused",
        /// Nobody can know whether the job took effect. Dead at once; a person has to look.
        Unknown = "unknown",
        /// This worker cannot serve: it lacks a right or a table, or the envelope is newer than it. Given back; the job is not to blame.
        Unfit = "unfit",
        /// A message of a run that was purged. Acknowledged.
        Stale = "stale",
        /// A message whose run is not in this ledger. Retried, then dead.
        UnknownRun = "unknown_run",
        /// A message that is not an envelope. Dead at once.
        Undecodable = "undecodable",
        /// A message whose signature is missing or wrong, or that does not match its run as published. Dead at once.
        Unverified = "unverified",
    }
}

impl Class {
    /// Those that an attempt at a job can end with. [`Word::index`](crate::Word::index) is the position here, too. The
    /// others are of messages that are not run.
    pub const OF_ATTEMPTS: &'static [Class] = Class::ALL.split_at(Class::Stale as usize).0;
    /// Those that are no success: of failed attempts, and of messages that are not run.
    pub const OF_ERRORS: &'static [Class] = Class::ALL.split_at(Class::Conflict as usize).1;
}
