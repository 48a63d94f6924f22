//! Where the statements of a run come from.

use std::path::PathBuf;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_core::Stream;
use futures_util::StreamExt;
use queryfleet_producer::{LARGEST_RANGE, Ranges, Source};

use crate::spool::Spool;
use crate::statement::Made;
use crate::task::where_it_may_block;
use crate::{Error, ErrorKind};

/// The pause between two looks at whether anybody still waits for a publish.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// What a file is read as, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputFormat {
    /// A script, as the `mariadb` client takes it.
    Sql,
    /// A job per line; of rows, an object per line.
    Ndjson,
    /// Rows, under a header.
    Csv,
}

#[doc(hidden)]
impl From<queryfleet_producer::InputFormat> for InputFormat {
    fn from(format: queryfleet_producer::InputFormat) -> InputFormat {
        use queryfleet_producer::InputFormat as Producer;
        match format {
            Producer::Sql => InputFormat::Sql,
            Producer::Ndjson => InputFormat::Ndjson,
            Producer::Csv => InputFormat::Csv,
        }
    }
}

impl InputFormat {
    pub(crate) fn of_producer(self) -> queryfleet_producer::InputFormat {
        use queryfleet_producer::InputFormat as Producer;
        match self {
            InputFormat::Sql => Producer::Sql,
            InputFormat::Ndjson => Producer::Ndjson,
            InputFormat::Csv => Producer::Csv,
        }
    }
}

/// How the fields of a CSV file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsvDialect {
    /// As in RFC 4180: a backslash is a character like any other.
    Rfc4180,
    /// As `SELECT … INTO OUTFILE` writes it: a backslash escapes what follows.
    Mysql,
}

#[doc(hidden)]
impl From<queryfleet_producer::CsvDialect> for CsvDialect {
    fn from(dialect: queryfleet_producer::CsvDialect) -> CsvDialect {
        match dialect {
            queryfleet_producer::CsvDialect::Rfc4180 => CsvDialect::Rfc4180,
            queryfleet_producer::CsvDialect::Mysql => CsvDialect::Mysql,
        }
    }
}

impl CsvDialect {
    fn of_producer(self) -> queryfleet_producer::CsvDialect {
        match self {
            CsvDialect::Rfc4180 => queryfleet_producer::CsvDialect::Rfc4180,
            CsvDialect::Mysql => queryfleet_producer::CsvDialect::Mysql,
        }
    }
}

/// How many rows of a table a job has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeSize {
    /// So many, from 1 to 1,000,000.
    Rows(u64),
    /// What takes some 0.5 s, measured on the first ranges, in transactions that are rolled back.
    Auto,
}

#[doc(hidden)]
impl From<queryfleet_producer::RangeSize> for RangeSize {
    fn from(size: queryfleet_producer::RangeSize) -> RangeSize {
        match size {
            queryfleet_producer::RangeSize::Rows(rows) => RangeSize::Rows(rows),
            queryfleet_producer::RangeSize::Auto => RangeSize::Auto,
        }
    }
}

impl RangeSize {
    fn of_producer(self) -> queryfleet_producer::RangeSize {
        match self {
            RangeSize::Rows(rows) => queryfleet_producer::RangeSize::Rows(rows),
            RangeSize::Auto => queryfleet_producer::RangeSize::Auto,
        }
    }
}

/// Where the statements come from.
pub(crate) enum Statements {
    Iterator(Box<dyn Iterator<Item = Made> + Send>),
    Stream(Pin<Box<dyn Stream<Item = Made> + Send>>),
    /// What can be read twice as it is.
    Input(Input),
}

/// What can be read twice.
pub(crate) enum Input {
    Written(std::fs::File),
    Files(Vec<PathBuf>),
    Rows { template: String, rows: PathBuf },
    Ranges { template: String, key: String, size: RangeSize },
}

/// How files are read.
#[derive(Clone, Default)]
pub(crate) struct Reading {
    pub(crate) format: Option<InputFormat>,
    pub(crate) csv_dialect: Option<CsvDialect>,
    pub(crate) sha256: Option<String>,
}

