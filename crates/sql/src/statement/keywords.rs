//! The kind of a statement, from its keywords in their order.

use crate::lexer::scanner::is_one_of;
use crate::statement::kind::Kind;
use crate::statement::refusal::{Refusal, SessionState};

/// What dumps write in a version comment of its own behind `/*!50001 CREATE */`. No statement begins so.
const CONTINUES_CREATE: &[&str] = &[
    "definer",
    "sql",
    "algorithm",
    "view",
    "trigger",
    "procedure",
    "function",
    "event",
    "aggregate",
    "package",
    "temporary",
];

/// How far the keywords have been read.
///
/// | text so far | state | what the statement is if it ends here |
/// | --- | --- | --- |
/// | | `BeforeFirst` | empty |
/// | `UPDATE` | `Settled` | UPDATE |
/// | `SELECT` | `Settled` | SELECT; INTO OUTFILE may follow |
/// | `EXPLAIN` | `Explained` | of another kind: nothing is executed |
/// | `ANALYZE`, `EXPLAIN ANALYZE` | `Analyzed` | DDL |
/// | `ANALYZE FORMAT` | `Format` | DDL |
/// | `ANALYZE FORMAT=JSON` | `Analyzed` | DDL |
/// | `ANALYZE FORMAT=JSON UPDATE` | `Settled` | UPDATE |
/// | `WITH a AS (SELECT 1)` | `AfterWith` | WITH |
/// | `WITH a AS (SELECT 1) DELETE` | `Settled` | DELETE |
/// | `WITH a AS (SELECT 1) (SELECT 2) FOR UPDATE` | `AfterWith` | WITH |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first keyword.
    #[default]
    BeforeFirst,
    /// After EXPLAIN: ANALYZE follows, or what is not executed.
    Explained,
    /// After ANALYZE, which may stand after EXPLAIN: what is executed follows.
    Analyzed { explained: bool },
    /// After ANALYZE FORMAT.
    Format { explained: bool },
    /// After WITH: what its tables are for follows.
    AfterWith {
        /// Parentheses that are open since WITH.
        depth: i64,
        /// FOR was the last word.
        after_for: bool,
    },
    /// The kind is known; at most later words refine it.
    Settled,
}

impl State {
    /// The kind if nothing more follows.
    fn pending(self) -> Option<Kind> {
        match self {
            Self::BeforeFirst | Self::Settled => None,
            Self::Explained => Some(Kind::Other),
            Self::Analyzed { .. } | Self::Format { .. } => Some(Kind::Ddl),
            Self::AfterWith { .. } => Some(Kind::With),
        }
    }

    /// Parentheses that are open since WITH. What is executed stands in none.
    fn depth(self) -> i64 {
        match self {
            Self::AfterWith { depth, .. } => depth,
            _ => 0,
        }
    }
}

/// Words after the first that refine the kind.
#[derive(Debug, Default)]
struct Later {
    /// A kind was met that later words can refine.
    matters: bool,
    /// INTO was met outside of INSERT and REPLACE.
    into: bool,
    /// OUTFILE or DUMPFILE was met after INTO.
    file: bool,
    infile: bool,
    /// LOCAL was met before INFILE.
    local: bool,
    /// The word after the first was met, OR REPLACE passed over.
    past_second: bool,
    temporary: bool,
    data: bool,
}

/// The keywords of one statement, taken in their order.
///
/// What a version comment holds may be executed or skipped by the server at hand. So it is read in a state of its own,
/// and counts only where it makes the statement worse: a kind in it that differs from the one outside refuses the
/// statement.
///
/// | text | verdict |
/// | --- | --- |
/// | `/*!50000 UPDATE */ t SET a = 1` | UPDATE |
/// | `/*!50000 SELECT */ DELETE FROM t` | refused: two keywords name two kinds |
/// | `/*!50001 CREATE */ /*!50013 DEFINER=a */` | DDL, as dumps write it |
/// | `WITH a AS (SELECT 1) /*!50000 ( */ UPDATE t` | refused: it opens a parenthesis for some servers only |
#[derive(Debug, Default)]
pub(crate) struct Keywords {
    /// Outside of version comments.
    state: State,
    /// Inside of the version comment that is being read, for a server that executes it.
    in_version: Option<State>,
    /// What is executed by the first keyword met, in a version comment or not.
    kind: Option<Kind>,
    /// Where a keyword stands that names another kind: behind a version comment that has one.
    other_kind: Option<usize>,
    /// Where something stands that one server executes and another does not, or that no server knows.
    unclear: Option<usize>,
    later: Later,
}

