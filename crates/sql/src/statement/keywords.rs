//! What the words of a statement make of it.

use crate::statement::kind::Kind;
use crate::statement::refusal::Refusal;

/// What to do instead of setting a user variable.
const VARIABLE: &str = "use a subquery where the value is needed";

/// What dumps write in a version comment of its own behind `/*!50001 CREATE */`. No statement begins so.
const CREATE_GOES_ON: &[&str] = &[
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

/// What the next word is read for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    /// The first keyword.
    #[default]
    First,
    /// After EXPLAIN: ANALYZE, or what is not executed.
    Explained,
    /// After ANALYZE, which may stand after EXPLAIN: what is executed.
    Analyzed { explained: bool },
    /// After ANALYZE FORMAT.
    Format { explained: bool },
    /// After WITH: what its tables are for.
    Main,
    /// The kind is known, at most later words have a say.
    Later,
}

impl Next {
    /// The kind if nothing more follows.
    fn pending(self) -> Option<Kind> {
        match self {
            Self::First | Self::Later => None,
            Self::Explained => Some(Kind::Other),
            Self::Analyzed { .. } | Self::Format { .. } => Some(Kind::Ddl),
            Self::Main => Some(Kind::With),
        }
    }
}

/// The keywords of one statement, gathered in its order. Those in version comments count only where they make it
/// worse: the server at hand may skip them.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// What is executed by the first keyword met, in a version comment or not.
    kind: Option<Kind>,
    /// Where a keyword stands that names another kind: behind a version comment that has one.
    other_kind: Option<usize>,
    /// What one server executes and another does not, or which no server knows, and where.
    unclear: Option<usize>,
    /// Outside of version comments.
    next: Next,
    in_version: bool,
    /// In this version comment.
    version_next: Next,
    /// Parentheses open since WITH.
    depth: i64,
    /// FOR was the last word.
    after_for: bool,
    /// What that was before this version comment.
    version_depth: i64,
    /// Later words have a say.
    unsettled_kind: bool,
    /// `@name` was met.
    pub(crate) variable: bool,
    /// `:=` was met.
    pub(crate) assigns: bool,
    /// INTO was met outside of INSERT and REPLACE.
    into: bool,
    file: bool,
    infile: bool,
    local: bool,
    /// The word after the first, OR REPLACE passed over, was met.
    past_second: bool,
    temporary: bool,
    data: bool,
}

impl Words {
    /// Whether whatever comes next has a say.
    pub(crate) fn wants_first(&self) -> bool {
        !matches!(self.current(), Next::Later | Next::Main)
    }

    /// Whether parentheses have a say.
    pub(crate) fn wants_main(&self) -> bool {
        self.current() == Next::Main
    }

    /// Whether words after the first matter.
    pub(crate) fn wants_more(&self) -> bool {
        self.unsettled_kind
    }

    pub(crate) fn enter_version(&mut self) {
        self.in_version = true;
        (self.version_next, self.version_depth) = (self.next, self.depth);
    }

    /// Leaves a version comment that ends at `offset`. Skipped, it has opened nothing.
    pub(crate) fn leave_version(&mut self, offset: usize) {
        if self.version_next != self.next
            && let Some(kind) = self.version_next.pending()
        {
            if kind == Kind::Ddl {
                // An ANALYZE that one server skips.
                self.unclear.get_or_insert(offset);
            }
            self.note(kind, offset);
        }
        self.in_version = false;
        if self.next == Next::Main && self.depth != self.version_depth {
            self.unclear.get_or_insert(offset);
        }
        self.depth = self.version_depth;
    }

    pub(crate) fn parenthesis(&mut self, opens: bool) {
        self.depth += if opens { 1 } else { -1 };
    }

