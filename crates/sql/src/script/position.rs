//! Positions in a script.

use crate::lexer::scanner::{Context, Scanner, SqlMode, Stops};
use std::fmt;

/// A position in a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Bytes before it, from the start of the input.
    pub offset: u64,
    /// Its line, from 1; a line ends with `\n`.
    pub line: u64,
    /// Its column, from 1, in characters (bytes that are not UTF-8 count by what they look like).
    pub column: u64,
}

impl Position {
    pub(crate) const START: Self = Self { offset: 0, line: 1, column: 1 };

    /// The position right after `text`, where `text` begins at `self`.
    pub(crate) fn after(self, text: &[u8]) -> Self {
        let offset = self.offset + text.len() as u64;
        match memchr::memrchr(b'\n', text) {
            None => Self { offset, line: self.line, column: self.column + characters(text) },
            Some(last) => {
                let lines = memchr::memchr_iter(b'\n', text).count() as u64;
                Self { offset, line: self.line + lines, column: 1 + characters(&text[last + 1..]) }
            }
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The byte at which a statement begins in its text: behind the comments before it. Version comments are part of it.
pub fn statement_start(sql: &str, mode: SqlMode) -> usize {
    static ALL: Stops = Stops::all_but_space();
    let mut scanner = Scanner::new(mode);
    let text = sql.as_bytes();
    while scanner.run(text, &ALL, true).is_some() {
        let at = scanner.at;
        scanner.step(text, true);
        if !matches!(scanner.context, Context::Line | Context::Block) {
            return at;
        }
    }
    text.len()
}

/// Every byte but UTF-8's continuation bytes (0x80 to 0xBF) begins a character.
fn characters(text: &[u8]) -> u64 {
    if text.is_ascii() {
        // Faster than counting.
        return text.len() as u64;
    }
    text.iter().filter(|&&byte| byte & 0xC0 != 0x80).count() as u64
}
