//! Why a statement is refused.

use std::fmt;

use crate::lexer::scanner::Open;

/// Why a text is not one statement that stands by itself. Offsets are bytes from the start of its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Nothing but white space, comments and `;`.
    #[error("the statement is empty")]
    Empty,
    /// Something follows a `;`.
    #[error("more than one statement: text follows the ';' at byte {offset}")]
    Several {
        /// The `;`.
        offset: usize,
    },
    /// A string, a quoted identifier or a comment does not end.
    #[error("the {what} that begins at byte {offset} is never closed")]
    Unterminated {
        /// What is open.
        what: Open,
        /// Where it was opened.
        offset: usize,
    },
    /// A comment or `$…$` that servers read differently, so that the statement may end elsewhere or be of another kind.
    #[error("{what} at byte {offset} means different things to different servers: write it out or remove it")]
    Ambiguous {
        /// What stands there.
        what: &'static str,
        /// Where it begins.
        offset: usize,
    },
    /// A number that no server accepts.
    #[error(
        "the number at byte {offset} is accepted by no server: write its digits out, or a space before the dot"
    )]
    BrokenNumber {
        /// Where it begins.
        offset: usize,
    },
    /// A NUL outside of a string, where the server's lexer takes it for the end.
    #[error("NUL byte outside of a string at byte {offset}")]
    NulByte {
        /// The NUL.
        offset: usize,
    },
    /// It changes, or depends on, the state of its session.
    #[error("{0} belongs to one session, and the next statement may run in another: {remedy}", remedy = .0.remedy())]
    SessionState(SessionState),
    /// LOAD DATA LOCAL.
    #[error(
        "LOAD DATA LOCAL reads a file of the client, which is never served: load it from a file of the server"
    )]
    LocalInfile,
}

/// What a statement changes in its session, or takes from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionState {
    /// CREATE or DROP TEMPORARY ….
    TemporaryTable,
    /// SET.
    Set,
    /// USE.
    Use,
    /// BEGIN, COMMIT, SAVEPOINT and their like.
    Transaction,
    /// LOCK, UNLOCK, FLUSH, BACKUP.
    Lock,
    /// PREPARE, EXECUTE, DEALLOCATE.
    Prepared,
    /// HANDLER.
    Handler,
    /// `@name := …`.
    AssignsVariable,
    /// SELECT … INTO a variable.
    SelectsIntoVariable,
    /// `@name`, where its value would be that of another statement, or NULL.
    ReadsVariable,
    /// LAST_INSERT_ID() and its like, which return something about the statement before.
    PreviousStatement,
    /// SELECT or DO of GET_LOCK() and its like: the lock is gone with the session.
    UserLock,
}

impl SessionState {
    /// What to write instead, as the end of a sentence.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::TemporaryTable => "make it a plain table beforehand",
            Self::Set => "give every session what it needs when it begins",
            Self::Use => "name the database before the table",
            Self::Transaction => {
                "leave it out, each statement is a transaction of its own; what belongs together must be one statement"
            }
            Self::Lock => "leave it out, each statement locks what it needs",
            Self::Prepared => "write it out, or bind its values",
            Self::Handler => "use SELECT",
            Self::AssignsVariable | Self::SelectsIntoVariable => "use a subquery where the value is needed",
            Self::ReadsVariable => "write the value out, or use a subquery where it is needed",
            Self::UserLock => "leave it out; to let few run at a time, use queryfleet limit --slots",
            Self::PreviousStatement => "read the row by another key, or write the value out",
        }
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TemporaryTable => "a temporary table",
            Self::Set => "SET",
            Self::Use => "USE",
            Self::Transaction => "transaction control",
            Self::Lock => "LOCK, UNLOCK, FLUSH or BACKUP",
            Self::Prepared => "a prepared statement",
            Self::Handler => "HANDLER",
            Self::AssignsVariable => "assigning a user variable",
            Self::SelectsIntoVariable => "SELECT … INTO a variable",
            Self::ReadsVariable => "reading a user variable",
            Self::UserLock => "a lock of the session (GET_LOCK(), RELEASE_LOCK())",
            Self::PreviousStatement => {
                "what the statement before it left (LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS(), LASTVAL(), \
                 @@identity, @@warning_count, SHOW WARNINGS)"
            }
        })
    }
}
