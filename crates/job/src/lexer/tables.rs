//! Which tables a statement writes, as far as its own text says: not what its triggers and functions do.

use std::borrow::Cow;
use std::iter::Peekable;

use super::SqlMode;
use super::token::{Token, Tokens, What};

/// A table's name in a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName<'a> {
    /// The database, where one is written.
    pub database: Option<Cow<'a, str>>,
    /// The table or view, without quotes.
    pub table: Cow<'a, str>,
}

/// The tables that a statement writes. Of a joined UPDATE whose SET names columns without their tables, all tables
/// of the join: only the server knows which of them has the column.
pub fn written_tables(sql: &str, mode: SqlMode) -> Vec<TableName<'_>> {
    let mut tokens = Tokens::new(sql, mode);
    let verb = tokens.find(|token| token.depth == 0 && token.is_any(VERBS));
    verb.map(|verb| Reader::new(tokens).written(verb)).unwrap_or_default()
}

/// The tables that the statements of a trigger write: all that [`written_tables`] would say of each of them.
pub fn tables_written_by_trigger(body: &str, mode: SqlMode) -> Vec<TableName<'_>> {
    let mut tokens = Tokens::new(body, mode);
    let mut found = Vec::new();
    while let Some(token) = tokens.next() {
        if token.is_any(WRITERS) {
            found.extend(Reader::new(tokens.clone()).written(token));
        }
    }
    found
}

/// All names of the form `database.table` in a view's definition, its columns' included.
pub fn qualified_names(definition: &str) -> Vec<TableName<'_>> {
    // The server keeps definitions without ANSI_QUOTES.
    let mut reader = Reader::new(Tokens::new(definition, SqlMode::default()));
    let mut found = Vec::new();
    while reader.tokens.peek().is_some() {
        match reader.name() {
            Some(name) => found.extend(name.database.is_some().then_some(name)),
            None => drop(reader.tokens.next()),
        }
    }
    found
}

/// Whether a statement is an UPDATE or a DELETE that has no WHERE of its own: one of a subquery, or one in a version
/// comment that a server may skip, is none.
pub fn lacks_where(sql: &str, mode: SqlMode) -> bool {
    let mut tokens = Tokens::new(sql, mode);
    let verb = tokens.find(|token| token.depth == 0 && token.is_any(VERBS));
    verb.is_some_and(|verb| verb.is_any(&["update", "delete"]))
        && !tokens.any(|token| token.depth == 0 && !token.in_version && token.is("where"))
}

/// The first of these, outside of parentheses, says what a statement with a WITH does.
const VERBS: &[&str] =
    &["insert", "replace", "update", "delete", "load", "select", "values", "table", "do", "call"];
const WRITERS: &[&str] = &["insert", "replace", "update", "delete", "load"];
const MODIFIERS: &[&str] =
    &["low_priority", "delayed", "high_priority", "quick", "ignore", "history", "into"];
/// What may follow a table that is no alias of it.
const NO_ALIAS: &[&str] = &[
    "join",
    "inner",
    "left",
    "right",
    "full",
    "cross",
    "natural",
    "straight_join",
    "on",
    "using",
    "set",
    "where",
    "partition",
    "use",
    "force",
    "ignore",
    "order",
    "limit",
    "from",
    "returning",
    "for",
];
const QUERY: &[&str] = &["select", "with", "values", "table"];
/// What ends the tables of a DELETE.
const AFTER_TABLES: &[&str] = &["where", "order", "limit", "returning"];

/// A table of a join and what the statement calls it.
struct Reference<'a> {
    name: TableName<'a>,
    alias: Option<Cow<'a, str>>,
}

impl Reference<'_> {
    fn is_called(&self, name: &str) -> bool {
        self.alias.as_ref().unwrap_or(&self.name.table).eq_ignore_ascii_case(name)
    }
}

struct Reader<'a> {
    tokens: Peekable<Tokens<'a>>,
}

impl<'a> Reader<'a> {
    fn new(tokens: Tokens<'a>) -> Self {
        Self { tokens: tokens.peekable() }
    }

    /// What a statement writes that begins with this verb.
    fn written(mut self, verb: Token<'_>) -> Vec<TableName<'a>> {
        while self.tokens.next_if(|token| token.is_any(MODIFIERS)).is_some() {}
        match () {
            () if verb.is_any(&["insert", "replace"]) => self.name().into_iter().collect(),
            () if verb.is("update") => self.update(),
            () if verb.is("delete") => self.delete(),
            () if verb.is("load") => self.load(),
            () => Vec::new(),
        }
    }

    fn update(&mut self) -> Vec<TableName<'a>> {
        let (tables, _) = self.references(&["set"]);
        let targets = self.assigned();
        let is_target =
            |table: &Reference<'_>| targets.iter().flatten().any(|target| table.is_called(target));
        let all = targets.iter().any(Option::is_none) || !tables.iter().any(is_target);
        tables.into_iter().filter(|table| all || is_target(table)).map(|table| table.name).collect()
    }

