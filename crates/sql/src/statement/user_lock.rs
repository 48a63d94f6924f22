//! Locks of users, which a session holds: a statement that does no more than take or release one does nothing for others.

use crate::lexer::scanner::SqlMode;
use crate::lexer::token::{TokenKind, Tokens};
use crate::statement::kind::Kind;
use crate::statement::refusal::{Refusal, SessionState};

const FUNCTIONS: [&str; 3] = ["get_lock", "release_lock", "release_all_locks"];

/// Refuses a SELECT or a DO with one of the functions. A statement that changes rows may take a lock for itself.
pub(crate) fn refuse(sql: &str, kind: Kind, mode: SqlMode) -> Result<(), Refusal> {
    if !matches!(kind, Kind::Select | Kind::Do) {
        return Ok(());
    }
    let mut tokens = Tokens::new(sql, mode);
    let mut after_dot = false;
    while let Some(token) = tokens.next() {
        let is_name = matches!(token.kind, TokenKind::Word | TokenKind::Name);
        let is_listed =
            || FUNCTIONS.iter().any(|name| token.text.trim_matches('`').eq_ignore_ascii_case(name));
        let is_called = || tokens.clone().next().is_some_and(|next| next.is_symbol("("));
        if is_name && !after_dot && is_listed() && is_called() {
            return Err(Refusal::SessionState(SessionState::UserLock));
        }
        after_dot = token.is_symbol(".");
    }
    Ok(())
}
