//! Why a run cannot be published or waited for.

use std::path::{Path, PathBuf};

use queryfleet_sql::{Refusal, SplitError};

use crate::check::sets::settings::shell_word;
use crate::input::lines;

/// An error of publishing or waiting. Whatever it is, what was confirmed stays confirmed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What gives its bytes only once cannot be kept: there is no temporary file, or no room in it.
    #[error(
        "cannot keep {} in a temporary file in {}: set TMPDIR to a folder that is there, may be written, and has room for \
         all of it", path.display(), folder.display()
    )]
    Keep {
        /// What is to be kept.
        path: PathBuf,
        /// Where.
        folder: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// An input that did not come whole, or is another one than was meant.
    #[error(
        "{} has {bytes} bytes with the SHA-256 {found}, and --sha256 says another: it did not come whole, or is not the file \
         that was meant; nothing was published", path.display()
    )]
    Differs {
        /// The input.
        path: PathBuf,
        /// How many bytes have come.
        bytes: u64,
        /// Their digest.
        found: String,
    },
    /// What is none of the kinds of input.
    #[error("{} {why}; nothing was published", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is, and what to do.
        why: String,
    },
    /// No job in the whole input.
    #[error("{} holds no statement and no row: nothing was published", .0.display())]
    Empty(PathBuf),
    /// A script that cannot be split.
    #[error("{}:{source}; nothing was published", path.display())]
    Split {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: SplitError,
    },
    /// A line, row or template that gives no job.
    #[error("{}:{line}:{column}: {why}; nothing was published", path.display())]
    Bad {
        /// The file, or the option.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column, from 1, in characters.
        column: u64,
        /// What is wrong there, and what to do.
        why: String,
    },
    /// A statement that no worker would run.
    #[error("{}:{line}:{column}: {source}; nothing was published", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Line of the statement, from 1.
        line: u64,
        /// Column of the statement, from 1.
        column: u64,
        /// Why.
        source: Refusal,
    },
    /// A statement that cannot be rolled back together with its ledger row.
    #[error(
        "{}:{line}:{column}: {kind} is not atomic (`{words}`): it cannot be committed together with its ledger row, so exactly once \
         cannot be promised; --not-atomic says how to run it all the same{}; nothing was published", path.display(), aside(kind)
    )]
    NotAtomic {
        /// The file.
        path: PathBuf,
        /// Line of the statement, from 1.
        line: u64,
        /// Column of the statement, from 1.
        column: u64,
        /// What it is.
        kind: &'static str,
        /// How it begins.
        words: String,
    },
    /// SETs that no session SQL replaces.
    #[error(
        "{}:{line}:{column}: SET, up to line {last}, has no place in a fleet, where each job may run in another session: give \
         --session-sql {}, and these lines are passed over, as is what takes them back at the end (a dump \
         must hold rows only: --no-create-info --skip-triggers --skip-add-locks --skip-disable-keys --hex-blob); nothing \
         was published", path.display(), shell_word(session_sql)
    )]
    Settings {
        /// The file.
        path: PathBuf,
        /// Line of the first of them, from 1.
        line: u64,
        /// Its column, from 1.
        column: u64,
        /// The line on which the last of them ends.
        last: u64,
        /// All that every session of the run has to be given.
        session_sql: String,
    },
    /// A statement that reaches what no transaction holds.
    #[error(
        "{}:{line}:{column}: {reason}{}; nothing was published", path.display(),
        if reason.is_forgery() { "" } else { ", or say with --not-atomic how to run it" }
    )]
    NotHeld {
        /// The file.
        path: PathBuf,
        /// Line of the statement, from 1.
        line: u64,
        /// Column of the statement, from 1.
        column: u64,
        /// What it reaches.
        reason: Box<queryfleet_ledger::NotHeld>,
    },
    /// An UPDATE or DELETE of a whole table.
    #[error(
        "{}:{line}:{column}: {kind} without a WHERE changes every row; --allow-no-where if that is meant; nothing was \
         published", path.display()
    )]
    NoWhere {
        /// The file.
        path: PathBuf,
        /// Line of the statement, from 1.
        line: u64,
        /// Column of the statement, from 1.
        column: u64,
        /// What it is.
        kind: &'static str,
    },
    /// The input is no longer what was published under this name.
    #[error(
        "input differs from what run {name} was begun with{place} ({confirmed} jobs of that are published): give the same input \
         to go on with it, or publish the new one under another name"
    )]
    Changed {
        /// The run.
        name: String,
        /// Where the inputs part, as a part of a sentence; empty where it is not known.
        place: String,
        /// How many of its jobs are confirmed.
        confirmed: u64,
    },
    /// The input changed between the two passes over it.
    #[error("{} changed while it was being read: publish it again with `--run {name}` once it stands still", path.display())]
    Moving {
        /// The file.
        path: PathBuf,
        /// The run.
        name: String,
    },
    /// The same input once more, while its run has not ended.
    #[error(
        "run {0} of the same input has not ended: `--run {0}` goes on with it, `--again` publishes everything once more"
    )]
    Unfinished(String),
    /// A run that takes no more jobs.
    #[error("run {name} is {state} already")]
    Closed {
        /// The run.
        name: String,
        /// How it ended.
        state: &'static str,
    },
    /// A run that somebody has cancelled meanwhile.
    #[error("run {0} was cancelled while it was being published")]
    Cancelled(String),
    /// A run that is published with other options than before.
    #[error("run {name} was begun with {option} {before}: give the same again to go on with it")]
    Option {
        /// The run.
        name: String,
        /// The option that differs.
        option: &'static str,
        /// Its value before.
        before: String,
    },
    /// A statement that the broker does not take for its size.
    #[error(
        "{place}: its message of {bytes} bytes is above the broker's max_message_size{limit}: raise that in rabbitmq.conf, \
         then `--run {name}` goes on; what stands before it is published"
    )]
    TooLarge {
        /// The file, line and column, where known.
        place: String,
        /// Bytes of its message.
        bytes: usize,
        /// ` of N`, where the broker says it.
        limit: String,
        /// The run.
        name: String,
        /// What the broker said.
        source: Box<queryfleet_broker::Error>,
    },
    /// A run that was begun as something else.
    #[error(
        "run {name} cannot be gone on with: {why} in its manifest (queryfleet_run); nothing was published; publish the \
         input under another name"
    )]
    Manifest {
        /// The run.
        name: String,
        /// What differs.
        why: String,
    },
    /// A name that no new run may have.
    #[error("`{}` cannot be the name of a run: it {why}; nothing was published", name.escape_debug())]
    Name {
        /// The name.
        name: String,
        /// Why not.
        why: String,
    },
    /// A chunk size that is none.
    #[error("--chunk is {0}: it must be from 1 to 10000 jobs a message")]
    Chunk(usize),
    /// A run that is not in this ledger.
    #[error("run {0} is not in this ledger: `queryfleet status` lists the newest runs")]
    NoRun(String),
    /// The broker.
    #[error(transparent)]
    Broker(#[from] queryfleet_broker::Error),
    /// The database.
    #[error(transparent)]
    Ledger(#[from] queryfleet_ledger::Error),
}

impl Error {
    /// Whether it is about one statement, and what follows that can still be read.
    pub(crate) fn is_of_a_statement(&self) -> bool {
        matches!(
            self,
            Error::Refused { .. }
                | Error::Bad { .. }
                | Error::Settings { .. }
                | Error::NotAtomic { .. }
                | Error::NotHeld { .. }
                | Error::NoWhere { .. }
        )
    }

    /// [`Error::Bad`] at a byte of `text`, whose first line is `line`.
    pub(crate) fn bad(path: &Path, line: u64, text: &[u8], offset: usize, why: String) -> Error {
        let (line, column) = lines::place(line, text, offset);
        Error::Bad { path: path.to_owned(), line, column, why }
    }
}

/// What else may be meant by such a statement.
fn aside(kind: &str) -> &'static str {
    match kind {
        "ddl" => " (of a dump: --no-create-info --skip-triggers --skip-disable-keys)",
        _ => "",
    }
}
