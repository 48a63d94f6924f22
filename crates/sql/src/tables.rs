//! Which tables a statement writes, as far as its own text says: not what its triggers and functions do.

use std::borrow::Cow;

use super::SqlMode;
use super::target::Reader;
use super::token::{Token, Tokens};
use super::verb::{self, Verb};

/// A table's name in a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName<'a> {
    /// The database, where one is written.
    pub database: Option<Cow<'a, str>>,
    /// The table or view, without quotes.
    pub table: Cow<'a, str>,
}

/// The tables that a statement writes by its own text; none of a query. `None` when the text does not say it for
/// sure, whatever server reads it: then it may write any. So it is of statements of unknown kinds, and of those with a
/// table's name in a version comment, which one server skips and another does not.
///
/// Of a joined UPDATE whose SET names columns without their tables, all tables of the join: only the server knows
/// which of them has the column.
pub fn written_tables(sql: &str, mode: SqlMode) -> Option<Vec<TableName<'_>>> {
    let mut tokens = Tokens::new(sql, mode);
    let Verb { token, ctes } = verb::find(&mut tokens)?;
    if token.is_any(READERS) {
        let is_whole = token.version.is_none() || tokens.all(|other| other.version == token.version);
        return is_whole.then(Vec::new);
    }
    Reader::new(tokens, token.version).written(token, &ctes)
}

/// All names of the form `database.table` in a view's definition, its columns' included.
pub fn qualified_names(definition: &str) -> Vec<TableName<'_>> {
    // The server keeps definitions without ANSI_QUOTES.
    let mut reader = Reader::new(Tokens::new(definition, SqlMode::default()), None);
    let mut found = Vec::new();
    while reader.peek().is_some() {
        match reader.name() {
            Some(name) => found.extend(name.database.is_some().then_some(name)),
            None => drop(reader.next()),
        }
    }
    found
}

/// Whether a statement is an UPDATE or a DELETE that has no WHERE of its own: one of a subquery, or one in a version
/// comment that a server may skip without skipping the statement, is none. True also of what is not understood.
pub fn lacks_where(sql: &str, mode: SqlMode) -> bool {
    let mut tokens = Tokens::new(sql, mode);
    let Some(Verb { token: verb, .. }) = verb::find(&mut tokens) else { return true };
    let is_own = |token: &Token<'_>| token.version.is_none() || token.version == verb.version;
    verb.is_any(&["update", "delete"])
        && !tokens.any(|token| token.depth == 0 && is_own(&token) && token.is("where"))
}

const READERS: &[&str] = &["select", "values", "table", "do"];