impl Keywords {
    /// Whether whatever comes next has a say.
    pub(crate) fn await_any(&self) -> bool {
        !matches!(self.current(), State::Settled | State::AfterWith { .. })
    }

    /// Whether parentheses have a say.
    pub(crate) fn await_parentheses(&self) -> bool {
        matches!(self.current(), State::AfterWith { .. })
    }

    /// Whether later words have a say.
    pub(crate) fn await_later(&self) -> bool {
        self.later.matters
    }

    pub(crate) fn enter_version(&mut self) {
        self.in_version = Some(self.state);
    }

    /// Leaves a version comment that ends at `offset`. A server that skips it has not opened what it opens.
    pub(crate) fn leave_version(&mut self, offset: usize) {
        let Some(inside) = self.in_version.take() else { return };
        let is_same = std::mem::discriminant(&inside) == std::mem::discriminant(&self.state);
        if !is_same && let Some(kind) = inside.pending() {
            if kind == Kind::Ddl {
                // An ANALYZE that one server skips.
                self.unclear.get_or_insert(offset);
            }
            self.note(kind, offset);
        }
        if let State::AfterWith { depth, after_for } = &mut self.state {
            if inside.depth() != *depth {
                self.unclear.get_or_insert(offset);
            }
            if let State::AfterWith { after_for: inside, .. } = inside {
                *after_for = inside;
            }
        }
    }

    pub(crate) fn parenthesis(&mut self, opens: bool) {
        if let State::AfterWith { depth, .. } = self.current_mut() {
            *depth += if opens { 1 } else { -1 };
        }
    }

