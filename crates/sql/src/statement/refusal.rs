//! Why a statement is refused.

use crate::lexer::scanner::Open;

/// Why one statement cannot be a job. Offsets are bytes from the start of the statement's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing but white space, comments and `;`.
    #[error("the statement is empty")]
    Empty,
    /// Something follows a `;`.
    #[error(
        "more than one statement: text follows the ';' at byte {offset}; make each a job of its own, and procedures and \
         triggers with the client, before the run"
    )]
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
    /// A comment or `$…$` that one server reads otherwise than another, so that the statement may end elsewhere or
    /// be of another kind.
    #[error("{what} at byte {offset} means different things to different servers; write it out or remove it")]
    Ambiguous {
        /// What stands there.
        what: &'static str,
        /// Where it begins.
        offset: usize,
    },
    /// A number that no server takes.
    #[error(
        "the number at byte {offset} is none to any server; write its digits out, or a space before the dot"
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
    /// It changes, or builds on, the state of its session.
    #[error("{what} has no place in a fleet, where each job may run in another session: {instead}")]
    SessionState {
        /// What the statement does.
        what: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// LOAD DATA LOCAL.
    #[error(
        "LOAD DATA LOCAL reads a file of the client's, which is never served; load it from the server's side"
    )]
    LocalInfile,
}
