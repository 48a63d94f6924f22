//! Calls of functions that are not certainly built into the server.

use std::borrow::Cow;

use crate::lexer::scanner::{SqlMode, stands_at};
use crate::lexer::token::{Token, TokenKind, Tokens};
use crate::names::builtins::{is_builtin, is_keyword};
use crate::names::literals::without_literals;

/// A call of something that may leave more behind than its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call<'a> {
    /// Of a stored or loadable function, or of one of the server's own that is not on the list.
    Function {
        /// The database, where one is written.
        database: Option<Cow<'a, str>>,
        /// The function, without quotes.
        name: Cow<'a, str>,
    },
    /// NEXT VALUE FOR, PREVIOUS VALUE FOR, `sequence.nextval`.
    Sequence,
    /// A version comment stands in it, which the server at hand may skip.
    Unclear,
}

/// Whether a statement that [`crate::inspect`] has accepted certainly calls nothing but functions of the server's own
/// that leave nothing behind (the lists of `builtins`), whatever functions are stored in its databases. Not what its
/// views and triggers call. It does not allocate; a statement without a parenthesis costs one search.
pub fn calls_only_builtins(sql: &str, mode: SqlMode) -> bool {
    if !may_call(sql.as_bytes()) {
        return true;
    }
    let (head, rest) = without_literals(sql, mode);
    [head, rest].into_iter().all(|part| {
        let mut calls = Calls::new(part, mode);
        calls.next().is_none() && !calls.versions
    })
}

/// What a statement, or the body of a trigger or routine, calls that is not on the lists.
pub fn foreign_calls(sql: &str, mode: SqlMode) -> impl Iterator<Item = Call<'_>> {
    Calls::new(sql, mode)
}

/// Whether there is a parenthesis, or a word of a sequence.
fn may_call(text: &[u8]) -> bool {
    let may_be = |at: usize| match text[at] {
        b'(' => true,
        _ if stands_at(text, at, b"value") => !matches!(text.get(at + 5), Some(b's' | b'S')),
        _ => {
            at >= 4
                && stands_at(text, at, b"val")
                && (stands_at(text, at - 4, b"next") || stands_at(text, at - 4, b"curr"))
        }
    };
    memchr::memchr3_iter(b'(', b'v', b'V', text).any(may_be)
}

/// The number of tokens that are kept.
const KEPT_TOKENS: usize = 8;
/// After these words there is the name of a table, an alias, a type or a character set, which no grammar calls.
const BEFORE_NAMES: &[&str] = &[
    "into",
    "insert",
    "replace",
    "low_priority",
    "delayed",
    "ignore",
    "table",
    "as",
    "with",
    "recursive",
    "charset",
];

struct Calls<'a> {
    tokens: Tokens<'a>,
    /// The last ones, the newest at `count - 1`, in a ring.
    last: [Option<Token<'a>>; KEPT_TOKENS],
    count: usize,
    /// Whether a token stood in a version comment.
    versions: bool,
    /// It is an INSERT or a REPLACE.
    inserts: bool,
}

impl<'a> Calls<'a> {
    fn new(sql: &'a str, mode: SqlMode) -> Self {
        Self {
            tokens: Tokens::new(sql, mode),
            last: [None; KEPT_TOKENS],
            count: 0,
            versions: false,
            inserts: false,
        }
    }