    /// Takes a keyword, or what may be one, at `offset`.
    pub(crate) fn word(&mut self, word: &[u8], offset: usize) {
        if *self.current() == State::Settled {
            return self.later(word);
        }
        let kind = Kind::of_keyword(word);
        let is_first = self.kind.is_none() && self.state == State::BeforeFirst && self.in_version.is_none();
        if is_first && kind.changes_rows() {
            // The most common, at once.
            self.kind = Some(kind);
            self.state = State::Settled;
            return;
        }
        if self.kind.is_some() && *self.current() == State::BeforeFirst {
            // The first where the version comment before it is skipped; a later one where it is not.
            self.later(word);
        }
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword.as_bytes());
        let continues_create = self.kind == Some(Kind::Ddl) && is_one_of(word, CONTINUES_CREATE);
        let next = match *self.current() {
            State::BeforeFirst | State::Analyzed { .. } if kind == Kind::With => {
                State::AfterWith { depth: 0, after_for: false }
            }
            State::BeforeFirst if continues_create => State::Settled,
            State::BeforeFirst if kind != Kind::Other => self.note(kind, offset),
            State::BeforeFirst if is("analyze") => State::Analyzed { explained: false },
            State::BeforeFirst if is("explain") || is("describe") || is("desc") => State::Explained,
            State::BeforeFirst => self.note(kind, offset),
            State::Explained if is("analyze") => State::Analyzed { explained: true },
            State::Explained => self.note(Kind::Other, offset),
            State::Analyzed { explained } if is("format") => State::Format { explained },
            State::Analyzed { explained } => self.analyzed(word, kind, explained, offset),
            State::Format { explained } => State::Analyzed { explained },
            // After a parenthesised query: FOR UPDATE.
            State::AfterWith { depth: 0, after_for: false } if kind.follows_with() => {
                self.note(if kind.selects() { Kind::With } else { kind }, offset)
            }
            State::AfterWith { depth, .. } => {
                self.later(word);
                State::AfterWith { depth, after_for: is("for") }
            }
            State::Settled => return self.later(word),
        };
        *self.current_mut() = next;
    }

    /// Takes what is neither a word nor a comment.
    pub(crate) fn code(&mut self, byte: u8, offset: usize) {
        let next = match *self.current() {
            State::BeforeFirst | State::Explained => self.note(Kind::Other, offset),
            State::Format { .. } if byte == b'=' => return,
            State::Format { explained } if matches!(byte, b'\'' | b'"') => State::Analyzed { explained },
            State::Analyzed { .. } | State::Format { .. } => {
                self.unclear.get_or_insert(offset);
                self.note(Kind::Other, offset)
            }
            State::AfterWith { .. } | State::Settled => return,
        };
        *self.current_mut() = next;
    }

    fn current(&self) -> &State {
        self.in_version.as_ref().unwrap_or(&self.state)
    }

    fn current_mut(&mut self) -> &mut State {
        self.in_version.as_mut().unwrap_or(&mut self.state)
    }

    /// Takes what stands where ANALYZE has what it executes.
    fn analyzed(&mut self, word: &[u8], kind: Kind, explained: bool, offset: usize) -> State {
        if !explained && is_one_of(word, &["table", "tables", "local", "no_write_to_binlog"]) {
            self.later.past_second = true;
            return self.note(Kind::Ddl, offset);
        }
        if !kind.follows_with() {
            self.unclear.get_or_insert(offset);
        }
        self.note(kind, offset)
    }

    /// Takes the kind that a keyword at `offset` names.
    fn note(&mut self, kind: Kind, offset: usize) -> State {
        if *self.kind.get_or_insert(kind) != kind {
            self.other_kind.get_or_insert(offset);
        }
        self.later.matters |= !kind.is_settled();
        State::Settled
    }

    /// Takes a word that is not the first.
    fn later(&mut self, word: &[u8]) {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword.as_bytes());
        let later = &mut self.later;
        match word.len() {
            4 => later.into |= is("into"),
            7 | 8 => later.file |= later.into && (is("outfile") || is("dumpfile")),
            _ => {}
        }
        if self.kind.is_some_and(Kind::selects) {
            // Beside any other kind it is refused.
            return;
        }
        later.local |= !later.infile && is("local");
        later.temporary |= !later.past_second && is("temporary");
        if self.in_version.is_none() {
            later.infile |= is("infile");
            later.data |= !later.past_second && (is("data") || is("xml"));
            later.past_second |= !(is("or") || is("replace"));
        }
    }

    /// The kind of a statement that ends at `offset`, by its keyword alone.
    ///
    /// # Errors
    /// [`Refusal::Empty`] without a keyword, [`Refusal::Ambiguous`] if servers disagree on what is executed.
    pub(crate) fn executed(&mut self, offset: usize) -> Result<Kind, Refusal> {
        if let Some(kind) = self.state.pending() {
            self.note(kind, offset);
        }
        let kind = self.kind.ok_or(Refusal::Empty)?;
        if let Some(offset) = self.unclear {
            return Err(Refusal::Ambiguous { what: "what ANALYZE or WITH executes", offset });
        }
        if let Some(offset) = self.other_kind {
            return Err(Refusal::Ambiguous { what: "the keyword with a version comment before it", offset });
        }
        Ok(kind)
    }

    /// The kind that later words make of it.
    ///
    /// # Errors
    /// [`Refusal::LocalInfile`], and [`Refusal::SessionState`] of a SELECT into a variable.
    pub(crate) fn refine(&self, kind: Kind) -> Result<Kind, Refusal> {
        let later = &self.later;
        match kind {
            Kind::LoadData if later.local => Err(Refusal::LocalInfile),
            Kind::LoadData if !later.data => Ok(Kind::Other),
            Kind::Ddl if later.temporary => Ok(Kind::Temporary),
            _ if kind.selects() && later.file => Ok(Kind::SelectIntoFile),
            _ if kind.selects() && later.into => {
                Err(Refusal::SessionState(SessionState::SelectsIntoVariable))
            }
            _ => Ok(kind),
        }
    }
}
