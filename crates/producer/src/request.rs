//! What a caller asks to have published. Plain data: nothing here reads a file or asks a server.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use queryfleet_job::{Halt, NotAtomic};

/// The most jobs per message: a transaction of more statements is no longer a small one.
pub const LARGEST_CHUNK: usize = 10_000;
/// The most rows per range that a caller may ask for.
pub const LARGEST_RANGE: u64 = 1_000_000;

/// What is asked to be published.
#[derive(Clone, Copy, Debug)]
pub struct PublishRequest<'a> {
    /// Where the jobs come from.
    pub source: Source<'a>,
    /// What the files are read as. `None`: what their names say; what has none (standard input, a pipe) is NDJSON if it
    /// begins with `{`. Ignored with key ranges.
    pub format: Option<InputFormat>,
    /// The run's name. If a run with this name exists it is resumed, else a new one is made. `None`: a new name is made up.
    pub name: Option<&'a str>,
    /// Maximum jobs per message. A message has fewer if it would be too large, or a rate too uneven.
    pub chunk: ChunkSize,
    /// Session SQL of the run.
    pub session_sql: Option<&'a str>,
    /// How to run statements that are not atomic. `None` refuses them.
    pub not_atomic: Option<NotAtomic>,
    /// The expected SHA-256 of the only file, in hexadecimal. A file that was cut off on its way publishes nothing.
    /// Ignored with several files and with key ranges.
    pub sha256: Option<&'a str>,
    /// Accept UPDATE and DELETE without a WHERE.
    pub allow_no_where: bool,
    /// Publish a new run even if there is one of the same input.
    pub again: bool,
    /// The run whose dead jobs this one replaces: those that the input names in its comments, as an export does, or all if
    /// it names none. They are discarded before any job of this run is published.
    pub replaces: Option<&'a str>,
    /// Publish so many jobs, each alone in its message, wait for their end, and publish the rest once somebody approves the
    /// run. A run that was begun with a canary keeps it.
    pub canary: Option<u64>,
    /// Hold the queue when so many jobs of the run are dead; of a run that was begun before, from now on.
    pub halt: Option<Halt>,
    /// How fast to publish.
    pub limits: Limits,
    /// Publish again, from a run that was published before, those jobs that the ledger does not have.
    pub missing: bool,
}

impl<'a> PublishRequest<'a> {
    /// A request without options: a new run in chunks of our choice, and only statements that are atomic.
    pub fn new(source: Source<'a>) -> PublishRequest<'a> {
        PublishRequest {
            source,
            format: None,
            name: None,
            chunk: ChunkSize::Auto,
            session_sql: None,
            not_atomic: None,
            sha256: None,
            allow_no_where: false,
            again: false,
            replaces: None,
            canary: None,
            halt: None,
            limits: Limits::default(),
            missing: false,
        }
    }
}

/// Where the jobs of a run come from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Scripts and NDJSON files, plain, `.gz` or `.zst`; `-` is standard input. At least one; all are one run.
    Files(&'a [PathBuf]),
    /// A statement with `:name` placeholders, and a file with one row per job: CSV with a header, or NDJSON.
    Rows {
        /// The statement.
        template: &'a str,
        /// The file, plain, `.gz` or `.zst`, or `-`.
        rows: &'a Path,
        /// How its fields are written, if it is CSV. `None`: a file in which that matters is refused.
        dialect: Option<CsvDialect>,
    },
    /// A statement for each range of a table's key.
    Range(Ranges<'a>),
    /// NDJSON that this process has written, for a caller whose jobs are in no file: one job per line, and no blank lines.
    /// Errors call it `jobs`.
    Written(&'a File),
}

impl Source<'_> {
    /// The path, or key, after which a run of this source is named.
    pub(crate) fn name(&self) -> &Path {
        match self {
            Source::Files(names) => names.first().map_or(Path::new("run"), PathBuf::as_path),
            Source::Rows { rows, .. } => rows,
            Source::Range(ranges) => Path::new(ranges.key),
            Source::Written(_) => Path::new("jobs"),
        }
    }
}

/// A table to cut into ranges, and the statement to run for each of them.
#[derive(Clone, Copy, Debug)]
pub struct Ranges<'a> {
    /// The statement. It has `:lo` and `:hi`, the first and the last key of a range, or `:range`, the condition that a
    /// row is in the range.
    pub template: &'a str,
    /// `[DATABASE.]TABLE.COLUMN[,COLUMN…]`: all columns of a unique key, in the order of the key; names may stand in
    /// backquotes.
    pub key: &'a str,
    /// Rows per range.
    pub size: RangeSize,
}

/// Maximum jobs per message, which is one transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChunkSize {
    /// This many, from 1 to [`LARGEST_CHUNK`].
    Jobs(usize),
    #[default]
    /// What takes some 30 ms together. What may be slow, or in another's way, has a message of its own.
    Auto,
}

