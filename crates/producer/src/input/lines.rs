//! Reading a file line by line, in memory bounded by the longest of them.

use std::io::{BufRead, Read};
use std::path::PathBuf;

use queryfleet_sql::Position;
use serde_json::value::RawValue;

use crate::Error;
use crate::location::Location;

/// The remedy for text in another character set.
pub(crate) const NOT_UTF8: &str = "not UTF-8: convert the file (such as with iconv -f latin1 -t utf-8), or write bytes as \
    {\"base64\": \"…\"} in NDJSON";

/// The bytes of an input.
pub(crate) type Bytes = Box<dyn BufRead + Send>;

/// The lines of a file.
pub(crate) struct Lines {
    name: PathBuf,
    bytes: Bytes,
    line: Vec<u8>,
    /// The current line's number, from 1.
    pub(crate) number: u64,
    limit: usize,
}

impl Lines {
    /// Lines under this name, none of them longer than `limit` bytes.
    pub(crate) fn new(name: PathBuf, bytes: Bytes, limit: usize) -> Lines {
        Lines { name, bytes, line: Vec::new(), number: 0, limit }
    }

    /// Moves to the next line that is not blank. Returns false at the end.
    ///
    /// # Errors
    /// Returns an error if reading fails, or if a line is too long or not UTF-8.
    pub(crate) fn advance(&mut self) -> Result<bool, Error> {
        loop {
            self.line.clear();
            let read = (&mut self.bytes).take(self.limit as u64 + 1).read_until(b'\n', &mut self.line);
            if read.map_err(|source| Error::Read { path: self.name.clone(), source })? == 0 {
                return Ok(false);
            }
            self.number += 1;
            if self.line.len() > self.limit {
                return Err(self.error_at(0, format!("line is longer than {} bytes", self.limit)));
            }
            match std::str::from_utf8(&self.line) {
                Err(error) => return Err(self.error_at(error.valid_up_to(), NOT_UTF8.to_owned())),
                Ok(text) if !text.trim().is_empty() => return Ok(true),
                Ok(_) => {}
            }
        }
    }

    /// The current line.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.line).unwrap_or_default()
    }

    /// An error at this byte of the line.
    pub(crate) fn error_at(&self, offset: usize, why: String) -> Error {
        Error::at_byte(&self.name, self.number, &self.line, offset, why)
    }

    /// An error of serde_json about the line. Its column, which counts bytes, becomes one that counts characters.
    pub(crate) fn json_error(&self, error: &serde_json::Error) -> Error {
        let text = error.to_string();
        let why = text.rsplit_once(" at line ").map_or(text.as_str(), |(why, _)| why);
        self.error_at(error.column().saturating_sub(1), why.to_owned())
    }

    /// An error about a value of the line.
    pub(crate) fn value_error(&self, json: &RawValue, why: String) -> Error {
        // The value is a part of the line's own text.
        let offset = (json.get().as_ptr() as usize).saturating_sub(self.line.as_ptr() as usize);
        self.error_at(offset, why)
    }

    /// Where the line begins.
    pub(crate) fn location(&self) -> Location {
        Location::new(&self.name, self.place())
    }

    /// The place at which the line begins.
    pub(crate) fn place(&self) -> Position {
        Position { offset: 0, line: self.number, column: 1 }
    }
}
