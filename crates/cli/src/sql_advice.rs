//! What a person can do about SQL that is refused, by the options of this program and of those that write dumps: the crate
//! that reads SQL knows none of them.

use queryfleet_sql::{Refusal, SessionState, SplitError};

/// What helps against a refused statement, as the end of its sentence.
pub(crate) fn of_refusal(refusal: &Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::Several { .. } => {
            Some("make each a job of its own, and procedures and triggers with the client, before the run")
        }
        Refusal::SessionState(state) => of_session_state(*state),
        _ => None,
    }
}

fn of_session_state(state: SessionState) -> Option<&'static str> {
    match state {
        SessionState::Set => {
            Some("--session-sql gives every session of a run what it needs (autocommit is always on)")
        }
        SessionState::Transaction => Some("phpMyAdmin's option is `Enclose export in a transaction`"),
        SessionState::Lock => Some("of a dump: --skip-add-locks"),
        SessionState::Prepared => Some("an NDJSON input binds values"),
        _ => None,
    }
}

/// What helps against a script that cannot be split, as the end of its sentence.
pub(crate) fn of_split_error(error: &SplitError) -> Option<&'static str> {
    match error {
        SplitError::NotUtf8 { .. } => Some("of a dump: --hex-blob"),
        _ => None,
    }
}
