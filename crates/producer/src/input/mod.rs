//! Inputs: scripts, NDJSON files or rows for a template, plain or compressed, or standard input.

pub(crate) mod coerce;
pub(crate) mod csv;
pub(crate) mod json;
pub(crate) mod lines;
pub(crate) mod marks;
pub(crate) mod ndjson;
pub(crate) mod objects;
pub(crate) mod rows;
pub(crate) mod script;
pub(crate) mod sniff;
pub(crate) mod spool;
pub(crate) mod template;
pub(crate) mod value;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use queryfleet_job::Job;
use queryfleet_sql::{Position, SqlMode};
use sha2::{Digest, Sha256};

use crate::Error;
use crate::input::lines::Bytes;
use crate::input::ndjson::Ndjson;
use crate::input::rows::Rows;
use crate::input::script::Script;
use crate::input::sniff::{Expected, Foreign};
use crate::input::template::Template;
use crate::request::InputFormat;

/// The buffer of a reader: large enough that a compressed input is decompressed in pieces of some size.
const BUFFER_BYTES: usize = 64 << 10;
/// A byte order mark, which is no part of the text.
const BOM: &[u8] = "\u{feff}".as_bytes();

/// How much of the inputs has been read, in bytes of the files as they are (compressed or not).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InputBytes {
    /// Bytes read.
    pub read: u64,
    /// Bytes of all inputs.
    pub total: u64,
}

/// A file that counts the bytes read from it.
struct CountingReader {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for CountingReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}

/// One input. It is read twice, so what can be read only once (standard input, a pipe) is copied to a temporary file without
/// a name: however the process ends, the file is gone.
pub(crate) struct Input {
    /// As the caller gave it; errors show it, and its extension says what it is.
    name: PathBuf,
    spooled: Option<File>,
    read: Arc<AtomicU64>,
    /// What it is read as, whatever its name.
    format: Option<InputFormat>,
    /// The template for which its lines are rows.
    template: Option<Arc<Template>>,
}

impl Input {
    /// Names an input, which is of rows if there is a template. Standard input (`-`) or a pipe is read to its end.
    ///
    /// # Errors
    /// Returns [`Error::Read`] or [`Error::Spool`] if that copy fails.
    pub(crate) async fn new(
        name: &Path,
        format: Option<InputFormat>,
        template: Option<Arc<Template>>,
    ) -> Result<Input, Error> {
        let is_stdin = name == Path::new("-");
        // What does not exist, or is a folder, is an error when it is opened.
        let is_pipe = name.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
        if !is_stdin && !is_pipe {
            return Ok(Input { name: name.into(), spooled: None, read: Arc::default(), format, template });
        }
        let path = if is_stdin { PathBuf::from("standard input") } else { name.to_owned() };
        let from = (!is_stdin).then(|| name.to_owned());
        // A thread that may block: perhaps nobody ever writes, and an interruption must not wait for that.
        let what = path.clone();
        let spooling = tokio::task::spawn_blocking(move || spool(&what, from.as_deref())).await;
        let spooled = match spooling {
            Ok(spooled) => spooled?,
            Err(panicked) => return Err(Error::Read { path, source: std::io::Error::other(panicked) }),
        };
        Ok(Input { name: path, spooled: Some(spooled), read: Arc::default(), format, template })
    }

    /// Rows of the template, or else NDJSON, in a file that this process has written, under a name for messages.
    pub(crate) fn written(name: &str, file: File, template: Option<Arc<Template>>) -> Input {
        let format = if template.is_none() { Some(InputFormat::Ndjson) } else { None };
        Input { name: name.into(), spooled: Some(file), read: Arc::default(), format, template }
    }

    /// Opens it at its start; what was opened before must not be read any more. `.gz` and `.zst` are decompressed. Without a
    /// template and a format, `.ndjson` and `.jsonl` hold one job per line, and so does a pipe that begins with `{`;
    /// everything else is a script.
    ///
    /// # Errors
    /// Returns [`Error::Read`] if the file cannot be opened or read, and [`Error::Foreign`] if it begins like a file of another
    /// kind.
    pub(crate) fn open(&self, mode: SqlMode, limit: usize) -> Result<Reading, Error> {
        let (bytes, kind) = self.decompressed()?;
        let (first, bytes) = sniff::read_head(bytes).map_err(|source| self.read_error(source))?;
        let expected = match (extension(&kind), self.format) {
            _ if self.template.is_some() => Expected::Rows,
            (_, Some(InputFormat::Ndjson)) | ("ndjson" | "jsonl", None) => Expected::Ndjson,
            (_, None) if self.spooled.is_some() && sniff::begins_an_object(&first) => Expected::Ndjson,
            _ => Expected::Script,
        };
        if let Some(found) = sniff::foreign(&first, expected) {
            return Err(self.foreign(found));
        }
        let name = self.name.clone();
        if expected == Expected::Script {
            return Ok(Reading::Script(Box::new(Script::new(name, Box::new(bytes), mode, limit))));
        }
        let mut bytes: Bytes = Box::new(BufReader::with_capacity(BUFFER_BYTES, bytes));
        if bytes.fill_buf().map_err(|source| self.read_error(source))?.starts_with(BOM) {
            bytes.consume(BOM.len());
        }
        Ok(match &self.template {
            Some(template) => Reading::Rows(Rows::new(name, bytes, self.format, template.clone(), limit)?),
            None => Reading::Ndjson(Ndjson::new(name, bytes, mode, limit)),
        })
    }

