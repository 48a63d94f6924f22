//! What is asked to be published.

use std::path::PathBuf;
use std::str::FromStr;

use futures_core::Stream;
use futures_util::StreamExt;
use queryfleet_producer::{ChunkSize, Limits, PublishRequest};

use crate::input::{CsvDialect, Input, InputFormat, RangeSize, Reading, Statements};
use crate::statement::Statement;
use crate::{Error, ErrorKind};

/// The statements of a run, and how they are to be published.
///
/// ```
/// use queryfleet::{Publish, Statement};
///
/// let built = (1..=10_000).map(|id| Statement::new("UPDATE t SET n = n + 1 WHERE id = ?").bind(id));
/// let request = Publish::statements(built).run("touch-1");
/// # let _ = request;
/// ```
#[must_use]
pub struct Publish {
    pub(crate) statements: Statements,
    pub(crate) options: Options,
}

/// What happens to a statement that no transaction can take back, such as one for MyISAM or a CREATE TABLE, when nobody knows
/// whether it took effect before its worker died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAtomic {
    /// Its job is dead, reason `unknown`: somebody has to look.
    Park,
    /// It is executed again, because that is harmless.
    Repeat,
}

#[doc(hidden)]
impl From<queryfleet_job::NotAtomic> for NotAtomic {
    fn from(mode: queryfleet_job::NotAtomic) -> NotAtomic {
        match mode {
            queryfleet_job::NotAtomic::Park => NotAtomic::Park,
            queryfleet_job::NotAtomic::Repeat => NotAtomic::Repeat,
        }
    }
}

impl NotAtomic {
    fn mode(self) -> queryfleet_job::NotAtomic {
        match self {
            NotAtomic::Park => queryfleet_job::NotAtomic::Park,
            NotAtomic::Repeat => queryfleet_job::NotAtomic::Repeat,
        }
    }
}

/// At how many dead jobs the queue of a run is held, to be read from a text: a number such as `100`, or a share of the jobs
/// that have ended such as `5%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Halt(queryfleet_job::Halt);

#[doc(hidden)]
impl From<queryfleet_job::Halt> for Halt {
    fn from(at: queryfleet_job::Halt) -> Halt {
        Halt(at)
    }
}

impl FromStr for Halt {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Request`].
    fn from_str(text: &str) -> Result<Halt, Error> {
        let read =
            |expected| Error::new(ErrorKind::Request, format!("halt is {text:?}: expected {expected}"));
        text.parse().map(Halt).map_err(read)
    }
}

#[derive(Clone, Default)]
pub(crate) struct Options {
    name: Option<String>,
    pub(crate) reading: Reading,
    chunk: Option<usize>,
    session_sql: Option<String>,
    not_atomic: Option<NotAtomic>,
    allow_no_where: bool,
    again: bool,
    rate: Option<u32>,
    max_backlog: Option<u32>,
    canary: Option<u64>,
    halt: Option<Halt>,
    replaces: Option<String>,
    missing: bool,
}

impl Publish {
    fn of(statements: Statements) -> Publish {
        Publish { statements, options: Options::default() }
    }

    /// Statements as a program makes them. They are taken one after the other, on a thread that may block, and kept in a
    /// temporary file: memory does not grow with their number. The same statements in the same order are the same run.
    pub fn statements<I>(statements: I) -> Publish
    where
        I: IntoIterator<Item: Into<Statement> + 'static>,
        I::IntoIter: Send + 'static,
    {
        Publish::of(Statements::Iterator(Box::new(statements.into_iter().map(|made| Ok(made.into())))))
    }

    /// The same of what can fail while it makes them, such as a query or a file: the first error publishes nothing, and comes
    /// back as [`ErrorKind::Source`].
    pub fn try_statements<I, S, E>(statements: I) -> Publish
    where
        I: IntoIterator<Item = Result<S, E>>,
        I::IntoIter: Send + 'static,
        S: Into<Statement> + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let made = statements.into_iter().map(|made| made.map(Into::into).map_err(Into::into));
        Publish::of(Statements::Iterator(Box::new(made)))
    }

    /// The same of statements that arrive asynchronously.
    pub fn stream<S>(statements: S) -> Publish
    where
        S: Stream<Item: Into<Statement> + 'static> + Send + 'static,
    {
        Publish::of(Statements::Stream(Box::pin(statements.map(|made| Ok(made.into())))))
    }

    /// Scripts and NDJSON files, plain, `.gz` or `.zst`, as `queryfleet publish` takes them; `-` is standard input. All are one
    /// run.
    pub fn files<P: Into<PathBuf>>(files: impl IntoIterator<Item = P>) -> Publish {
        Publish::of(Statements::Input(Input::Files(files.into_iter().map(Into::into).collect())))
    }

    /// A statement with `:name` placeholders for each row of a file: CSV with a header, or NDJSON objects; plain, `.gz` or
    /// `.zst`; `-` is standard input.
    pub fn rows(template: impl Into<String>, file: impl Into<PathBuf>) -> Publish {
        Publish::of(Statements::Input(Input::Rows { template: template.into(), rows: file.into() }))
    }

    /// A statement for each range of a table's unique key, `[DATABASE.]TABLE.COLUMN[,COLUMN…]`. It has `:lo` and `:hi`, the
    /// first and the last key of a range, or `:range`, the condition that a row is in the range.
    ///
    /// ```
    /// use queryfleet::{Publish, RangeSize};
    ///
    /// let purge = "DELETE FROM event WHERE :range AND created < '2026-01-01'";
    /// let request = Publish::ranges(purge, "event.id", RangeSize::Auto).run("purge-1");
    /// # let _ = request;
    /// ```
    pub fn ranges(template: impl Into<String>, key: impl Into<String>, size: RangeSize) -> Publish {
        Publish::of(Statements::Input(Input::Ranges { template: template.into(), key: key.into(), size }))
    }

