//! What is to be published: scripts, NDJSON files or rows for a template, plain or compressed, or standard input.

pub(crate) mod csv;
pub(crate) mod dialect;
pub(crate) mod fit;
pub(crate) mod keep;
pub(crate) mod lines;
pub(crate) mod ndjson;
pub(crate) mod number;
pub(crate) mod objects;
pub(crate) mod rows;
pub(crate) mod script;
pub(crate) mod template;
pub(crate) mod told;
pub(crate) mod value;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use queryfleet_job::Job;
use queryfleet_ledger::LedgerClient;
use queryfleet_sql::{Place, SqlMode};
use sha2::{Digest, Sha256};

use crate::input::lines::Bytes;
use crate::input::ndjson::Ndjson;
use crate::input::rows::Rows;
use crate::input::script::Script;
use crate::input::template::Template;
use crate::input::told::Expected;
use crate::range::Ranges;
use crate::{CsvDialect, Error};

/// What the inputs are read through: large enough that a compressed one is unpacked in pieces of some size.
const BUFFER: usize = 64 << 10;
/// A byte order mark, which is no part of the text.
const BOM: &[u8] = "\u{feff}".as_bytes();

/// Where the jobs of a run come from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Scripts and NDJSON files, plain, `.gz` or `.zst`; `-` is standard input. At least one; numbered as one run.
    Files(&'a [PathBuf]),
    /// A statement with `:name` placeholders, and a file with a row for every job: CSV with a header, or NDJSON.
    Rows {
        /// The statement.
        template: &'a str,
        /// The file, plain, `.gz` or `.zst`, or `-`.
        rows: &'a Path,
        /// How its fields are written, when it is CSV; `None` where that does not matter, or else is an error.
        dialect: Option<CsvDialect>,
    },
    /// A statement for every range of a table's key.
    Range(Ranges<'a>),
}

impl Source<'_> {
    /// The inputs, in their order; none yet of ranges that have to be cut.
    ///
    /// # Errors
    /// When an input cannot be kept, or the template is none; as the database can fail.
    pub(crate) async fn inputs(
        &self,
        control: &mut LedgerClient,
        mode: SqlMode,
    ) -> Result<Vec<Input>, Error> {
        let mut inputs = Vec::new();
        match self {
            Source::Files(names) => {
                for name in *names {
                    inputs.push(Input::new(name, None).await?);
                }
            }
            Source::Rows { template, rows, dialect } => {
                let mut template = Template::parse(template, mode)?;
                template.dialect = *dialect;
                template.look_for_bits(control, mode).await?;
                inputs.push(Input::new(rows, Some(Arc::new(template))).await?);
            }
            Source::Range(_) => {}
        }
        Ok(inputs)
    }

    /// What a run of it is named after.
    pub(crate) fn name(&self) -> &Path {
        match self {
            Source::Files(names) => names.first().map_or(Path::new("run"), PathBuf::as_path),
            Source::Rows { rows, .. } => rows,
            Source::Range(ranges) => Path::new(ranges.key),
        }
    }
}

/// How much of the input has been read, compressed as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InputBytes {
    /// Bytes.
    pub read: u64,
    /// Bytes of all inputs.
    pub total: u64,
}

/// A file that counts what is read of it.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}

/// One input. It is read twice, so what gives its bytes only once (standard input, a pipe) is kept in a temporary file
/// without a name: however the process ends, it is gone.
pub(crate) struct Input {
    /// As the user gave it, for messages and for its kind.
    name: PathBuf,
    kept: Option<File>,
    read: Arc<AtomicU64>,
    /// Its lines are rows for this.
    template: Option<Arc<Template>>,
}

impl Input {
    /// Names an input, of rows when there is a template; `-`, which is standard input, or a pipe is read to its end.
    ///
    /// # Errors
    /// When what has to be kept cannot be read or written.
    async fn new(name: &Path, template: Option<Arc<Template>>) -> Result<Input, Error> {
        let is_stdin = name == Path::new("-");
        // What is missing, or a folder, is an error when it is opened.
        let is_file = |found: std::fs::Metadata| found.is_file() || found.is_dir();
        if !is_stdin && name.metadata().map_or(true, is_file) {
            return Ok(Input { name: name.into(), kept: None, read: Arc::default(), template });
        }
        let path = if is_stdin { PathBuf::from("standard input") } else { name.to_owned() };
        let from = (!is_stdin).then(|| name.to_owned());
        // A thread that may block: perhaps nobody ever writes, and an interruption must not wait for that.
        let what = path.clone();
        let kept = tokio::task::spawn_blocking(move || keep(&what, from.as_deref())).await;
        let failed = |panicked| Error::Read { path: path.clone(), source: std::io::Error::other(panicked) };
        let kept = kept.map_err(failed)??;
        Ok(Input { name: path, kept: Some(kept), read: Arc::default(), template })
    }

    /// Rows in a file of ours, under a name for messages.
    pub(crate) fn of_rows(name: &str, rows: File, template: Arc<Template>) -> Input {
        Input { name: name.into(), kept: Some(rows), read: Arc::default(), template: Some(template) }
    }