    /// The dead jobs that it names in its comments, as [`marks`] has it.
    ///
    /// # Errors
    /// Returns [`Error::Read`] or [`Error::Foreign`].
    pub(crate) fn job_marks(&self, limit: usize) -> Result<Vec<(u64, String)>, Error> {
        let (bytes, _) = self.decompressed()?;
        marks::read(BufReader::with_capacity(BUFFER_BYTES, bytes), limit)
            .map_err(|source| self.read_error(source))
    }

    /// Its bytes, decompressed, and its name without the extension that says so.
    fn decompressed(&self) -> Result<(Box<dyn Read + Send>, PathBuf), Error> {
        if self.spooled.is_none() && self.name.is_dir() {
            return Err(self.foreign(Foreign::new(sniff::foreign_folder(&self.name))));
        }
        let file = self.file().map_err(|source| self.read_error(source))?;
        self.read.store(0, Ordering::Relaxed);
        let (first, file) = sniff::read_head(CountingReader { file, read: self.read.clone() })
            .map_err(|source| self.read_error(source))?;
        let end = match extension(&self.name) {
            "gz" => ".gz",
            "zst" => ".zst",
            _ => return Ok((Box::new(file), self.name.clone())),
        };
        if let Some(found) = sniff::foreign(&first, Expected::Compressed(end)) {
            return Err(self.foreign(found));
        }
        let bytes: Box<dyn Read + Send> = match end {
            ".gz" => Box::new(MultiGzDecoder::new(BufReader::new(file))),
            _ => Box::new(zstd::Decoder::new(file).map_err(|source| self.read_error(source))?),
        };
        Ok((bytes, self.name.with_extension("")))
    }

    fn read_error(&self, source: std::io::Error) -> Error {
        Error::Read { path: self.name.clone(), source }
    }

    fn foreign(&self, found: Foreign) -> Error {
        Error::Foreign { path: self.name.clone(), what: found.what, suits_rows: found.suits_rows }
    }

    /// Makes sure that the file, compressed or not, has this SHA-256.
    ///
    /// # Errors
    /// Returns [`Error::Checksum`] if it has another, and [`Error::Read`] if it cannot be read.
    pub(crate) fn verify_sha256(&self, sha256: &str) -> Result<(), Error> {
        let mut file = self.file().map_err(|source| self.read_error(source))?;
        let mut hasher = Sha256::new();
        let mut piece = vec![0; BUFFER_BYTES];
        let mut read = 0;
        loop {
            match file.read(&mut piece).map_err(|source| self.read_error(source))? {
                0 => break,
                bytes => {
                    hasher.update(&piece[..bytes]);
                    read += bytes as u64;
                }
            }
        }
        let found = queryfleet_job::hex(&hasher.finalize());
        if found.eq_ignore_ascii_case(sha256) {
            return Ok(());
        }
        Err(Error::Checksum { path: self.name.clone(), bytes: read, found })
    }

    fn file(&self) -> std::io::Result<File> {
        let Some(spooled) = &self.spooled else { return File::open(&self.name) };
        // The same open file, not one more.
        let mut file = spooled.try_clone()?;
        file.rewind()?;
        Ok(file)
    }

    /// How much of it has been read since it was last opened.
    pub(crate) fn read_so_far(&self) -> InputBytes {
        let metadata = self.spooled.as_ref().map_or_else(|| self.name.metadata(), File::metadata);
        let total = metadata.map_or(0, |metadata| metadata.len());
        InputBytes { read: self.read.load(Ordering::Relaxed), total }
    }

    pub(crate) fn name(&self) -> &Path {
        &self.name
    }
}

/// Copies a pipe, or standard input, to its end.
fn spool(input: &Path, pipe: Option<&Path>) -> Result<File, Error> {
    match pipe {
        Some(pipe) => {
            let mut opened = File::open(pipe).map_err(|source| Error::Read { path: pipe.into(), source })?;
            spool::copy_to_end(input, &mut opened)
        }
        None => spool::copy_to_end(input, &mut std::io::stdin().lock()),
    }
}

fn extension(name: &Path) -> &str {
    name.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

/// An input that is being read.
pub(crate) enum Reading {
    Script(Box<Script>),
    Ndjson(Ndjson),
    Rows(Rows),
}

impl Reading {
    /// The next job, not yet numbered, and where it stands; `None` at the end.
    ///
    /// # Errors
    /// Returns an error if reading fails, or if what was read is no job.
    pub(crate) fn next(&mut self) -> Result<Option<(Job, Position)>, Error> {
        match self {
            Reading::Script(script) => Ok(script.next()?.map(|(sql, place)| (Job::new(0, sql), place))),
            Reading::Ndjson(lines) => lines.next(),
            Reading::Rows(rows) => rows.next(),
        }
    }
}
