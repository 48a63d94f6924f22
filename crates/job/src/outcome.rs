//! Every way an attempt can end, and the word for it in metrics and logs.

use std::fmt;

use crate::words;

/// What a server or the fleet said when an attempt failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// The server's error code; `None` when the fleet itself says it.
    pub code: Option<u16>,
    /// The server's SQLSTATE.
    pub sqlstate: Option<String>,
    /// The text, for people.
    pub message: String,
}

impl Failure {
    /// A failure that the fleet states itself, without a server's code. It may quote what came from outside, so it is
    /// bounded.
    pub fn said(message: impl Into<String>) -> Failure {
        Failure { code: None, sqlstate: None, message: crate::foreign(message) }
    }

    /// What a server said, bounded: a server is outside, and so is whoever stands between.
    pub fn of_server(code: Option<u16>, sqlstate: Option<String>, message: impl Into<String>) -> Failure {
        let sqlstate = sqlstate.map(|state| state.chars().take(5).collect());
        Failure { code, sqlstate, message: crate::foreign(message) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, &self.sqlstate) {
            (Some(code), Some(state)) => write!(f, "{code} ({state}): {}", self.message),
            (Some(code), None) => write!(f, "{code}: {}", self.message),
            _ => f.write_str(&self.message),
        }
    }
}

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

/// How an attempt at one job has ended. Closed: every value meets exactly one arm in [`settle`](crate::settle::settle).
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// COMMIT itself succeeded; the statement changed that many rows.
    Done(u64),
    /// The ledger already had its row: an earlier delivery or a cancel has ended it.
    EndedBefore(LedgerState),
    /// Lost against another transaction (deadlock, lock wait, changed row); rolled back, worth retrying at once.
    Conflict(Failure),
    /// The connection broke after the packet was sent: the ledger knows what became of it.
    LostAfterSend(Failure),
    /// No connection, and the packet was not sent.
    NotSent(Failure),
    /// The database is failing over, full or out of connections, or another delivery holds this job's ledger row.
    Pressure(Failure),
    /// Somebody else killed the statement.
    Killed(Failure),
    /// A drain or a cancel of ours ended the attempt; its connection was killed.
    Interrupted(Failure),
    /// A deadline passed: ours, or the server's own.
    Deadline(Failure),
    /// An error that no retry can fix.
    Permanent(Failure),
    /// An error that is on no list; retried, and counted.
    Unlisted(Failure),
    /// The worker's policy or its check of the SQL forbids the statement.
    Refused(Failure),
    /// Nobody can know whether it took effect.
    Unknown(Failure),
    /// This worker cannot serve (rights, database, envelope version); the job is not to blame.
    Unfit(Failure),
    /// A message of a purged run.
    Stale,
    /// A message whose run is not in this ledger.
    UnknownRun,
    /// The body is not an envelope.
    Undecodable(Failure),
    /// The signature is missing or wrong, or the message does not match its run as published.
    Unverified(Failure),
}

impl Outcome {
    /// The class of this outcome.
    pub fn class(&self) -> Class {
        match self {
            Outcome::Done(_) => Class::Done,
            Outcome::EndedBefore(_) => Class::EndedBefore,
            Outcome::Conflict(_) => Class::Conflict,
            Outcome::LostAfterSend(_) => Class::LostAfterSend,
            Outcome::NotSent(_) => Class::NotSent,
            Outcome::Pressure(_) => Class::Pressure,
            Outcome::Killed(_) => Class::Killed,
            Outcome::Interrupted(_) => Class::Interrupted,
            Outcome::Deadline(_) => Class::Deadline,
            Outcome::Permanent(_) => Class::Permanent,
            Outcome::Unlisted(_) => Class::Unlisted,
            Outcome::Refused(_) => Class::Refused,
            Outcome::Unknown(_) => Class::Unknown,
            Outcome::Unfit(_) => Class::Unfit,
            Outcome::Stale => Class::Stale,
            Outcome::UnknownRun => Class::UnknownRun,
            Outcome::Undecodable(_) => Class::Undecodable,
            Outcome::Unverified(_) => Class::Unverified,
        }
    }

    /// What went wrong, when something did.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Outcome::Conflict(failure)
            | Outcome::LostAfterSend(failure)
            | Outcome::NotSent(failure)
            | Outcome::Pressure(failure)
            | Outcome::Killed(failure)
            | Outcome::Interrupted(failure)
            | Outcome::Deadline(failure)
            | Outcome::Permanent(failure)
            | Outcome::Unlisted(failure)
            | Outcome::Refused(failure)
            | Outcome::Unknown(failure)
            | Outcome::Unfit(failure)
            | Outcome::Undecodable(failure)
            | Outcome::Unverified(failure) => Some(failure),
            Outcome::Done(_) | Outcome::EndedBefore(_) | Outcome::Stale | Outcome::UnknownRun => None,
        }
    }
}

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
        /// The database is failing over, full or out of connections, or another delivery holds the job's ledger row.
        /// The slot waits; not counted.
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
        /// This worker cannot serve: it lacks a right or a table, or the envelope is newer than it. Given back; the job
        /// is not to blame.
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
