//! Locks of users, which a session holds: a statement that does no more than take or release one does nothing for others.

use crate::lexer::scanner::SqlMode;
use crate::lexer::token::Tokens;
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
        let is_listed = token
            .identifier()
            .is_some_and(|name| FUNCTIONS.iter().any(|known| name.eq_ignore_ascii_case(known)));
        if is_listed && !after_dot && tokens.clone().next().is_some_and(|next| next.is_symbol("(")) {
            return Err(Refusal::SessionState(SessionState::UserLock));
        }
        after_dot = token.is_symbol(".");
    }
    Ok(())
}
