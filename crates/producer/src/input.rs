//! Reading a script: a stream of statements, in memory bounded by the longest of them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use job::lexer::{Place, Splitter, SqlMode};

use crate::Error;

/// Bytes a read.
const PIECE: usize = 256 * 1024;

/// The statements of a script file.
pub(crate) struct Input {
    path: PathBuf,
    file: File,
    splitter: Splitter,
    piece: Vec<u8>,
    ended: bool,
}

impl Input {
    /// Opens a script; no statement in it may be longer than `limit` bytes.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn open(path: &Path, mode: SqlMode, limit: usize) -> Result<Input, Error> {
        let file = File::open(path).map_err(|source| Error::Read { path: path.into(), source })?;
        Ok(Input {
            path: path.into(),
            file,
            splitter: Splitter::new(mode, limit),
            piece: vec![0; PIECE],
            ended: false,
        })
    }

    /// The next statement and its place; `None` at the end.
    ///
    /// # Errors
    /// When reading fails, or the script cannot be split; the place is named.
    pub(crate) fn next(&mut self) -> Result<Option<(String, Place)>, Error> {
        loop {
            match self.splitter.next_statement() {
                Ok(Some(statement)) => return Ok(Some((statement.sql.to_owned(), statement.place))),
                Ok(None) if self.ended => return Ok(None),
                Ok(None) => self.fill()?,
                Err(source) => return Err(Error::Split { path: self.path.clone(), source }),
            }
        }
    }

    fn fill(&mut self) -> Result<(), Error> {
        let read = self.file.read(&mut self.piece);
        match read.map_err(|source| Error::Read { path: self.path.clone(), source })? {
            0 => {
                self.splitter.finish();
                self.ended = true;
            }
            bytes => self.splitter.feed(&self.piece[..bytes]),
        }
        Ok(())
    }
}
