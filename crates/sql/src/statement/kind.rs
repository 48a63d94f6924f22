//! Kinds of statements.

use std::fmt;
use std::str::FromStr;

use crate::statement::refusal::SessionState;

/// What a statement is, by what it executes: ANALYZE UPDATE is an UPDATE. Each kind has a word, [`Kind::as_str`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// INSERT
    Insert,
    /// REPLACE
    Replace,
    /// UPDATE
    Update,
    /// DELETE
    Delete,
    /// SELECT, a parenthesised one included
    Select,
    /// SELECT, WITH, VALUES or TABLE … INTO OUTFILE or DUMPFILE: it writes a file, which no rollback removes
    SelectIntoFile,
    /// WITH before a query; before an UPDATE or DELETE it is theirs
    With,
    /// DO
    Do,
    /// VALUES
    Values,
    /// TABLE
    Table,
    /// LOAD DATA or LOAD XML, from a file of the server
    LoadData,
    /// CALL
    Call,
    /// CREATE, ALTER, DROP, TRUNCATE, RENAME, ANALYZE TABLE, OPTIMIZE, REPAIR, GRANT, REVOKE: they commit implicitly
    Ddl,
    /// CREATE or DROP TEMPORARY …
    Temporary,
    /// SET
    Set,
    /// USE
    Use,
    /// BEGIN, START TRANSACTION, COMMIT, ROLLBACK, SAVEPOINT, RELEASE, XA
    Transaction,
    /// LOCK, UNLOCK, FLUSH, BACKUP
    Lock,
    /// PREPARE, EXECUTE, DEALLOCATE
    Prepare,
    /// HANDLER
    Handler,
    /// All else: SHOW, EXPLAIN, KILL, compound statements, what no server knows
    Other,
}

/// The length in bytes of the longest keyword that opens a statement of a known kind.
const LONGEST_KEYWORD: usize = 10;

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 21] = [
        Kind::Insert,
        Kind::Replace,
        Kind::Update,
        Kind::Delete,
        Kind::Select,
        Kind::SelectIntoFile,
        Kind::With,
        Kind::Do,
        Kind::Values,
        Kind::Table,
        Kind::LoadData,
        Kind::Call,
        Kind::Ddl,
        Kind::Temporary,
        Kind::Set,
        Kind::Use,
        Kind::Transaction,
        Kind::Lock,
        Kind::Prepare,
        Kind::Handler,
        Kind::Other,
    ];

    /// The word for the kind, in lower case; [`Kind::from_str`] reads it back.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Replace => "replace",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Select => "select",
            Self::SelectIntoFile => "outfile",
            Self::With => "with",
            Self::Do => "do",
            Self::Values => "values",
            Self::Table => "table",
            Self::LoadData => "load",
            Self::Call => "call",
            Self::Ddl => "ddl",
            Self::Temporary => "temporary",
            Self::Set => "set",
            Self::Use => "use",
            Self::Transaction => "transaction",
            Self::Lock => "lock",
            Self::Prepare => "prepare",
            Self::Handler => "handler",
            Self::Other => "other",
        }
    }

    /// Whether one transaction can hold the statement together with others. An allow-list: what is not known to be safe
    /// is not atomic.
    pub fn is_atomic(self) -> bool {
        match self {
            Self::Insert | Self::Replace | Self::Update | Self::Delete | Self::Select => true,
            Self::With | Self::Do | Self::Values | Self::Table | Self::LoadData => true,
            Self::SelectIntoFile | Self::Call | Self::Ddl | Self::Other => false,
            Self::Temporary | Self::Set | Self::Use | Self::Transaction => false,
            Self::Lock | Self::Prepare | Self::Handler => false,
        }
    }

    /// Whether the statement only makes sense together with others of the same session, so that it cannot stand by
    /// itself.
    pub fn is_session_state(self) -> bool {
        self.session_state().is_some()
    }

    /// What of its session's state a statement of this kind changes.
    pub(crate) fn session_state(self) -> Option<SessionState> {
        match self {
            Self::Temporary => Some(SessionState::TemporaryTable),
            Self::Set => Some(SessionState::Set),
            Self::Use => Some(SessionState::Use),
            Self::Transaction => Some(SessionState::Transaction),
            Self::Lock => Some(SessionState::Lock),
            Self::Prepare => Some(SessionState::Prepared),
            Self::Handler => Some(SessionState::Handler),
            Self::Insert | Self::Replace | Self::Update | Self::Delete | Self::Select => None,
            Self::With | Self::Do | Self::Values | Self::Table | Self::LoadData => None,
            Self::SelectIntoFile | Self::Call | Self::Ddl | Self::Other => None,
        }
    }

    /// Whether the statement returns rows, and may thus carry an INTO of its own.
    pub(crate) fn selects(self) -> bool {
        matches!(self, Self::Select | Self::With | Self::Values | Self::Table)
    }

    /// Whether it can stand after WITH or ANALYZE, which then execute it.
    pub(crate) fn follows_with(self) -> bool {
        self.changes_rows() || matches!(self, Self::Select | Self::Values | Self::Table)
    }

    pub(crate) fn changes_rows(self) -> bool {
        matches!(self, Self::Insert | Self::Replace | Self::Update | Self::Delete)
    }

    /// Whether the first keyword settles the kind. If not, later words (INTO, LOCAL, TEMPORARY) have a say.
    pub(crate) fn is_settled(self) -> bool {
        !(self.selects() || matches!(self, Self::LoadData | Self::Ddl))
    }

    /// The kind that a first keyword of any case names.
    pub(crate) fn of_keyword(word: &[u8]) -> Self {
        let mut lower = [0; LONGEST_KEYWORD];
        let Some(lower) = lower.get_mut(..word.len()) else { return Self::Other };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        match &*lower {
            b"update" => Self::Update,
            b"insert" => Self::Insert,
            b"delete" => Self::Delete,
            b"replace" => Self::Replace,
            b"select" => Self::Select,
            b"with" => Self::With,
            b"do" => Self::Do,
            b"values" => Self::Values,
            b"table" => Self::Table,
            b"load" => Self::LoadData,
            b"call" => Self::Call,
            b"create" | b"alter" | b"drop" | b"truncate" | b"rename" => Self::Ddl,
            b"optimize" | b"repair" | b"grant" | b"revoke" => Self::Ddl,
            b"set" => Self::Set,
            b"use" => Self::Use,
            b"begin" | b"start" | b"commit" | b"rollback" => Self::Transaction,
            b"savepoint" | b"release" | b"xa" => Self::Transaction,
            b"lock" | b"unlock" | b"flush" | b"backup" => Self::Lock,
            b"prepare" | b"execute" | b"deallocate" => Self::Prepare,
            b"handler" => Self::Handler,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no kind of statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnknownKind(String);

/// Written word by word: `join` of the array costs LLVM minutes, since it proves for each of the added lengths that it does not
/// overflow.
impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is no kind of statement; the kinds are ", self.0)?;
        for (index, kind) in Kind::ALL.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(kind.as_str())?;
        }
        Ok(())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(word: &str) -> Result<Self, UnknownKind> {
        let found = Kind::ALL.into_iter().find(|kind| word.eq_ignore_ascii_case(kind.as_str()));
        found.ok_or_else(|| UnknownKind(word.to_owned()))
    }
}