impl ChunkSize {
    /// The number that was asked for.
    pub fn jobs(self) -> Option<usize> {
        match self {
            ChunkSize::Jobs(jobs) => Some(jobs),
            ChunkSize::Auto => None,
        }
    }

    /// As the run's row has it.
    pub(crate) fn to_row(self) -> u32 {
        match self {
            ChunkSize::Jobs(jobs) => jobs as u32,
            ChunkSize::Auto => 0,
        }
    }

    /// What a run's row has.
    pub(crate) fn from_row(chunk: u32) -> ChunkSize {
        match chunk {
            0 => ChunkSize::Auto,
            jobs => ChunkSize::Jobs(jobs as usize),
        }
    }
}

impl FromStr for ChunkSize {
    type Err = String;

    fn from_str(text: &str) -> Result<ChunkSize, String> {
        if text == "auto" {
            return Ok(ChunkSize::Auto);
        }
        match text.parse() {
            Ok(jobs @ 1..=LARGEST_CHUNK) => Ok(ChunkSize::Jobs(jobs)),
            _ => Err(format!("expected auto or a number of jobs from 1 to {LARGEST_CHUNK}")),
        }
    }
}

impl fmt::Display for ChunkSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChunkSize::Jobs(jobs) => write!(f, "{jobs}"),
            ChunkSize::Auto => f.write_str("auto"),
        }
    }
}

/// Rows per range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeSize {
    /// A fixed number, from 1 to [`LARGEST_RANGE`].
    Rows(u64),
    /// As many as the statement processes in half a second, measured on the first ranges.
    Auto,
}

impl FromStr for RangeSize {
    type Err = String;

    fn from_str(text: &str) -> Result<RangeSize, String> {
        if text == "auto" {
            return Ok(RangeSize::Auto);
        }
        match text.parse() {
            Ok(rows @ 1..=LARGEST_RANGE) => Ok(RangeSize::Rows(rows)),
            _ => Err(format!("expected auto or a number of rows from 1 to {LARGEST_RANGE}")),
        }
    }
}

impl fmt::Display for RangeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RangeSize::Rows(rows) => write!(f, "{rows}"),
            RangeSize::Auto => f.write_str("auto"),
        }
    }
}

/// What an input is read as, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputFormat {
    /// A script.
    Sql,
    /// A job per line; with a template, a row per line.
    Ndjson,
    /// Rows, for a template.
    Csv,
}

impl FromStr for InputFormat {
    type Err = String;

    fn from_str(word: &str) -> Result<InputFormat, String> {
        match word {
            "sql" => Ok(InputFormat::Sql),
            "ndjson" => Ok(InputFormat::Ndjson),
            "csv" => Ok(InputFormat::Csv),
            other => Err(format!("`{other}` is none of `sql`, `ndjson` and `csv`")),
        }
    }
}

/// How the fields of a CSV file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsvDialect {
    /// As in RFC 4180: a backslash is a character like any other.
    Rfc4180,
    /// As the server writes it: a backslash escapes what follows.
    Mysql,
}

impl FromStr for CsvDialect {
    type Err = String;

    fn from_str(word: &str) -> Result<CsvDialect, String> {
        match word {
            "rfc4180" => Ok(CsvDialect::Rfc4180),
            "mysql" => Ok(CsvDialect::Mysql),
            other => Err(format!("`{other}` is neither `rfc4180` nor `mysql`")),
        }
    }
}

/// How fast a run is published. The default has no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Jobs per second.
    pub rate: Option<u32>,
    /// Publish only while fewer messages than this wait in the queue, those of other runs included. Up to two batches
    /// come on top.
    pub max_backlog: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_size_is_refused() {
        assert_eq!("auto".parse(), Ok(ChunkSize::Auto));
        assert_eq!("32".parse(), Ok(ChunkSize::Jobs(32)));
        for text in ["0", "-1", "10001", "Auto", ""] {
            assert!(text.parse::<ChunkSize>().is_err(), "{text}");
        }
        assert_eq!("auto".parse(), Ok(RangeSize::Auto));
        assert_eq!("1000".parse(), Ok(RangeSize::Rows(1000)));
        for text in ["0", "-1", "1000001", "Auto", ""] {
            assert!(text.parse::<RangeSize>().is_err(), "{text}");
        }
    }
}
