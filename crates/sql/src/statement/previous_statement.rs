//! What returns something about the statement before it in the session: LAST_INSERT_ID() and its like. A statement that
//! stands by itself does not know which one that was.

use crate::lexer::scanner::{SqlMode, stands_at};
use crate::lexer::token::{Token, TokenKind, Tokens};
use crate::statement::kind::Kind;
use crate::statement::refusal::{Refusal, SessionState};

/// Built-in functions that do, however their names are quoted, and with space and comments before the
/// parenthesis. `a.row_count()` is a stored function.
const FUNCTIONS: [&str; 4] = [LAST_INSERT_ID, "row_count", "found_rows", "lastval"];
/// With an argument it keeps a value, and returns nothing about an earlier statement.
const LAST_INSERT_ID: &str = "last_insert_id";
/// Variables of the session that do.
const VARIABLES: [&str; 5] = [LAST_INSERT_ID, "identity", "warning_count", "error_count", "last_gtid"];

/// Refuses a statement that depends on the one before. A text without any sign of it costs two searches.
pub(crate) fn refuse(sql: &str, kind: Kind, mode: SqlMode) -> Result<(), Refusal> {
    if kind == Kind::Ddl || kind != Kind::Other && !may_tell(sql.as_bytes()) {
        return Ok(());
    }
    let versions = sql.contains("/*!") || sql.contains("/*M!");
    let mut reader = Reader { tokens: Tokens::new(sql, mode), before: None, previous: false, versions };
    if reader.tells(kind) { Err(Refusal::SessionState(SessionState::PreviousStatement)) } else { Ok(()) }
}

/// Whether one of the names may be there, in code or not.
fn may_tell(text: &[u8]) -> bool {
    memchr::memchr2_iter(b'(', b'@', text).any(|at| match text[at] {
        b'@' => text.get(at + 1) == Some(&b'@'),
        _ => may_be_called(text, at),
    }) || memchr::memchr2_iter(b'v', b'V', text).any(|at| {
        stands_at(text, at, b"value") && !stands_at(text, at + 5, b"s")
            || at >= 4 && stands_at(text, at - 4, b"currval")
    })
}

/// Whether one of the functions may stand before the parenthesis at `at`.
fn may_be_called(text: &[u8], at: usize) -> bool {
    let name = text[..at].trim_ascii_end();
    let ends = |word: &str| {
        let from = name.len().checked_sub(word.len());
        from.is_some_and(|from| name[from..].eq_ignore_ascii_case(word.as_bytes()))
    };
    let is_comment = || text[name.len()..at].contains(&b'\n') && has_line_comment(text);
    matches!(name.last(), Some(b'/' | b'`' | b'"')) || FUNCTIONS.iter().any(|word| ends(word)) || is_comment()
}

fn has_line_comment(text: &[u8]) -> bool {
    memchr::memchr(b'#', text).is_some() || memchr::memmem::find(text, b"--").is_some()
}

struct Reader<'a> {
    tokens: Tokens<'a>,
    before: Option<Token<'a>>,
    /// PREVIOUS was met.
    previous: bool,
    /// There are version comments: what stands in them may be there or not, so that no neighbour is certain.
    versions: bool,
}

impl<'a> Reader<'a> {
    fn tells(&mut self, kind: Kind) -> bool {
        if kind == Kind::Other && self.is_diagnostics() {
            return true;
        }
        while let Some(token) = self.tokens.next() {
            if self.tells_by(token) {
                return true;
            }
            self.previous |= token.is("previous");
            self.before = Some(token);
        }
        false
    }

    /// GET DIAGNOSTICS, SHOW WARNINGS, SHOW COUNT(*) ERRORS.
    fn is_diagnostics(&self) -> bool {
        let mut tokens = self.tokens.clone();
        match tokens.next() {
            Some(first) if first.is("get") => true,
            Some(first) if first.is("show") => {
                tokens.next().is_some_and(|next| next.is_any(&["warnings", "errors", "count"]))
            }
            _ => false,
        }
    }

    fn tells_by(&self, token: Token<'a>) -> bool {
        let after_dot = self.before.is_some_and(|before| before.is_symbol("."));
        let is_table = self.is_after("into");
        match token.kind {
            TokenKind::Variable => token.text.starts_with("@@") && self.is_variable(token),
            TokenKind::Word | TokenKind::Name | TokenKind::String => {
                let name = token.text.trim_matches(['`', '"']);
                let may_be = |after_dot: bool| self.versions || after_dot;
                let value_for =
                    token.is("value") && self.previous && (self.is_after("previous") || self.versions);
                value_for
                    || name.eq_ignore_ascii_case("currval") && may_be(after_dot)
                    || may_be(!after_dot && !is_table) && self.is_call(name)
            }
            _ => false,
        }
    }

    fn is_after(&self, word: &str) -> bool {
        self.before.is_some_and(|before| before.is(word))
    }

    /// Whether a function of the list is called here.
    fn is_call(&self, name: &str) -> bool {
        if !FUNCTIONS.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            return false;
        }
        let mut after = self.tokens.clone();
        if !after.next().is_some_and(|next| next.is_symbol("(")) {
            return false;
        }
        // An argument in a version comment may not be there.
        let keeps = name.eq_ignore_ascii_case(LAST_INSERT_ID) && !self.versions;
        !keeps || after.next().is_none_or(|next| next.is_symbol(")"))
    }

    /// Whether the variable that begins with this token is on the list; its parts may stand apart.
    fn is_variable(&self, token: Token<'a>) -> bool {
        let mut after = self.tokens.clone();
        let mut last = token.text;
        while let Some(next) = after.next().filter(|next| last.ends_with(['@', '.']) || next.is_symbol(".")) {
            last = next.text;
        }
        let name = last.trim_end_matches(['`', '"']);
        let name = name.rsplit(['.', '@', '`', '"']).next().unwrap_or(name);
        VARIABLES.iter().any(|known| name.eq_ignore_ascii_case(known))
    }
}
