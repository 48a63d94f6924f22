//! The ranges of a run as rows for its template, in a temporary file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use queryfleet_ledger::{KeyValue, Range};

use crate::Error;
use crate::input::Input;
use crate::input::spool::{spool_error, temporary_file};
use crate::input::template::Template;
use crate::range::{INPUT_NAME, column_names};

/// A file of ranges that is being written.
pub(crate) struct RangeFile {
    file: BufWriter<File>,
}

impl RangeFile {
    /// An empty one.
    ///
    /// # Errors
    /// This and the other functions return [`Error::Spool`] if the file cannot be made or written.
    pub(crate) fn new() -> Result<RangeFile, Error> {
        Ok(RangeFile { file: BufWriter::new(temporary_file(INPUT_NAME.as_ref())?) })
    }

    /// Adds a range.
    pub(crate) fn add(&mut self, range: &Range) -> Result<(), Error> {
        let row: serde_json::Map<String, serde_json::Value> =
            columns(range).map(|(name, value)| (name, serde_json::json!(value))).collect();
        serde_json::to_writer(&mut self.file, &row)
            .map_err(std::io::Error::from)
            .and_then(|()| self.file.write_all(b"\n"))
            .map_err(|source| spool_error(INPUT_NAME.as_ref(), source))
    }

    /// All of them as an input.
    pub(crate) fn into_input(self, template: &Arc<Template>) -> Result<Input, Error> {
        let file =
            self.file.into_inner().map_err(|error| spool_error(INPUT_NAME.as_ref(), error.into_error()))?;
        Ok(Input::written(INPUT_NAME, file, Some(template.clone())))
    }
}

/// The columns of a range's row and their values.
pub(crate) fn columns(range: &Range) -> impl Iterator<Item = (String, &KeyValue)> {
    let (lo, hi) = match range.descending.as_slice() {
        // Spelled out, as `id BETWEEN :lo AND :hi`, the smaller one comes first, however the walk goes.
        [true] => (&range.hi, &range.lo),
        _ => (&range.lo, &range.hi),
    };
    let ends = [("lo", lo), ("hi", hi)].into_iter();
    ends.flat_map(|(end, key)| column_names(end, key.len()).into_iter().zip(key))
}