    /// The token so many places before the one at hand, from 1.
    fn back(&self, places: usize) -> Option<Token<'a>> {
        let at = self.count.checked_sub(places).filter(|_| places <= KEPT_TOKENS)?;
        self.last[at % KEPT_TOKENS]
    }

    fn look(&self, token: Token<'a>) -> Option<Call<'a>> {
        match token.kind {
            TokenKind::Symbol if token.text == "(" => self.parenthesis(token),
            TokenKind::Word if token.is("value") => self.value_for().then_some(Call::Sequence),
            TokenKind::Word | TokenKind::Name => {
                let name = token.name().unwrap_or_default();
                let is_value = name.eq_ignore_ascii_case("nextval") || name.eq_ignore_ascii_case("currval");
                let after_dot =
                    self.back(1).is_some_and(|before| before.is_symbol(".") || before.version.is_some());
                (is_value && after_dot).then_some(Call::Sequence)
            }
            _ => None,
        }
    }

    /// Whether VALUE stands in NEXT VALUE FOR or PREVIOUS VALUE FOR. Of a statement with version comments it is enough
    /// that one of the words is near.
    fn value_for(&self) -> bool {
        let near = if self.versions { KEPT_TOKENS } else { 1 };
        let is_next = |token: Token<'_>| token.is_any(&["next", "previous"]);
        (1..=near).filter_map(|places| self.back(places)).any(is_next)
            && self.tokens.clone().next().is_some_and(|next| next.is("for") || next.version.is_some())
    }

    /// What is called where a parenthesis opens.
    fn parenthesis(&self, open: Token<'a>) -> Option<Call<'a>> {
        let name = self.back(1)?;
        if !together(name, open) {
            return Some(Call::Unclear);
        }
        if !is_name(name) {
            return None;
        }
        let (database, places) = self.qualifier();
        if (1..places).any(|at| !self.chained(at)) || (database.is_none() && self.may_be_qualified(name)) {
            return Some(Call::Unclear);
        }
        let adjacent = name.at + name.text.len() == open.at;
        if name.kind == TokenKind::Word
            && (is_keyword(name.text) || adjacent && is_builtin(name.text))
            && database.is_none()
        {
            return None;
        }
        if self.names_something(places) || self.opens_query() || self.is_table_expression(open) {
            return None;
        }
        Some(Call::Function { database: database.and_then(|token| token.name()), name: name.name()? })
    }

    /// The name before the dot before the last token, and how many tokens `database.name` are.
    fn qualifier(&self) -> (Option<Token<'a>>, usize) {
        let part = |places| self.back(places).filter(|token| token.is_symbol("."));
        if part(2).is_none() {
            return (None, 1);
        }
        match self.back(3).filter(|token| is_name(*token)) {
            Some(database) if part(4).is_some() && self.back(5).is_some_and(is_name) => (Some(database), 5),
            database => (database, if database.is_some() { 3 } else { 2 }),
        }
    }

    /// Whether the token so many places before follows the one before that in every reading.
    fn chained(&self, places: usize) -> bool {
        match (self.back(places + 1), self.back(places)) {
            (Some(before), Some(after)) => together(before, after),
            _ => true,
        }
    }

    /// Whether a dot comes to stand before the name when the version comments before it are skipped.
    fn may_be_qualified(&self, name: Token<'a>) -> bool {
        let Some(before) = self.back(2) else { return false };
        if together(before, name) {
            return false;
        }
        for places in 2..=KEPT_TOKENS {
            match self.back(places) {
                Some(token) if token.is_symbol(".") => return true,
                Some(token) if token.version.is_some() => {}
                _ => return false,
            }
        }
        true
    }

    /// Whether a name of so many tokens stands where something is named and nothing can be called: after one of
    /// certain words, or right after an operand, where a call would need an operator before it.
    fn names_something(&self, places: usize) -> bool {
        let Some(before) = self.back(places + 1) else { return false };
        if !self.chained(places) {
            return false;
        }
        let second = self.back(places + 2).filter(|_| self.chained(places + 1));
        let is_charset = before.is("set") && second.is_some_and(|token| token.is("character"));
        let is_member = before.is("member") && self.back(1).is_some_and(|token| token.is("of"));
        let after_operand = matches!(
            before.kind,
            TokenKind::String | TokenKind::Number | TokenKind::Name | TokenKind::Variable
        ) || before.is_symbol(")");
        // `INSERT INTO t VALUE (1)`
        let is_value = self.inserts
            && before.depth == 0
            && self.back(1).is_some_and(|token| token.is("value"))
            && before.kind == TokenKind::Word
            && !(is_keyword(before.text) || before.is("returning"));
        before.is_any(BEFORE_NAMES) || after_operand || is_charset || is_member || is_value
    }

    /// Whether a query follows in the parenthesis, which no function takes without another one.
    fn opens_query(&self) -> bool {
        self.tokens
            .clone()
            .next()
            .is_some_and(|next| next.version.is_none() && next.is_any(&["select", "with"]))
    }

    /// Whether the parenthesis holds the columns of a common table expression: AS and another one follow it.
    fn is_table_expression(&self, open: Token<'_>) -> bool {
        let mut rest = self.tokens.clone();
        rest.any(|token| token.depth == open.depth && token.is_symbol(")"))
            && rest.next().is_some_and(|next| next.version.is_none() && next.is("as"))
            && rest.next().is_some_and(|next| next.version.is_none() && next.is_symbol("("))
    }
}

impl<'a> Iterator for Calls<'a> {
    type Item = Call<'a>;

    fn next(&mut self) -> Option<Call<'a>> {
        loop {
            let token = self.tokens.next()?;
            self.versions |= token.version.is_some();
            self.inserts |= self.count == 0 && token.is_any(&["insert", "replace"]);
            let found = self.look(token);
            self.last[self.count % KEPT_TOKENS] = Some(token);
            self.count += 1;
            if found.is_some() {
                return found;
            }
        }
    }
}

fn is_name(token: Token<'_>) -> bool {
    matches!(token.kind, TokenKind::Word | TokenKind::Name)
}

/// Whether two neighbours are neighbours whichever version comments the server skips.
fn together(before: Token<'_>, after: Token<'_>) -> bool {
    before.version == after.version
}