    /// Takes a keyword, or what may be one, at `offset`.
    pub(crate) fn word(&mut self, word: &[u8], offset: usize) {
        if self.current() == Next::Later {
            return self.later(word);
        }
        let kind = Kind::of_keyword(word);
        if self.kind.is_none() && self.next == Next::First && !self.in_version && kind.changes_rows() {
            // The most common, at once.
            (self.kind, self.next) = (Some(kind), Next::Later);
            return;
        }
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword.as_bytes());
        if self.kind.is_some() && self.current() == Next::First {
            // The first where the version comment before it is skipped; a later one where it is not.
            self.later(word);
        }
        let goes_on = self.kind == Some(Kind::Ddl) && is_any(word, CREATE_GOES_ON);
        let next = match self.current() {
            Next::First | Next::Analyzed { .. } if kind == Kind::With => self.with(),
            Next::First if goes_on => Next::Later,
            Next::First if kind != Kind::Other => self.note(kind, offset),
            Next::First if is("analyze") => Next::Analyzed { explained: false },
            Next::First if is("explain") || is("describe") || is("desc") => Next::Explained,
            Next::First => self.note(kind, offset),
            Next::Explained if is("analyze") => Next::Analyzed { explained: true },
            Next::Explained => self.note(Kind::Other, offset),
            Next::Analyzed { explained } if is("format") => Next::Format { explained },
            Next::Analyzed { explained } => self.analyzed(word, kind, explained, offset),
            Next::Format { explained } => Next::Analyzed { explained },
            // After a parenthesised query: FOR UPDATE.
            Next::Main if self.depth == 0 && kind.follows_with() && !self.after_for => {
                self.note(if kind.selects() { Kind::With } else { kind }, offset)
            }
            Next::Main | Next::Later => {
                self.after_for = is("for");
                return self.later(word);
            }
        };
        self.go_on(next);
    }

    /// Takes what is neither a word nor a comment.
    pub(crate) fn code(&mut self, byte: u8, offset: usize) {
        let next = match self.current() {
            Next::First | Next::Explained => self.note(Kind::Other, offset),
            Next::Format { .. } if byte == b'=' => return,
            Next::Format { explained } if matches!(byte, b'\'' | b'"') => Next::Analyzed { explained },
            Next::Analyzed { .. } | Next::Format { .. } => {
                self.unclear.get_or_insert(offset);
                self.note(Kind::Other, offset)
            }
            Next::Main | Next::Later => return,
        };
        self.go_on(next);
    }

    fn current(&self) -> Next {
        if self.in_version { self.version_next } else { self.next }
    }

    fn go_on(&mut self, next: Next) {
        *(if self.in_version { &mut self.version_next } else { &mut self.next }) = next;
    }

    fn with(&mut self) -> Next {
        self.depth = 0;
        Next::Main
    }

    /// Takes what stands where ANALYZE has what it executes.
    fn analyzed(&mut self, word: &[u8], kind: Kind, explained: bool, offset: usize) -> Next {
        if !explained && is_any(word, &["table", "tables", "local", "no_write_to_binlog"]) {
            self.past_second = true;
            return self.note(Kind::Ddl, offset);
        }
        if !kind.follows_with() {
            self.unclear.get_or_insert(offset);
        }
        self.note(kind, offset)
    }

    /// Takes the kind that a keyword at `offset` names.
    fn note(&mut self, kind: Kind, offset: usize) -> Next {
        if *self.kind.get_or_insert(kind) != kind {
            self.other_kind.get_or_insert(offset);
        }
        self.unsettled_kind |= !kind.is_settled();
        Next::Later
    }

    /// Takes a word that is not the first.
    fn later(&mut self, word: &[u8]) {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword.as_bytes());
        match word.len() {
            4 => self.into |= is("into"),
            7 | 8 => self.file |= self.into && (is("outfile") || is("dumpfile")),
            _ => {}
        }
        if self.kind.is_some_and(Kind::selects) {
            // Beside any other kind it is refused.
            return;
        }
        self.local |= !self.infile && is("local");
        self.temporary |= !self.past_second && is("temporary");
        if !self.in_version {
            self.infile |= is("infile");
            self.data |= !self.past_second && (is("data") || is("xml"));
            self.past_second |= !(is("or") || is("replace"));
        }
    }

    /// The kind of the statement, which ends at `offset`.
    pub(crate) fn kind(&mut self, offset: usize) -> Result<Kind, Refusal> {
        if let Some(kind) = self.next.pending() {
            self.note(kind, offset);
        }
        let kind = self.kind.ok_or(Refusal::Empty)?;
        if let Some(offset) = self.unclear {
            return Err(Refusal::Ambiguous { what: "what ANALYZE or WITH executes", offset });
        }
        if let Some(offset) = self.other_kind {
            return Err(Refusal::Ambiguous { what: "the keyword with a version comment before it", offset });
        }
        if self.variable && self.assigns {
            return Err(Refusal::SessionState { what: "assigning a user variable", instead: VARIABLE });
        }
        match kind {
            Kind::LoadData if self.local => Err(Refusal::LocalInfile),
            Kind::LoadData if !self.data => Ok(Kind::Other),
            Kind::Ddl if self.temporary => Ok(Kind::Temporary),
            _ if kind.selects() && self.file => Ok(Kind::SelectIntoFile),
            _ if kind.selects() && self.into => {
                Err(Refusal::SessionState { what: "SELECT … INTO a variable", instead: VARIABLE })
            }
            _ => Ok(kind),
        }
    }
}

fn is_any(word: &[u8], keywords: &[&str]) -> bool {
    keywords.iter().any(|keyword| word.eq_ignore_ascii_case(keyword.as_bytes()))
}
