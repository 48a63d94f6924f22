//! Temporary files for inputs that can be read only once. They have no name: however the process ends, they are gone.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use crate::Error;

/// Bytes that are copied at a time.
const PIECE_BYTES: usize = 64 << 10;

/// An empty temporary file for `input`, which errors name.
///
/// # Errors
/// Returns [`Error::Spool`] if it cannot be made.
pub(crate) fn temporary_file(input: &Path) -> Result<File, Error> {
    tempfile::tempfile().map_err(|source| spool_error(input, source))
}

/// Copies a pipe, or standard input, to its end.
///
/// # Errors
/// Returns [`Error::Read`] if it cannot be read, and [`Error::Spool`] if the copy cannot be written.
pub(crate) fn copy_to_end(input: &Path, from: &mut impl Read) -> Result<File, Error> {
    // Made before the first read: whoever types the input in does not type it in vain.
    let mut file = temporary_file(input)?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(file),
            Ok(bytes) => file.write_all(&piece[..bytes]).map_err(|source| spool_error(input, source))?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(source) => return Err(Error::Read { path: input.into(), source }),
        }
    }
}

/// The error of a temporary file that cannot be made or written.
pub(crate) fn spool_error(input: &Path, source: std::io::Error) -> Error {
    Error::Spool { path: input.into(), folder: std::env::temp_dir(), source }
}