    /// What files, or rows, are read as, whatever their names.
    pub fn format(mut self, format: InputFormat) -> Publish {
        self.options.reading.format = Some(format);
        self
    }

    /// How the CSV of rows is written. Without it, a file in which that matters is refused.
    pub fn csv_dialect(mut self, dialect: CsvDialect) -> Publish {
        self.options.reading.csv_dialect = Some(dialect);
        self
    }

    /// The SHA-256 of the only file, in hexadecimal: a file that differs, since it was cut off on its way for example, publishes
    /// nothing.
    pub fn sha256(mut self, sum: impl Into<String>) -> Publish {
        self.options.reading.sha256 = Some(sum.into());
        self
    }

    /// The run's name. A run with this name is resumed if it is of the same statements, and refused if it is not. Without a
    /// name one is made up, and statements of which there is a run are refused.
    pub fn run(mut self, name: impl Into<String>) -> Publish {
        self.options.name = Some(name.into());
        self
    }

    /// So many jobs per message and transaction, from 1 to 10,000, instead of what takes some 30 ms together.
    pub fn chunk(mut self, jobs: usize) -> Publish {
        self.options.chunk = Some(jobs);
        self
    }

    /// `SET` statements for the session of every job.
    pub fn session_sql(mut self, sql: impl Into<String>) -> Publish {
        self.options.session_sql = Some(sql.into());
        self
    }

    /// Accepts statements that no transaction can take back, and says what happens to those that were interrupted.
    pub fn not_atomic(mut self, how: NotAtomic) -> Publish {
        self.options.not_atomic = Some(how);
        self
    }

    /// Accepts UPDATE and DELETE without WHERE.
    pub fn allow_no_where(mut self) -> Publish {
        self.options.allow_no_where = true;
        self
    }

    /// Without a name, publishes a new run even though there is one of the same statements.
    pub fn again(mut self) -> Publish {
        self.options.again = true;
        self
    }

    /// Publishes at most so many jobs per second.
    pub fn rate(mut self, jobs_per_second: u32) -> Publish {
        self.options.rate = Some(jobs_per_second);
        self
    }

    /// Publishes only while fewer messages than this wait in the queue.
    pub fn max_backlog(mut self, messages: u32) -> Publish {
        self.options.max_backlog = Some(messages);
        self
    }

    /// Publishes so many jobs, and the rest once [`Operator::approve`](crate::Operator::approve) was called.
    pub fn canary(mut self, jobs: u64) -> Publish {
        self.options.canary = Some(jobs);
        self
    }

    /// Holds the queue when so many jobs of the run are dead. `"5%".parse()?` makes one.
    pub fn halt(mut self, at: Halt) -> Publish {
        self.options.halt = Some(at);
        self
    }

    /// Takes the place of the dead jobs of another run, which are discarded before any job of this one is published.
    pub fn replaces(mut self, run: impl Into<String>) -> Publish {
        self.options.replaces = Some(run.into());
        self
    }

    /// Publishes once more what the ledger lacks of a run that was published before, when its wait has ended with
    /// [`End::Missing`](crate::End). It needs the run's name and the same statements.
    pub fn missing(mut self) -> Publish {
        self.options.missing = true;
        self
    }
}

impl Publish {
    /// What can be said before anything is read.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.options.reading.check(&self.statements)
    }
}

impl Options {
    pub(crate) fn request<'a>(&'a self, input: &'a Input) -> PublishRequest<'a> {
        PublishRequest {
            source: input.source(&self.reading),
            format: self.reading.format.map(InputFormat::of_producer),
            sha256: self.reading.sha256.as_deref(),
            name: self.name.as_deref(),
            chunk: self.chunk.map_or(ChunkSize::Auto, ChunkSize::Jobs),
            session_sql: self.session_sql.as_deref(),
            not_atomic: self.not_atomic.map(NotAtomic::mode),
            allow_no_where: self.allow_no_where,
            again: self.again,
            canary: self.canary,
            halt: self.halt.map(|Halt(at)| at),
            replaces: self.replaces.as_deref(),
            missing: self.missing,
            limits: Limits { rate: self.rate, max_backlog: self.max_backlog },
        }
    }
}
