//! Where values go in a statement: the `:name` placeholders of a template, the `?` marks of a statement with bound
//! values, and a literal in place of a `?`.

use crate::lexer::scanner::{Scanner, SqlMode, Stops, is_word, length_of};
use std::ops::Range;

static COLON: Stops = Stops::syntax().and(b":");

/// One `:name` in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder<'a> {
    /// The name without its colon.
    pub name: &'a str,
    /// The bytes of the template that it takes up, colon included.
    pub range: Range<usize>,
}

/// The placeholders of a template in their order: a colon and a name (a letter, `_` or a character beyond ASCII,
/// then also digits) in code. Not in strings, quoted identifiers and comments; `::` and `:=` are none. In a
/// template whose end is unterminated, which [`crate::check`] refuses, nothing more is found there.
pub fn placeholders(template: &str, mode: SqlMode) -> impl Iterator<Item = Placeholder<'_>> {
    let mut scanner = Scanner::new(mode);
    let text = template.as_bytes();
    std::iter::from_fn(move || {
        loop {
            scanner.run(text, &COLON, true)?;
            let colon = scanner.at;
            let run = length_of(&text[colon..], |byte| byte == b':');
            let name = colon + run;
            scanner.at = name;
            if run > 1 || text.get(name).is_none_or(u8::is_ascii_digit) {
                continue;
            }
            let length = length_of(&text[name..], |byte| is_word(byte) && byte != b'$');
            scanner.at += length;
            if length > 0 {
                return Some(Placeholder {
                    name: &template[name..name + length],
                    range: colon..name + length,
                });
            }
        }
    })
}

static MARK: Stops = Stops::syntax().and(b"?");

/// Where the `?`s of a statement stand, in their order: in code, not in strings, quoted identifiers and comments.
/// In a statement whose end is unterminated, which [`crate::check`] refuses, nothing more is found there.
pub fn marks(sql: &str, mode: SqlMode) -> impl Iterator<Item = usize> {
    let mut scanner = Scanner::new(mode);
    let text = sql.as_bytes();
    std::iter::from_fn(move || {
        scanner.run(text, &MARK, true)?;
        scanner.at += 1;
        Some(scanner.at - 1)
    })
}

/// Adds `literal` to the text before it, and a space wherever it would melt into a neighbour: `BETWEEN?` must not
/// become a name, nor `'a'?` one string. A space everywhere would make `--?` a comment. `next` is the byte that will
/// follow.
pub fn splice(text: &mut String, literal: &str, next: Option<u8>) {
    let melts = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || byte >= 0x80
            || matches!(byte, b'_' | b'$' | b'\'' | b'"' | b'`' | b'.')
    };
    if text.as_bytes().last().is_some_and(|byte| melts(*byte)) {
        text.push(' ');
    }
    text.push_str(literal);
    if next.is_some_and(melts) {
        text.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_in_code_only() {
        let sql = "UPDATE t SET a = ?, b = '?' /* ? */ WHERE `?` = ? -- ?";
        let found: Vec<usize> = marks(sql, SqlMode::default()).collect();
        assert_eq!(found, [17, 49 - 1]);
    }
}
