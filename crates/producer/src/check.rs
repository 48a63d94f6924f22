//! From statements to numbered jobs: what no worker would run is refused here, with its place.

use std::path::{Path, PathBuf};

use job::lexer::{self, Place, SqlMode};
use job::{Job, NotAtomic};

use crate::Error;
use crate::input::Input;

/// The jobs of an input, in order and numbered from 1.
pub(crate) struct Jobs {
    path: PathBuf,
    input: Input,
    mode: SqlMode,
    not_atomic: Option<NotAtomic>,
    seq: u64,
}

/// A job and what the publisher must know of it.
pub(crate) struct Checked {
    pub(crate) job: Job,
    /// Where it stands in the input.
    pub(crate) place: Place,
    /// Whether it can be committed together with its ledger row.
    pub(crate) atomic: bool,
}

impl Jobs {
    /// Opens the input once more from its start.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn open(
        path: &Path,
        mode: SqlMode,
        not_atomic: Option<NotAtomic>,
        limit: usize,
    ) -> Result<Jobs, Error> {
        Ok(Jobs { path: path.into(), input: Input::open(path, mode, limit)?, mode, not_atomic, seq: 0 })
    }

    /// The next job; `None` at the end.
    ///
    /// # Errors
    /// What is refused, with file, line and column.
    pub(crate) fn next(&mut self) -> Result<Option<Checked>, Error> {
        let Some((sql, place)) = self.input.next()? else { return Ok(None) };
        let (line, column) = (place.line, place.column);
        let path = || self.path.clone();
        let refused = |source| Error::Refused { path: path(), line, column, source };
        let kind = lexer::check(&sql, self.mode).map_err(refused)?;
        if !kind.is_atomic() && self.not_atomic.is_none() {
            return Err(Error::NotAtomic { path: path(), line, column, kind: kind.as_str() });
        }
        self.seq += 1;
        Ok(Some(Checked { job: Job::new(self.seq, sql), place, atomic: kind.is_atomic() }))
    }
}
