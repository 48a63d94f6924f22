//! Temporary files for what gives its bytes only once. They have no name: however the process ends, they are gone.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use crate::Error;

/// How much is copied at once.
const PIECE: usize = 64 << 10;

/// An empty one; `what` it is for is named in errors.
///
/// # Errors
/// [`Error::Keep`] when there is no place for one.
pub(crate) fn file(what: &Path) -> Result<File, Error> {
    tempfile::tempfile().map_err(unkept(what))
}

/// All of a pipe, or of standard input, in a file.
///
/// # Errors
/// [`Error::Read`] when it cannot be read, [`Error::Keep`] when it cannot be written.
pub(crate) fn all(what: &Path, from: &mut impl Read) -> Result<File, Error> {
    // First: who types the input in does not type it in vain.
    let mut file = file(what)?;
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(file),
            Ok(bytes) => file.write_all(&piece[..bytes]).map_err(unkept(what))?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(source) => return Err(Error::Read { path: what.into(), source }),
        }
    }
}

/// The error of a temporary file that cannot be made or written.
pub(crate) fn unkept(what: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let (path, folder) = (what.into(), std::env::temp_dir());
    move |source| Error::Keep { path, folder, source }
}