impl Reading {
    /// Refuses what says nothing of these statements.
    pub(crate) fn check(&self, statements: &Statements) -> Result<(), Error> {
        let refused = |text: String| Err(Error::new(ErrorKind::Request, text));
        let (is_file, is_rows) = match statements {
            Statements::Input(Input::Files(files)) => (files.len() == 1, false),
            Statements::Input(Input::Rows { .. }) => (true, true),
            Statements::Input(Input::Ranges { size: RangeSize::Rows(rows), .. })
                if !(1..=LARGEST_RANGE).contains(rows) =>
            {
                return refused(format!("ranges of {rows} rows: a range has from 1 to {LARGEST_RANGE}"));
            }
            _ => (false, false),
        };
        let is_read = matches!(statements, Statements::Input(Input::Files(_) | Input::Rows { .. }));
        match self {
            Reading { sha256: Some(_), .. } if !is_file => {
                refused("sha256 is of one file: publish the others separately".into())
            }
            Reading { csv_dialect: Some(_), .. } if !is_rows => refused("csv_dialect is of rows".into()),
            Reading { format: Some(_), .. } if !is_read => refused("format is of files and rows".into()),
            Reading { format: Some(InputFormat::Csv), .. } if !is_rows => {
                refused("CSV has rows and no statements: rows() takes a statement for each of them".into())
            }
            Reading { format: Some(InputFormat::Sql), .. } if is_rows => {
                refused("rows are CSV or NDJSON".into())
            }
            _ => Ok(()),
        }
    }
}

impl Input {
    pub(crate) fn source(&self, reading: &Reading) -> Source<'_> {
        match self {
            Input::Written(file) => Source::Written(file),
            Input::Files(files) => Source::Files(files),
            Input::Rows { template, rows } => {
                Source::Rows { template, rows, dialect: reading.csv_dialect.map(CsvDialect::of_producer) }
            }
            Input::Ranges { template, key, size } => {
                Source::Range(Ranges { template, key, size: size.of_producer() })
            }
        }
    }
}

impl Input {
    pub(crate) fn error(&self, error: queryfleet_producer::Error) -> Error {
        match self {
            Input::Written(_) => Error::of_made(error),
            _ => Error::of_producer(error),
        }
    }
}

/// Takes all statements.
///
/// # Errors
/// [`ErrorKind::Statement`] and [`ErrorKind::TemporaryFile`].
pub(crate) async fn take_all(statements: Statements) -> Result<Input, Error> {
    match statements {
        Statements::Input(input) => Ok(input),
        Statements::Iterator(statements) => {
            where_it_may_block(move || spool(futures_util::stream::iter(statements))).await
        }
        // Into a buffer; the system keeps what is written until it has time for it.
        Statements::Stream(statements) => spool(statements).await,
    }
}

async fn spool(mut statements: impl Stream<Item = Made> + Unpin) -> Result<Input, Error> {
    let mut spool = Spool::new()?;
    let mut looked = Instant::now();
    while let Some(made) = statements.next().await {
        spool.add(made)?;
        // What is always ready never waits, and whoever drops the task is to be noticed.
        if looked.elapsed() > LOOK_INTERVAL {
            tokio::task::yield_now().await;
            looked = Instant::now();
        }
    }
    spool.finish().map(Input::Written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Publish;

    #[test]
    fn what_says_nothing_of_the_statements_is_refused() {
        let files = || Publish::files(["a.sql", "b.sql"]);
        let file = || Publish::files(["a.sql"]);
        let rows = || Publish::rows("UPDATE t SET a = :a", "rows.csv");
        let made = || Publish::statements(["DO 1"]);
        let ranges = |rows| Publish::ranges("DELETE FROM t WHERE :range", "t.id", RangeSize::Rows(rows));
        let sum = "0".repeat(64);
        for (case, request, is_taken) in [
            ("sum of a file", file().sha256(&sum), true),
            ("sum of rows", rows().sha256(&sum), true),
            ("sum of two files", files().sha256(&sum), false),
            ("sum of what is made", made().sha256(&sum), false),
            ("dialect of rows", rows().csv_dialect(CsvDialect::Mysql), true),
            ("dialect of a file", file().csv_dialect(CsvDialect::Mysql), false),
            ("format of files", files().format(InputFormat::Ndjson), true),
            ("format of what is made", made().format(InputFormat::Ndjson), false),
            ("CSV without a template", file().format(InputFormat::Csv), false),
            ("a script as rows", rows().format(InputFormat::Sql), false),
            ("ranges", ranges(1), true),
            ("ranges of nothing", ranges(0), false),
            ("ranges of too much", ranges(LARGEST_RANGE + 1), false),
            ("format of ranges", ranges(1).format(InputFormat::Sql), false),
        ] {
            let checked = request.options.reading.check(&request.statements);
            assert_eq!(checked.is_ok(), is_taken, "{case}");
        }
    }
}
