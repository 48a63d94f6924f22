//! User variables that another statement of the session would have set.

use std::iter::Peekable;

use crate::lexer::scanner::SqlMode;
use crate::lexer::token::{Token, TokenKind, Tokens};
use crate::statement::kind::Kind;
use crate::statement::refusal::{Refusal, SessionState};

/// Statements about accounts, in which `@` comes before a host.
const ACCOUNTS: [&str; 2] = ["grant", "revoke"];
/// Objects that are created with a text that is not executed at that time.
const STORED: [&str; 5] = ["trigger", "procedure", "function", "event", "package"];

/// Refuses `@name` where its value would come from another statement, or be NULL: everywhere except in LOAD DATA, which
/// may read what its own list of columns sets, in the text of a stored program, and in the name of an account. It is
/// only called for statements with an `@`, and does not look at those that are refused anyway, such as SET.
pub(crate) fn refuse(sql: &str, kind: Kind, mode: SqlMode) -> Result<(), Refusal> {
    let found = match kind {
        Kind::LoadData => not_set_by_load(sql, mode),
        Kind::Ddl => in_ddl(sql, mode),
        _ if kind.is_session_state() => false,
        _ => Tokens::new(sql, mode).any(is_user),
    };
    if !found {
        return Ok(());
    }
    Err(Refusal::SessionState(SessionState::ReadsVariable))
}

fn is_user(token: Token<'_>) -> bool {
    token.kind == TokenKind::Variable && !token.text.starts_with("@@")
}

/// Whether a LOAD DATA reads a variable that is not in its list of columns, `(a, @b)` before the SET.
fn not_set_by_load(sql: &str, mode: SqlMode) -> bool {
    let mut tokens = Tokens::new(sql, mode).peekable();
    let mut own = Vec::new();
    let mut before = ",";
    while let Some(token) = tokens.next() {
        if token.depth == 0 && token.is("set") {
            return tokens.clone().any(|token| is_user(token))
                && read_after(&mut tokens).iter().any(|name| !own.contains(name));
        }
        if is_user(token) {
            let name = name(token, &mut tokens);
            let ends = tokens.peek().is_some_and(|next| next.is_symbol(",") || next.is_symbol(")"));
            if token.depth != 1 || !matches!(before, "(" | ",") || !ends {
                return true;
            }
            own.push(name);
        }
        before = token.text;
    }
    false
}

fn read_after<'a>(tokens: &mut Peekable<impl Iterator<Item = Token<'a>>>) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(token) = tokens.next() {
        if is_user(token) {
            found.push(name(token, tokens));
        }
    }
    found
}

/// The name in lower case; a quoted one is a token of its own.
fn name<'a>(token: Token<'a>, tokens: &mut Peekable<impl Iterator<Item = Token<'a>>>) -> String {
    let mut text = token.text.to_lowercase();
    if text == "@"
        && let Some(quoted) = tokens.next_if(|next| matches!(next.kind, TokenKind::Name | TokenKind::String))
    {
        text += quoted.text.to_lowercase().trim_matches(['`', '\'', '"']);
    } else {
        text = text.replace(['`', '\'', '"'], "");
    }
    text
}

fn in_ddl(sql: &str, mode: SqlMode) -> bool {
    let mut tokens = Tokens::new(sql, mode).peekable();
    if tokens.next_if(|token| token.is_any(&ACCOUNTS)).is_some() {
        return false;
    }
    tokens.next();
    while tokens.next_if(|token| token.is_any(&["or", "replace", "aggregate"])).is_some() {}
    if tokens.next_if(|token| token.is_any(&["user", "role"])).is_some() {
        return false;
    }
    if tokens.peek().is_some_and(|token| token.is_any(&["algorithm", "sql"])) {
        // Of a view; its definer comes later, or not at all.
        while tokens.next_if(|token| !token.is_any(&["definer", "view"])).is_some() {}
    }
    if tokens.next_if(|token| token.is("definer")).is_some() {
        // Up to the host, or to what is created by CURRENT_USER.
        tokens.next();
        tokens.next();
        if tokens.peek().is_some_and(|token| is_user(*token)) {
            let host = tokens.next();
            if host.is_some_and(|host| host.text == "@") {
                tokens.next();
            }
        }
        while tokens.next_if(|token| token.is_any(&["aggregate"])).is_some() {}
    }
    let is_stored = tokens.peek().is_some_and(|token| token.is_any(&STORED));
    !is_stored && tokens.any(is_user)
}
