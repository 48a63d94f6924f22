//! Which tables a statement writes, as far as its own text says: not what its triggers and functions do. What it is not
//! sure of it does not say.

use std::borrow::Cow;
use std::iter::Peekable;

use crate::lexer::scanner::SqlMode;
use crate::lexer::token::{Token, TokenKind, Tokens};
use crate::names::verb::{self, Verb};

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
/// What may stand before the tables: reserved words, so that no table is called so without quotes.
const MODIFIERS: &[&str] = &["low_priority", "delayed", "high_priority", "ignore"];
const QUERY: &[&str] = &["select", "with", "values", "table"];
/// What ends the tables of a DELETE.
const AFTER_TABLES: &[&str] = &["where", "order", "limit", "returning"];
/// What ends what a SET assigns: reserved words only, as a column may be called `returning`.
const AFTER_SET: &[&str] = &["where", "order", "limit"];

/// A table of a join and what the statement calls it.
struct Reference<'a> {
    name: TableName<'a>,
    alias: Option<Cow<'a, str>>,
}

impl Reference<'_> {
    fn is_called(&self, name: &str) -> bool {
        self.alias.as_ref().unwrap_or(&self.name.table).eq_ignore_ascii_case(name)
    }

    /// Whether a DELETE may mean it by this name.
    fn is_target(&self, target: &TableName<'_>) -> bool {
        let other = match (&target.database, &self.name.database) {
            (Some(target), Some(own)) => self.alias.is_none() && !own.eq_ignore_ascii_case(target),
            _ => false,
        };
        self.is_called(&target.table) && !other
    }
}

