//! Reading a script: a stream of statements, in memory bounded by the longest of them.

use std::io::Read;
use std::path::PathBuf;

use queryfleet_sql::{Position, Splitter, SqlMode};

use crate::Error;

/// Bytes per read.
const PIECE_BYTES: usize = 256 * 1024;

/// The statements of a script.
pub(crate) struct Script {
    name: PathBuf,
    bytes: Box<dyn Read + Send>,
    splitter: Splitter,
    piece: Vec<u8>,
    ended: bool,
}

impl Script {
    /// A script under this name; no statement in it may be longer than `limit` bytes.
    pub(crate) fn new(name: PathBuf, bytes: Box<dyn Read + Send>, mode: SqlMode, limit: usize) -> Script {
        Script {
            name,
            bytes,
            splitter: Splitter::new(mode, limit),
            piece: vec![0; PIECE_BYTES],
            ended: false,
        }
    }

    /// The next statement and its place; `None` at the end.
    ///
    /// # Errors
    /// Returns [`Error::Read`] or [`Error::Split`].
    pub(crate) fn next(&mut self) -> Result<Option<(String, Position)>, Error> {
        loop {
            match self.splitter.next_statement() {
                Ok(Some(statement)) => return Ok(Some((statement.sql.to_owned(), statement.position))),
                Ok(None) if self.ended => return Ok(None),
                Ok(None) => self.fill()?,
                Err(source) => return Err(Error::Split { path: self.name.clone(), source }),
            }
        }
    }

    fn fill(&mut self) -> Result<(), Error> {
        let read = self.bytes.read(&mut self.piece);
        match read.map_err(|source| Error::Read { path: self.name.clone(), source })? {
            0 => {
                self.splitter.finish();
                self.ended = true;
            }
            bytes => self.splitter.feed(&self.piece[..bytes]),
        }
        Ok(())
    }
}
