//! What a ledger row says, and how a conflict on it is read.

use std::str::FromStr;

use crate::{Failure, Outcome};

/// The state of a job in the ledger; no row means that it has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LedgerState {
    /// Took effect; the row was committed together with it.
    Done,
    /// Will not be tried again; `queryfleet_dead` says why.
    Dead,
    /// Its run was cancelled before it ran.
    Cancelled,
    /// A job that is not atomic has begun, and nobody has said how it ended.
    Started,
}

impl LedgerState {
    /// The word in the ledger's ENUM column.
    pub fn as_str(self) -> &'static str {
        match self {
            LedgerState::Done => "done",
            LedgerState::Dead => "dead",
            LedgerState::Cancelled => "cancelled",
            LedgerState::Started => "started",
        }
    }
}

impl FromStr for LedgerState {
    type Err = String;

    fn from_str(word: &str) -> Result<LedgerState, String> {
        use LedgerState::*;
        [Done, Dead, Cancelled, Started]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| format!("ledger state `{word}` is not known to this version"))
    }
}

/// How an attempt has ended whose ledger INSERT met 1062, from the row that was found afterwards.
///
/// No row: the other transaction's row is gone again (a replay took it away, or the reader came too early), so the
/// job is tried once more. `Started`: somebody began a job that is not atomic and died, or is at it: nobody can know.
pub fn read_conflict(found: Option<LedgerState>) -> Outcome {
    match found {
        Some(LedgerState::Started) => Outcome::Unknown(Failure::said(
            "the ledger row says `started`: an attempt began and nobody saw its end",
        )),
        Some(state) => Outcome::EndedBefore(state),
        None => Outcome::Conflict(Failure::said("the ledger row was there and is gone again")),
    }
}
