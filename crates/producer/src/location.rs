//! Where in an input something stands.

use std::fmt;
use std::path::{Path, PathBuf};

use queryfleet_sql::Position;

/// A line and column of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file as the caller named it, or `standard input`, `template` or `range`.
    pub input: PathBuf,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1, in characters.
    pub column: u64,
}

impl Location {
    /// A place of this input.
    pub(crate) fn new(input: &Path, place: Position) -> Location {
        Location { input: input.to_owned(), line: place.line, column: place.column }
    }

    /// The start of an input.
    pub(crate) fn start(input: &Path) -> Location {
        Location { input: input.to_owned(), line: 1, column: 1 }
    }

    /// A byte of `text`, which begins on this line of the input.
    pub(crate) fn of_byte(input: &Path, first_line: u64, text: &[u8], offset: usize) -> Location {
        let before = &text[..offset.min(text.len())];
        let newlines = before.iter().filter(|byte| **byte == b'\n').count() as u64;
        let last_line = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        // Every byte but UTF-8's continuation bytes begins a character.
        let characters = before[last_line..].iter().filter(|byte| **byte & 0xC0 != 0x80).count() as u64;
        Location { input: input.to_owned(), line: first_line + newlines, column: characters + 1 }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.input.display(), self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        for (text, offset, line, column) in
            [("", 0, 7, 1), ("é,x", 3, 7, 3), ("a\nbc", 3, 8, 2), ("a\n", 2, 8, 1), ("ab", 9, 7, 3)]
        {
            let at = Location::of_byte("f".as_ref(), 7, text.as_bytes(), offset);
            assert_eq!((at.line, at.column), (line, column), "{text:?}");
        }
    }
}
