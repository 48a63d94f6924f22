//! What is wrong with a statement, a row or a template.

use queryfleet_sql::{Position, Refusal};

/// Why a statement or row gives no job. The text names the thing and the remedy, and no option of the program's: which
/// option that is, the caller tells by the variant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// No worker would run the statement.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The line, row or template cannot be read as one; the text says what to do.
    #[error("{0}")]
    Malformed(String),
    /// A command of the `mariadb` client.
    #[error("`{command}` is a command of the mariadb client, not SQL: {instead}")]
    ClientCommand {
        /// The command.
        command: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// A statement that cannot be rolled back together with its ledger row.
    #[error(
        "{kind} is non-transactional (`{words}`): it cannot be committed together with the note that it is done, so exactly \
         once cannot be promised"
    )]
    NotAtomic {
        /// The kind of statement.
        kind: &'static str,
        /// How the statement begins.
        words: String,
    },
    /// A statement that reaches what no transaction holds, or a table of queryfleet.
    #[error("{0}")]
    NotHeld(Box<queryfleet_ledger::NotHeld>),
    /// An UPDATE or DELETE of a whole table.
    #[error("{kind} without a WHERE changes every row")]
    NoWhere {
        /// The kind of statement.
        kind: &'static str,
    },
    /// The statement has more or fewer `?` than values.
    #[error("statement has {marks} `?` for {params} params: give a value for each")]
    Params {
        /// How many `?` it has.
        marks: usize,
        /// How many values there are.
        params: usize,
    },
    /// The statement is too long with its values written out.
    #[error("statement has {bytes} bytes with its values, of {limit} at most")]
    TooLongWithValues {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The statement is too long for a message.
    #[error(
        "statement has {bytes} bytes in its message, which has several for a control character, a quote or a backslash, of \
         {limit} at most: split it, or write bytes as 0x…"
    )]
    TooLongForMessage {
        /// Its length there.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// SETs that every session of the run has to be given.
    #[error(
        "SET, up to line {last_line}, holds for one session, and jobs run in many: give it as \
         session SQL of the run, and these lines are passed over, as is what takes them back at the end"
    )]
    SessionSettings {
        /// The line on which the last of them ends.
        last_line: u64,
        /// All that every session of the run has to be given.
        session_sql: String,
    },
    /// A backslash in a CSV file of which no dialect was given.
    #[error(
        "a backslash that is either an escape of MySQL's (INTO OUTFILE) or a character: say which dialect the CSV is in"
    )]
    AmbiguousBackslash,
    /// A NULL without quotes in a CSV file of which no dialect was given.
    #[error(
        "NULL without quotes, which is either MySQL's NULL (INTO OUTFILE) or a text: say which dialect the CSV is in"
    )]
    AmbiguousNull,
    /// A CSV dialect for rows that are no CSV.
    #[error("rows are NDJSON, which has no CSV dialect: leave that out")]
    DialectOfNdjson,
}

/// A problem, and where it is in the input that is being read.
#[derive(Debug)]
pub(crate) struct PlacedProblem {
    pub(crate) place: Position,
    pub(crate) problem: Problem,
}

impl PlacedProblem {
    /// What the text says, at this place.
    pub(crate) fn malformed(place: Position, text: String) -> PlacedProblem {
        PlacedProblem { place, problem: Problem::Malformed(text) }
    }
}
