//! What a plan says.

use serde::Serialize;

use crate::Error;
use crate::grouping::alone::Chunks;
use crate::seen::Seen;

/// What a publish would do.
#[derive(Debug, Default, Serialize)]
pub struct Plan {
    /// Jobs that would be published.
    pub jobs: u64,
    /// Bytes of their statements.
    pub bytes: u64,
    /// The same jobs by kind and written table, the most first.
    pub kinds: Vec<Counted>,
    /// Statements that a publish would refuse. With one of them it publishes nothing.
    pub refused: u64,
    /// The first of them. Not serialized: what helps against each is for the caller to say.
    #[serde(skip)]
    pub refusals: Vec<Error>,
    /// Whether the input could be read to its end.
    pub complete: bool,
    /// Statements that are not atomic, refused ones included, by kind or table.
    pub not_atomic: Vec<Counted>,
    /// UPDATE and DELETE without a WHERE, refused ones included.
    pub no_where: Seen,
    /// The longest statement, in bytes, and where it stands.
    pub largest: Option<(u64, String)>,
    /// How many different statements there are, literals apart; at most 10,000 are told apart.
    pub shapes: u64,
    /// Statements that the server was asked about.
    pub explained: u64,
    /// Shapes of which a statement reads a whole table or index, the first 20.
    pub full_scans: Vec<FullScan>,
    /// Statements that the server would reject, the first 20.
    pub failing: Vec<FailedExplain>,
    /// Rows that would be read, as far as the server's estimates for the explained statements hold for the others of
    /// their shape.
    pub rows: Option<u64>,
    /// UPDATEs and DELETEs with the same table and WHERE as one before.
    pub repeats: Seen,
    /// Whether every UPDATE and DELETE was compared; memory holds a million conditions.
    pub repeats_complete: bool,
    /// Bytes that the ledger will grow by.
    pub ledger_bytes: u64,
    /// What the jobs would be grouped into; the messages are an estimate.
    pub chunks: Option<Chunks>,
}

/// Jobs of one kind and table.
#[derive(Clone, Debug, Serialize)]
pub struct Counted {
    /// The kind of statement.
    pub kind: String,
    /// The first table that it writes, as it is written there; none for what writes none.
    pub table: Option<String>,
    /// How many, and where the first stands.
    #[serde(flatten)]
    pub seen: Seen,
}

/// A shape of statement that uses no index.
#[derive(Clone, Debug, Serialize)]
pub struct FullScan {
    /// Where one such statement stands.
    pub place: String,
    /// The table, by its name in the statement.
    pub table: String,
    /// Rows of it, by the server's estimate.
    pub rows: u64,
    /// Jobs of this shape.
    pub jobs: u64,
    /// The start of the statement.
    pub statement: String,
}

/// A statement that the server would reject.
#[derive(Clone, Debug, Serialize)]
pub struct FailedExplain {
    /// Where it stands.
    pub place: String,
    /// What the server said.
    pub error: String,
}
