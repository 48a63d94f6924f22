//! The `:name` placeholders of a template.

use super::SqlMode;
use super::scan::{Scanner, Stops, is_word};
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
/// template whose end is unterminated, which [`super::check()`] refuses, nothing more is found there.
pub fn placeholders(template: &str, mode: SqlMode) -> impl Iterator<Item = Placeholder<'_>> {
    let mut scanner = Scanner::new(mode);
    let text = template.as_bytes();
    std::iter::from_fn(move || {
        loop {
            scanner.run(text, &COLON, true)?;
            let colon = scanner.at;
            let run = count(&text[colon..], |byte| byte == b':');
            let name = colon + run;
            scanner.at = name;
            if run > 1 || text.get(name).is_none_or(u8::is_ascii_digit) {
                continue;
            }
            let length = count(&text[name..], |byte| is_word(byte) && byte != b'$');
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

fn count(text: &[u8], is: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|&&byte| is(byte)).count()
}
