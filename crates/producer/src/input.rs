//! What is to be published: scripts and NDJSON files, plain or compressed, or standard input.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use job::Job;
use job::lexer::{Place, SqlMode};
use tempfile::NamedTempFile;

use crate::Error;
use crate::ndjson::Ndjson;
use crate::script::Script;

/// One input. It is read twice, so standard input is kept in a temporary file, deleted at the end.
pub(crate) struct Input {
    /// As the user gave it, for messages and for its kind.
    name: PathBuf,
    kept: Option<NamedTempFile>,
}

impl Input {
    /// Names an input; `-` reads standard input to its end.
    ///
    /// # Errors
    /// When standard input cannot be read or kept.
    pub(crate) fn new(name: &Path) -> Result<Input, Error> {
        if name != Path::new("-") {
            return Ok(Input { name: name.into(), kept: None });
        }
        let name = PathBuf::from("standard input");
        let keep = || {
            let mut kept = NamedTempFile::new()?;
            std::io::copy(&mut std::io::stdin().lock(), kept.as_file_mut())?;
            Ok(kept)
        };
        let kept = keep().map_err(|source| Error::Read { path: name.clone(), source })?;
        Ok(Input { name, kept: Some(kept) })
    }

    /// Opens it from its start. `.gz` and `.zst` are decompressed; `.ndjson` and `.jsonl` hold a job a line, everything
    /// else is a script.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn open(&self, mode: SqlMode, limit: usize) -> Result<Reading, Error> {
        let failed = |source| Error::Read { path: self.name.clone(), source };
        let file = File::open(self.kept.as_ref().map_or(self.name.as_path(), NamedTempFile::path))
            .map_err(failed)?;
        let (bytes, kind): (Box<dyn Read + Send>, PathBuf) = match extension(&self.name) {
            "gz" => (Box::new(MultiGzDecoder::new(file)), self.name.with_extension("")),
            "zst" => (Box::new(zstd::Decoder::new(file).map_err(failed)?), self.name.with_extension("")),
            _ => (Box::new(file), self.name.clone()),
        };
        Ok(match extension(&kind) {
            "ndjson" | "jsonl" => Reading::Ndjson(Ndjson::new(self.name.clone(), bytes, limit)),
            _ => Reading::Script(Box::new(Script::new(self.name.clone(), bytes, mode, limit))),
        })
    }

    pub(crate) fn name(&self) -> &Path {
        &self.name
    }
}

fn extension(name: &Path) -> &str {
    name.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

/// An input that is being read.
pub(crate) enum Reading {
    Script(Box<Script>),
    Ndjson(Ndjson),
}

impl Reading {
    /// The next job, not yet numbered, and where it stands; `None` at the end.
    ///
    /// # Errors
    /// As the kinds of input can fail; the place is named.
    pub(crate) fn next(&mut self) -> Result<Option<(Job, Place)>, Error> {
        match self {
            Reading::Script(script) => Ok(script.next()?.map(|(sql, place)| (Job::new(0, sql), place))),
            Reading::Ndjson(lines) => {
                Ok(lines.next()?.map(|(job, line)| (job, Place { offset: 0, line, column: 1 })))
            }
        }
    }
}
