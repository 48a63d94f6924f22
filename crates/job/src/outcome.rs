//! Every way an attempt can end.

use std::fmt;

use crate::{Class, LedgerState};

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

/// How an attempt at one job has ended. Closed: every value meets exactly one arm in [`settle`](crate::settle::settle).
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// COMMIT itself answered; the statement changed that many rows.
    Done(u64),
    /// The ledger had its row already: an earlier delivery has ended it.
    EndedBefore(LedgerState),
    /// Lost against another transaction (deadlock, lock wait, changed row); rolled back, worth trying at once.
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
    /// An error that no repetition mends.
    Permanent(Failure),
    /// An error that is on no list; tried again, and counted.
    Unlisted(Failure),
    /// The worker's policy or lexer takes no such statement.
    Refused(Failure),
    /// Nobody can know whether it took effect.
    Unknown(Failure),
    /// This worker cannot serve (rights, database, envelope version); the job is not to blame.
    Unfit(Failure),
    /// A message of a purged run.
    Stale,
    /// A message whose run is not in this ledger.
    UnknownRun,
    /// The body is no envelope.
    Undecodable(Failure),
    /// The signature is missing or wrong, or the message is not as its run was published.
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