    /// Opens it from its start; what has been read of it before is not to be read on. `.gz` and `.zst` are decompressed.
    /// Without a template `.ndjson` and `.jsonl` hold a job a line, everything else is a script.
    ///
    /// # Errors
    /// When the file cannot be opened or read, or begins like one of another kind.
    pub(crate) fn open(&self, mode: SqlMode, limit: usize) -> Result<Reading, Error> {
        let failed = |source| Error::Read { path: self.name.clone(), source };
        let (bytes, kind) = self.unpacked()?;
        let expected = match extension(&kind) {
            _ if self.template.is_some() => Expected::Rows,
            "ndjson" | "jsonl" => Expected::Ndjson,
            _ => Expected::Script,
        };
        let (first, bytes) = told::head(bytes).map_err(failed)?;
        if let Some(why) = told::foreign(&first, expected) {
            return Err(self.foreign(why));
        }
        let name = self.name.clone();
        if expected == Expected::Script {
            return Ok(Reading::Script(Box::new(Script::new(name, Box::new(bytes), mode, limit))));
        }
        let mut bytes: Bytes = Box::new(BufReader::with_capacity(BUFFER, bytes));
        if bytes.fill_buf().map_err(failed)?.starts_with(BOM) {
            bytes.consume(BOM.len());
        }
        Ok(match &self.template {
            Some(template) => Reading::Rows(Rows::new(name, bytes, template.clone(), limit)?),
            None => Reading::Ndjson(Ndjson::new(name, bytes, mode, limit)),
        })
    }

    /// Its bytes, decompressed, and its name without the end that says so.
    fn unpacked(&self) -> Result<(Box<dyn Read + Send>, PathBuf), Error> {
        let failed = |source| Error::Read { path: self.name.clone(), source };
        if self.kept.is_none() && self.name.is_dir() {
            return Err(self.foreign(told::folder(&self.name).to_owned()));
        }
        let file = self.file().map_err(failed)?;
        self.read.store(0, Ordering::Relaxed);
        let (first, file) = told::head(Counted { file, read: self.read.clone() }).map_err(failed)?;
        let end = match extension(&self.name) {
            "gz" => ".gz",
            "zst" => ".zst",
            _ => return Ok((Box::new(file), self.name.clone())),
        };
        if let Some(why) = told::foreign(&first, Expected::Compressed(end)) {
            return Err(self.foreign(why));
        }
        let bytes: Box<dyn Read + Send> = match end {
            ".gz" => Box::new(MultiGzDecoder::new(BufReader::new(file))),
            _ => Box::new(zstd::Decoder::new(file).map_err(failed)?),
        };
        Ok((bytes, self.name.with_extension("")))
    }

    fn foreign(&self, why: String) -> Error {
        Error::Foreign { path: self.name.clone(), why }
    }

    /// Makes sure that its bytes, compressed as they are, have this SHA-256.
    ///
    /// # Errors
    /// [`Error::Differs`] when they have another, [`Error::Read`] when they cannot be read.
    pub(crate) fn verify(&self, sha256: &str) -> Result<(), Error> {
        let failed = |source| Error::Read { path: self.name.clone(), source };
        let mut file = self.file().map_err(failed)?;
        let (mut hasher, mut piece, mut read) = (Sha256::new(), vec![0; BUFFER], 0);
        loop {
            match file.read(&mut piece).map_err(failed)? {
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
        Err(Error::Differs { path: self.name.clone(), bytes: read, found })
    }

    fn file(&self) -> std::io::Result<File> {
        let Some(kept) = &self.kept else { return File::open(&self.name) };
        // The same open file, not one more.
        let mut file = kept.try_clone()?;
        file.rewind()?;
        Ok(file)
    }

    /// How much of it has been read since it was last opened.
    pub(crate) fn read_so_far(&self) -> InputBytes {
        let metadata = self.kept.as_ref().map_or_else(|| self.name.metadata(), File::metadata);
        let total = metadata.map_or(0, |metadata| metadata.len());
        InputBytes { read: self.read.load(Ordering::Relaxed), total }
    }

    pub(crate) fn name(&self) -> &Path {
        &self.name
    }
}

/// Copies a pipe, or standard input, to its end.
fn keep(what: &Path, pipe: Option<&Path>) -> Result<File, Error> {
    match pipe {
        Some(pipe) => {
            let opened = File::open(pipe).map_err(|source| Error::Read { path: pipe.into(), source });
            keep::all(what, &mut opened?)
        }
        None => keep::all(what, &mut std::io::stdin().lock()),
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
    /// As the kinds of input can fail; the place is named.
    pub(crate) fn next(&mut self) -> Result<Option<(Job, Place)>, Error> {
        match self {
            Reading::Script(script) => Ok(script.next()?.map(|(sql, place)| (Job::new(0, sql), place))),
            Reading::Ndjson(lines) => lines.next(),
            Reading::Rows(rows) => rows.next(),
        }
    }
}
