//! Skips the literals of an INSERT, which are most of it.

use crate::lexer::scanner::{Context, Scanner, SqlMode, Stops, is_one_of, is_word, length_of};
use crate::lexer::token::{Token, Tokens};

/// What may be more than a literal, its parentheses and commas.
static STOPS: Stops = Stops::syntax().and_words().and(b"`@\\:;{");
static ANSI_STOPS: Stops = Stops::syntax().and_words().and(b"`@\\:;{\"");
/// Words that are literals, or stand before one.
const WORDS: &[&str] = &["null", "default", "true", "false", "_binary", "_utf8mb4"];

/// A statement without the literals behind the VALUES of an INSERT or REPLACE: what stands before them, and what begins
/// with the first thing that is none. Both have all names and all calls of the statement.
pub(crate) fn without_literals(sql: &str, mode: SqlMode) -> (&str, &str) {
    let mut tokens = Tokens::new(sql, mode);
    if !tokens.next().is_some_and(|first| first.version.is_none() && first.is_any(&["insert", "replace"])) {
        return (sql, "");
    }
    let is_values = |token: &Token<'_>| token.depth == 0 && token.is_any(&["values", "value"]);
    // Of INSERT … SELECT and INSERT … SET there is nothing to pass over.
    let is_other = |token: &Token<'_>| token.is_any(&["select", "set", "with", "table"]);
    let Some(values) = tokens.find(|token| token.version.is_some() || is_values(token) || is_other(token))
    else {
        return (sql, "");
    };
    if !is_values(&values) || values.version.is_some() {
        return (sql, "");
    }
    let head = values.at + values.text.len();
    let rest = head + literals(&sql.as_bytes()[head..], mode);
    // What is passed over is whole words and strings, so both ends are between characters.
    (sql.get(..head).unwrap_or(sql), sql.get(rest..).unwrap_or(sql))
}

/// How many bytes are literals, parentheses, commas, operators and comments.
fn literals(text: &[u8], mode: SqlMode) -> usize {
    let stops = if mode.ansi_quotes { &ANSI_STOPS } else { &STOPS };
    let mut scanner = Scanner::new(mode);
    loop {
        let Some(_) = scanner.run(text, stops, true) else { return text.len() };
        let at = scanner.at;
        let length = length_of(&text[at..], is_word);
        if length == 0 || scanner.version.is_some() || !is_literal(text, at, length) {
            return at;
        }
        scanner.at += length;
        debug_assert_eq!(scanner.context, Context::Code);
    }
}

/// Whether these bytes are a number or a word of a literal, and no name.
fn is_literal(text: &[u8], at: usize, length: usize) -> bool {
    let word = &text[at..at + length];
    let after = text.get(at + length);
    match word {
        [b'0', b'x', hex @ ..] => {
            !hex.is_empty() && hex.iter().all(u8::is_ascii_hexdigit) && after != Some(&b'.')
        }
        [b'0'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        [b'x' | b'X' | b'b' | b'B' | b'n' | b'N'] => after == Some(&b'\''),
        _ => {
            is_one_of(word, WORDS)
                && !matches!(after, Some(b'(' | b'.'))
                && !text[at + length..].trim_ascii_start().starts_with(b"(")
        }
    }
}
