//! The names that a statement mentions anywhere: no grammar is needed to say what it does not mention.

use std::borrow::Cow;

use crate::lexer::scanner::{SqlMode, stands_at};
use crate::lexer::token::{Token, Tokens};
use crate::names::written::{Reader, TableName, written_tables};
use crate::statement::kind::Kind;

/// Everything in a text that some server may take for a name, without its quotes and in its order: words, keywords
/// included; quoted names; strings in double quotes; all of it in version comments, too.
pub fn names(sql: &str, mode: SqlMode) -> impl Iterator<Item = Cow<'_, str>> {
    Tokens::new(sql, mode).filter_map(|token| token.name())
}

/// The procedures that the body of a trigger or a routine calls; of `a.b.c` the last two parts.
pub fn called_procedures(body: &str, mode: SqlMode) -> Vec<TableName<'_>> {
    let mut tokens = Tokens::new(body, mode);
    let mut found = Vec::new();
    while let Some(token) = tokens.next() {
        if token.is("call") {
            found.extend(Reader::new(tokens.clone(), token.version).name());
        }
    }
    found
}

/// The tables that the statements of a trigger or a routine write by their own text, as [`written_tables`] says it of
/// each; `None` when it is not sure of one of them.
pub fn tables_written_by_body(body: &str, mode: SqlMode) -> Option<Vec<TableName<'_>>> {
    let mut tokens = Tokens::new(body, mode);
    let mut found = Vec::new();
    let mut before: Option<Token<'_>> = None;
    while let Some(token) = tokens.next() {
        if token.is_any(WRITERS) && !is_part(before, token, &tokens) {
            found.extend(Reader::new(tokens.clone(), token.version).written(token, &[])?);
        }
        before = Some(token);
    }
    Some(found)
}

/// The tables that a text may read or write, by every place in which the grammar has one: behind FROM, JOIN, UPDATE,
/// INTO, TABLE and USING, and behind a comma in such a list. More than there are: tables that a WITH makes, variables
/// behind INTO. `None` where a version comment leaves it open.
pub fn tables_named(sql: &str, mode: SqlMode) -> Option<Vec<TableName<'_>>> {
    let mut tokens = Tokens::new(sql, mode);
    let mut found = Vec::new();
    let mut before = None;
    let mut positions = TablePositions::default();
    loop {
        let ahead = tokens.clone();
        let Some(token) = tokens.next() else { return Some(found) };
        if token.version.is_some() {
            return None;
        }
        if positions.take(before, token, &tokens) {
            found.extend(Reader::new(ahead, None).name());
        }
        before = Some(token);
    }
}

/// Where tables stand.
#[derive(Default)]
struct TablePositions {
    /// One may stand next.
    expected: bool,
    /// The depths of open lists of tables, and of SELECTs.
    lists: Vec<u32>,
    selects: Vec<u32>,
}

impl TablePositions {
    /// Whether a table begins with this token.
    fn take(&mut self, before: Option<Token<'_>>, token: Token<'_>, after: &Tokens<'_>) -> bool {
        let depth = token.depth;
        self.lists.retain(|open| *open <= depth);
        self.selects.retain(|open| *open <= depth);
        let follows = |words: &[&str]| before.is_some_and(|before| before.is_any(words));
        let opens = || after.clone().next().is_some_and(|next| next.is_symbol("("));
        // EXTRACT(YEAR FROM x), ON DUPLICATE KEY UPDATE and its like, JOIN … USING (x)
        let is_other_use = token.is("from") && depth > 0 && !self.selects.contains(&depth)
            || token.is("update") && follows(&["key", "for", "on", "before", "after"])
            || token.is("using") && opens();
        if token.is("select") {
            self.selects.push(depth);
            self.end(depth);
        } else if is_other_use {
            return false;
        } else if token.is_any(BEFORE_TABLES) {
            self.expected = true;
            self.lists.push(depth);
        } else if token.is_any(AFTER_TABLES) || token.is_symbol(";") {
            self.end(depth);
        } else if token.is_symbol(",") {
            self.expected |= self.lists.contains(&depth);
        } else if self.expected && (token.is_symbol("(") || token.is_symbol("{")) {
            self.lists.push(depth + 1);
        } else if self.expected && !token.is_any(PASSED) {
            self.expected = false;
            return true;
        }
        false
    }

    fn end(&mut self, depth: u32) {
        self.expected = false;
        self.lists.retain(|open| *open < depth);
    }
}

const BEFORE_TABLES: &[&str] = &["from", "join", "straight_join", "update", "into", "table", "using"];
/// What ends a list of tables.
const AFTER_TABLES: &[&str] = &[
    "where",
    "set",
    "values",
    "value",
    "group",
    "having",
    "order",
    "limit",
    "union",
    "returning",
    "window",
    "dual",
];
/// What may stand before a table.
const PASSED: &[&str] = &["low_priority", "ignore", "oj", "lateral"];

const WRITERS: &[&str] = &["insert", "replace", "update", "delete", "load"];

/// Whether such a word begins no statement: in FOR UPDATE, ON DUPLICATE KEY UPDATE, CREATE OR REPLACE, and as the name
/// of a function.
fn is_part(before: Option<Token<'_>>, token: Token<'_>, after: &Tokens<'_>) -> bool {
    let is_call = |next: Token<'_>| next.is_symbol("(") && next.version == token.version;
    before.is_some_and(|before| {
        before.version == token.version && before.is_any(&["for", "key", "or", "before", "after", "on"])
    }) || token.is_any(&["insert", "replace"]) && after.clone().next().is_some_and(is_call)
}

/// Whether a statement of this kind, which [`crate::inspect`] has accepted, may change a table whose name begins with
/// `prefix`, in any case and in any database. What only reads such a table, or reads it and writes others, may not. A
/// statement whose text does not hold the prefix costs one search.
pub fn may_change_tables_with_prefix(sql: &str, kind: Kind, mode: SqlMode, prefix: &str) -> bool {
    if !holds(sql.as_bytes(), prefix) || !names(sql, mode).any(|name| begins_with(&name, prefix)) {
        return false;
    }
    match kind {
        Kind::Select | Kind::SelectIntoFile | Kind::Do | Kind::Values | Kind::Table => false,
        Kind::Insert | Kind::Replace | Kind::Update | Kind::Delete | Kind::With | Kind::LoadData => {
            written_tables(sql, mode)
                .is_none_or(|tables| tables.iter().any(|written| begins_with(&written.table, prefix)))
        }
        _ => true,
    }
}

fn begins_with(name: &str, prefix: &str) -> bool {
    stands_at(name.as_bytes(), 0, prefix.as_bytes())
}

/// Whether `part` stands anywhere in the text, in any case.
fn holds(text: &[u8], part: &str) -> bool {
    let Some(first) = part.bytes().next() else { return true };
    memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text)
        .any(|at| stands_at(text, at, part.as_bytes()))
}