    fn delete(&mut self) -> Vec<TableName<'a>> {
        let from = self.tokens.next_if(|token| token.is("from")).is_some();
        let ends = if from { [&["using"][..], AFTER_TABLES].concat() } else { vec!["from"] };
        let (mut targets, end) = self.references(&ends);
        if end.is_some_and(|end| end.is_any(&["using", "from"])) {
            let (tables, _) = self.references(AFTER_TABLES);
            for target in &mut targets {
                if let Some(table) = tables.iter().find(|table| table.is_called(&target.name.table)) {
                    target.name = table.name.clone();
                }
            }
        }
        targets.into_iter().map(|target| target.name).collect()
    }

    fn load(&mut self) -> Vec<TableName<'a>> {
        while let Some(token) = self.next() {
            if token.is("into") && self.tokens.next_if(|next| next.is("table")).is_some() {
                return self.name().into_iter().collect();
            }
        }
        Vec::new()
    }

    /// The next token of this statement; a trigger has more than one.
    fn next(&mut self) -> Option<Token<'a>> {
        self.tokens.next_if(|token| !token.is_symbol(";"))
    }

    /// The tables of a join up to one of the keywords in `ends`, which is passed and returned.
    fn references(&mut self, ends: &[&str]) -> (Vec<Reference<'a>>, Option<Token<'a>>) {
        let mut found = Vec::new();
        let mut wanted = true;
        loop {
            if wanted && let Some(name) = self.name() {
                let is_function = self.tokens.peek().is_some_and(|next| next.is_symbol("("));
                let alias = self.alias();
                found.extend((!is_function).then_some(Reference { name, alias }));
                wanted = false;
            }
            let Some(token) = self.next() else { return (found, None) };
            if token.depth == 0 && token.is_any(ends) {
                return (found, Some(token));
            }
            if token.is_any(&["join", "straight_join"]) || token.is_symbol(",") {
                wanted = true;
            } else if token.is_symbol("(") && !(wanted && self.is_join()) {
                // A subquery, or arguments, columns, partitions.
                self.close(token.depth);
                wanted = false;
            }
        }
    }

    /// Whether a parenthesis before this has tables in it, and no query.
    fn is_join(&mut self) -> bool {
        self.tokens.peek().is_none_or(|next| !next.is_any(QUERY))
    }

    /// Goes on past the parenthesis that closes one of this depth.
    fn close(&mut self, depth: u32) {
        while let Some(token) = self.next() {
            if token.depth == depth && token.is_symbol(")") {
                return;
            }
        }
    }

    /// What a SET assigns to: for each column the name of its table, where it is written.
    fn assigned(&mut self) -> Vec<Option<Cow<'a, str>>> {
        let mut found = vec![self.name().and_then(qualifier)];
        while let Some(token) = self.next() {
            if token.depth == 0 && token.is_any(AFTER_TABLES) {
                break;
            }
            if token.depth == 0 && token.is_symbol(",") {
                found.push(self.name().and_then(qualifier));
            }
        }
        found
    }

    fn alias(&mut self) -> Option<Cow<'a, str>> {
        if self.tokens.next_if(|token| token.is("as")).is_some() {
            return self.part();
        }
        let is_keyword = self.tokens.peek().is_some_and(|token| token.is_any(NO_ALIAS));
        if is_keyword { None } else { self.part() }
    }

    /// `table`, `database.table`, of anything longer the last two parts; a `.*` at its end is passed.
    fn name(&mut self) -> Option<TableName<'a>> {
        let mut name = TableName { database: None, table: self.part()? };
        while self.tokens.next_if(|token| token.is_symbol(".")).is_some() {
            let Some(part) = self.part() else {
                self.tokens.next_if(|token| token.is_symbol("*"));
                break;
            };
            name = TableName { database: Some(name.table), table: part };
        }
        Some(name)
    }

    fn part(&mut self) -> Option<Cow<'a, str>> {
        let token = self.tokens.next_if(|token| matches!(token.what, What::Word | What::Name))?;
        let Some(quote) = token.text.chars().next().filter(|first| matches!(first, '`' | '"')) else {
            return Some(Cow::Borrowed(token.text));
        };
        let inner = &token.text[1..];
        let inner = inner.strip_suffix(quote).unwrap_or(inner);
        Some(Cow::Owned(inner.replace(&format!("{quote}{quote}"), &quote.to_string())))
    }
}

/// Of a column's name, its table's.
fn qualifier(column: TableName<'_>) -> Option<Cow<'_, str>> {
    column.database
}
