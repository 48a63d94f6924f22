//! What a statement is, by its first keyword.

use std::fmt;
use std::str::FromStr;

use crate::statement::refusal::SessionState;

/// What a statement is, by what it executes: ANALYZE UPDATE is an UPDATE. The words of [`Kind::as_str`] are what the policy (`ALLOW=update,delete`) is written in.
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
    /// LOAD DATA or LOAD XML, from a file of the server's
    LoadData,
    /// CALL
    Call,
    /// CREATE, ALTER, DROP, TRUNCATE, RENAME, ANALYZE TABLE, OPTIMIZE, REPAIR, GRANT, REVOKE: what commits by itself
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
    /// All else: SHOW, EXPLAIN, KILL, a compound statement, what the server will not know
    Other,
}

/// Each kind's word.
const WORDS: [(Kind, &str); 21] = [
    (Kind::Insert, "insert"),
    (Kind::Replace, "replace"),
    (Kind::Update, "update"),
    (Kind::Delete, "delete"),
    (Kind::Select, "select"),
    (Kind::SelectIntoFile, "outfile"),
    (Kind::With, "with"),
    (Kind::Do, "do"),
    (Kind::Values, "values"),
    (Kind::Table, "table"),
    (Kind::LoadData, "load"),
    (Kind::Call, "call"),
    (Kind::Ddl, "ddl"),
    (Kind::Temporary, "temporary"),
    (Kind::Set, "set"),
    (Kind::Use, "use"),
    (Kind::Transaction, "transaction"),
    (Kind::Lock, "lock"),
    (Kind::Prepare, "prepare"),
    (Kind::Handler, "handler"),
    (Kind::Other, "other"),
];

/// The longest keyword that opens a statement of a known kind.
const LONGEST: usize = 10;

impl Kind {
    /// The kind's lower-case word; [`Kind::from_str`] reads it back.
    pub fn as_str(self) -> &'static str {
        WORDS.iter().find(|(kind, _)| *kind == self).map_or("other", |(_, word)| word)
    }

    /// Whether one transaction can hold the statement together with its ledger row. An allow-list: what is not
    /// known to be safe is not atomic.
    pub fn is_atomic(self) -> bool {
        match self {
            Self::Insert | Self::Replace | Self::Update | Self::Delete | Self::Select => true,
            Self::With | Self::Do | Self::Values | Self::Table | Self::LoadData => true,
            Self::SelectIntoFile | Self::Call | Self::Ddl | Self::Other => false,
            Self::Temporary | Self::Set | Self::Use | Self::Transaction => false,
            Self::Lock | Self::Prepare | Self::Handler => false,
        }
    }

    /// Whether the statement only makes sense together with others of the same session, so that it has no place in
    /// a fleet, where each job may run in another.
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
        let mut lower = [0; LONGEST];
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
#[error(
    "'{0}' is no kind of statement; the kinds are insert, replace, update, delete, select, outfile, with, do, \
         values, table, load, call, ddl, temporary, set, use, transaction, lock, prepare, handler, other"
)]
pub struct UnknownKind(String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(word: &str) -> Result<Self, UnknownKind> {
        let found = WORDS.iter().find(|(_, known)| word.eq_ignore_ascii_case(known));
        found.map(|(kind, _)| *kind).ok_or_else(|| UnknownKind(word.to_owned()))
    }
}
