//! What an attempt at jobs that are atomic comes to when it fails: pure functions of what the server has said.

use queryfleet_job::{Failure, LedgerState, Outcome, read_conflict};

use crate::session::verdict::Verdict;

/// What ROLLBACK warns of.
const KEPT: &str = "a table that is not transactional kept changes after ROLLBACK";
/// The second claim of a chunk went elsewhere.
const HIDDEN: &str = "the rows of the ledger that were to say `done` are not in the ledger";

/// How an attempt has failed.
#[derive(Debug)]
pub struct Failed {
    /// The outcome of the attempt. Of a chunk it says nothing about a single job, except by `unknown`.
    pub outcome: Outcome,
    /// So many of the jobs, from the first one on, have left effects behind that no rollback undoes, or may have: the
    /// outcome is theirs, and final. The jobs behind them have not run.
    pub unknown: usize,
    /// The statements may have run, and no ROLLBACK has answered that could have told what they left behind.
    pub unanswered: bool,
}

impl From<Outcome> for Failed {
    fn from(outcome: Outcome) -> Failed {
        Failed { outcome, unknown: 0, unanswered: false }
    }
}

/// What became of ROLLBACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rollback {
    /// It was not sent: the connection was lost, or killed.
    NotSent,
    /// It was sent, and the server has not answered OK.
    Unanswered,
    /// The server has answered OK.
    Answered {
        /// The ledger's row of a single job that had one before.
        row: Option<LedgerState>,
    },
}

/// What is left of a failed attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aftermath {
    pub(crate) rollback: Rollback,
    /// Something has changed that no rollback undoes.
    pub(crate) kept_changes: bool,
    /// How many of the jobs' statements were executed, the one that failed included.
    pub(crate) begun: usize,
    /// How many jobs the packet had.
    pub(crate) jobs: usize,
}

/// What a failed attempt comes to.
pub(crate) fn judge(verdict: Verdict, aftermath: &Aftermath) -> Failed {
    let Aftermath { rollback, kept_changes, begun, jobs } = *aftermath;
    let outcome = match verdict {
        Verdict::EndedBefore => return ended_before(rollback).into(),
        Verdict::Ended(outcome) | Verdict::ConnectionLost(outcome) => outcome,
    };
    match rollback {
        _ if matches!(outcome, Outcome::Unknown(_)) => Failed { unknown: jobs, ..outcome.into() },
        Rollback::NotSent if kept_changes => unknown(jobs, KEPT, outcome.failure()),
        Rollback::NotSent => Failed { unanswered: true, ..outcome.into() },
        Rollback::Unanswered | Rollback::Answered { .. } if kept_changes => {
            unknown(begun, KEPT, outcome.failure())
        }
        Rollback::Unanswered if begun > 0 => Failed { unanswered: true, ..outcome.into() },
        // The server would have said so: of what a statement has changed by its functions and triggers, too.
        Rollback::Unanswered | Rollback::Answered { .. } => outcome.into(),
    }
}

/// All jobs of a packet whose COMMIT has answered, but whose rows are not in the ledger.
pub(crate) fn hidden(jobs: usize) -> Failed {
    unknown(jobs, HIDDEN, None)
}

fn ended_before(rollback: Rollback) -> Outcome {
    match rollback {
        Rollback::Answered { row } => read_conflict(row),
        Rollback::NotSent | Rollback::Unanswered => {
            Outcome::Conflict(Failure::said("the ledger row could not be read"))
        }
    }
}

/// The first `jobs` of them are unknown for good.
fn unknown(jobs: usize, why: &str, failure: Option<&Failure>) -> Failed {
    let said = failure.map_or_else(String::new, |failure| format!(": {failure}"));
    let outcome = Outcome::Unknown(Failure::said(format!("{why}{said}")));
    Failed { unknown: jobs, ..outcome.into() }
}

#[cfg(test)]
mod tests {
    use queryfleet_job::Class;

    use super::*;

    const ANSWERED: Rollback = Rollback::Answered { row: None };

    fn ended(class: Class) -> Verdict {
        let failure = Failure::said("no");
        Verdict::Ended(match class {
            Class::Conflict => Outcome::Conflict(failure),
            Class::LostAfterSend => Outcome::LostAfterSend(failure),
            Class::Unknown => Outcome::Unknown(failure),
            Class::Permanent => Outcome::Permanent(failure),
            other => panic!("{other:?} is not in the table"),
        })
    }

    #[test]
    fn what_a_failed_chunk_of_three_comes_to() {
        // Outcome, ROLLBACK, kept changes, statements begun; class, jobs that are unknown, unanswered.
        for (class, rollback, kept_changes, begun, expected) in [
            (Class::Permanent, ANSWERED, false, 2, (Class::Permanent, 0, false)),
            (Class::Conflict, ANSWERED, false, 0, (Class::Conflict, 0, false)),
            // What is kept is of the jobs that have begun.
            (Class::Permanent, ANSWERED, true, 2, (Class::Unknown, 2, false)),
            (Class::Permanent, Rollback::Unanswered, true, 2, (Class::Unknown, 2, false)),
            (Class::Permanent, Rollback::Unanswered, false, 2, (Class::Permanent, 0, true)),
            // Nothing had begun, so nothing is left behind.
            (Class::Conflict, Rollback::Unanswered, false, 0, (Class::Conflict, 0, false)),
            // Nobody knows how far the packet came on a lost connection.
            (Class::LostAfterSend, Rollback::NotSent, false, 0, (Class::LostAfterSend, 0, true)),
            (Class::LostAfterSend, Rollback::NotSent, true, 1, (Class::Unknown, 3, false)),
            // The transaction was ended by a statement: all that ran is committed.
            (Class::Unknown, ANSWERED, false, 2, (Class::Unknown, 3, false)),
            (Class::Unknown, Rollback::Unanswered, true, 2, (Class::Unknown, 3, false)),
        ] {
            let aftermath = Aftermath { rollback, kept_changes, begun, jobs: 3 };
            let failed = judge(ended(class), &aftermath);
            let found = (failed.outcome.class(), failed.unknown, failed.unanswered);
            assert_eq!(found, expected, "{class:?}, {aftermath:?}");
        }
    }

    #[test]
    fn a_row_that_was_there_decides() {
        for (rollback, class) in [
            (Rollback::Answered { row: Some(LedgerState::Done) }, Class::EndedBefore),
            (Rollback::Answered { row: Some(LedgerState::Dead) }, Class::EndedBefore),
            (Rollback::Answered { row: Some(LedgerState::Started) }, Class::Unknown),
            (ANSWERED, Class::Conflict),
            (Rollback::Unanswered, Class::Conflict),
        ] {
            let aftermath = Aftermath { rollback, kept_changes: false, begun: 0, jobs: 1 };
            let failed = judge(Verdict::EndedBefore, &aftermath);
            assert_eq!(failed.outcome.class(), class, "{rollback:?}");
            assert_eq!((failed.unknown, failed.unanswered), (0, false), "{rollback:?}");
        }
    }

    #[test]
    fn what_was_kept_is_said_with_the_error() {
        let aftermath = Aftermath { rollback: ANSWERED, kept_changes: true, begun: 1, jobs: 1 };
        let failed = judge(ended(Class::Permanent), &aftermath);
        let text = failed.outcome.failure().unwrap().to_string();
        assert!(text.starts_with(KEPT) && text.ends_with(": no"), "{text}");
    }
}