pub(crate) struct Reader<'a> {
    tokens: Peekable<Tokens<'a>>,
    /// The version comment in which the statement begins.
    version: Option<usize>,
    /// Something that counts stands in another version comment, or is not understood.
    doubtful: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(tokens: Tokens<'a>, version: Option<usize>) -> Self {
        Self { tokens: tokens.peekable(), version, doubtful: false }
    }

    /// What a statement writes that begins with this verb; `None` when that is not sure.
    pub(crate) fn written(mut self, verb: Token<'_>, ctes: &[Cow<'_, str>]) -> Option<Vec<TableName<'a>>> {
        // What these say is nothing of the tables, in a version comment or not.
        while self.tokens.next_if(|token| token.is_any(MODIFIERS)).is_some() {}
        if verb.is_any(&["insert", "replace"]) {
            self.tokens.next_if(|token| token.is("into"));
        }
        let found = if verb.is_any(&["insert", "replace"]) {
            self.name().into_iter().collect()
        } else if verb.is("update") {
            self.update(ctes)
        } else if verb.is("delete") {
            self.delete()
        } else if verb.is("load") {
            self.load()
        } else {
            return None;
        };
        (!self.doubtful && !found.is_empty()).then_some(found)
    }

    fn update(&mut self, ctes: &[Cow<'_, str>]) -> Vec<TableName<'a>> {
        let (mut tables, end) = self.references(&["set"]);
        self.doubtful |= end.is_none();
        // Not even a WITH makes a table that can be written; whether `X` is also `x` is the server's setting.
        tables
            .retain(|table| table.name.database.is_some() || ctes.iter().all(|cte| *cte != table.name.table));
        let targets = self.assigned();
        let known = |target: &Cow<'_, str>| tables.iter().any(|table| table.is_called(target));
        let all = targets.iter().any(|target| !target.as_ref().is_some_and(known));
        let is_target =
            |table: &Reference<'_>| targets.iter().flatten().any(|target| table.is_called(target));
        tables.iter().filter(|table| all || is_target(table)).map(|table| table.name.clone()).collect()
    }

    fn delete(&mut self) -> Vec<TableName<'a>> {
        // QUICK is no reserved word, but here both servers take it for the modifier, unless a dot touches it.
        while self.tokens.next_if(|token| token.is("quick") || token.is_any(MODIFIERS)).is_some() {}
        if self.deletes_history() {
            let (tables, _) = self.references(AFTER_TABLES);
            return tables.into_iter().map(|table| table.name).collect();
        }
        let from = self.tokens.next_if(|token| token.is("from")).is_some();
        let ends = if from { [&["using"][..], AFTER_TABLES].concat() } else { vec!["from"] };
        let (targets, end) = self.references(&ends);
        if !end.is_some_and(|end| end.is_any(&["using", "from"])) {
            self.doubtful |= !from;
            return targets.into_iter().map(|target| target.name).collect();
        }
        let (tables, _) = self.references(AFTER_SET);
        let mut found = Vec::new();
        for target in targets {
            let before = found.len();
            let meant = tables.iter().filter(|table| table.is_target(&target.name));
            found.extend(meant.map(|table| table.name.clone()));
            self.doubtful |= found.len() == before;
        }
        found
    }

    /// Passes `HISTORY FROM`: of `t`, to MariaDB, or of a table that is called so, to MySQL.
    fn deletes_history(&mut self) -> bool {
        let mut ahead = self.tokens.clone();
        let is = ahead.next().is_some_and(|token| token.is("history"))
            && ahead.next().is_some_and(|token| token.is("from"));
        is && self.next().is_some() && self.next().is_some()
    }

    fn load(&mut self) -> Vec<TableName<'a>> {
        while let Some(token) = self.next() {
            if token.is("into") && self.tokens.next_if(|next| next.is("table")).is_some() {
                self.doubtful |= token.version != self.version;
                return self.name().into_iter().collect();
            }
        }
        Vec::new()
    }

    /// The next token of this statement; a trigger has more than one.
    pub(crate) fn next(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.next_if(|token| !token.is_symbol(";"))?;
        self.doubtful |= token.version != self.version;
        Some(token)
    }

    pub(crate) fn peek(&mut self) -> Option<&Token<'a>> {
        self.tokens.peek()
    }

    /// Passes a token that is so, or nothing.
    fn next_if(&mut self, is: impl FnOnce(&Token<'a>) -> bool) -> Option<Token<'a>> {
        let token = self.tokens.next_if(is)?;
        self.doubtful |= token.version != self.version;
        Some(token)
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
            // `{OJ t LEFT JOIN …}`
            self.doubtful |= wanted && token.is_symbol("{");
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
        let mut found = vec![self.name().and_then(|column| column.database)];
        while let Some(token) = self.next() {
            if token.depth == 0 && token.is_any(AFTER_SET) {
                break;
            }
            if token.depth == 0 && token.is_symbol(",") {
                found.push(self.name().and_then(|column| column.database));
            }
        }
        found
    }

    fn alias(&mut self) -> Option<Cow<'a, str>> {
        if self.next_if(|token| token.is("as")).is_some() {
            return self.part();
        }
        let is_keyword = self.tokens.peek().is_some_and(|token| token.is_any(NO_ALIAS));
        if is_keyword { None } else { self.part() }
    }

    /// `table`, `.table`, `database.table`, of anything longer the last two parts; a `.*` at its end is passed.
    pub(crate) fn name(&mut self) -> Option<TableName<'a>> {
        self.next_if(|token| token.is_symbol("."));
        let mut name = TableName { database: None, table: self.part()? };
        while self.next_if(|token| token.is_symbol(".")).is_some() {
            let Some(part) = self.part() else {
                self.next_if(|token| token.is_symbol("*"));
                break;
            };
            name = TableName { database: Some(name.table), table: part };
        }
        // Skipped, what stands in a version comment here may leave a dot after the name.
        self.doubtful |= self.tokens.peek().is_some_and(|next| next.version != self.version);
        Some(name)
    }

    fn part(&mut self) -> Option<Cow<'a, str>> {
        self.next_if(|token| matches!(token.kind, TokenKind::Word | TokenKind::Name))?.name()
    }
}
