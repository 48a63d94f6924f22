//! What a SET statement sets. [`assignments`] is the one reader of SETs: those of an input, and session SQL, which is
//! SETs and nothing else.
//!
//! An [`Assignment`] has a [`Target`] and a [`Value`], both as the server would take them, and writes itself as SQL again:
//! what is read from several SETs can be put together as one ([`set_statements`]). A text of several statements is cut by
//! [`crate::Splitter`] first. Whoever takes a SET must look at all three: a target that is not the session's
//! ([`Target::Global`], [`Target::Command`], [`Target::NextTransaction`]), a value that is no plain one ([`Value::Other`],
//! which may call anything), and [`Assignment::only_for`], a version comment around it that some servers skip.

use std::fmt;

use crate::lexer::scanner::SqlMode;
use crate::session::set::Parser;
use crate::session::value::characteristic;

/// One part of a SET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// What is set.
    pub target: Target,
    /// What it is set to. [`Value::Default`] for a [`Target::Command`].
    pub value: Value,
    /// `!80000` or `M!100616`, when it stands in a version comment that a server in use may skip: one above 5.6.
    pub only_for: Option<String>,
}

/// What is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `@name`; in lower case, without quotes.
    User(String),
    /// A variable of the session: `name`, `SESSION name`, `LOCAL name`, `@@name`, `@@session.name`. In lower case;
    /// `transaction_isolation` and `transaction_read_only` also for SET SESSION TRANSACTION and their older names.
    Session(String),
    /// `NAMES value`, which sets three variables, and their collation.
    Names {
        /// `COLLATE value`.
        collation: Option<Value>,
    },
    /// `CHARACTER SET value`: as NAMES, but the connection's collation becomes the database's.
    CharacterSet,
    /// SET TRANSACTION without SESSION, which holds for one transaction; the variable that it would be.
    NextTransaction(String),
    /// GLOBAL, PERSIST, PERSIST_ONLY, a part of a variable (`cache.size`): what changes more than the session.
    Global(String),
    /// PASSWORD, ROLE, DEFAULT ROLE, RESOURCE GROUP, STATEMENT: a statement of its own that begins with SET.
    Command(&'static str),
}

/// What something is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// DEFAULT
    Default,
    /// A number, a word or a string, the string in single quotes and without a quote or a backslash in it.
    Literal(String),
    /// `@name`; in lower case, without quotes.
    User(String),
    /// `@@name`, `@@session.name`; in lower case, named as in [`Target::Session`].
    System(String),
    /// Literals, variables, operators and some built-in functions that do nothing but compute.
    Expression {
        /// As SQL.
        text: String,
        /// The variables in it, each [`Value::User`] or [`Value::System`].
        reads: Vec<Value>,
    },
    /// Anything else, such as a subquery or a call: it may do more than give a value.
    Other(String),
}

/// What a SET statement sets, in its order; `None` for what is no SET, and for one that no server would take.
pub fn assignments(sql: &str, mode: SqlMode) -> Option<Vec<Assignment>> {
    Parser::new(sql, mode).statement()
}

/// SET statements, joined by `; `, for all of these, which are of the session or of users' variables: one for those of
/// every server, then one for each that needs its own.
pub fn set_statements<'a>(assignments: impl IntoIterator<Item = &'a Assignment>) -> String {
    let mut plain = Vec::new();
    let mut statements = Vec::new();
    for one in assignments {
        match &one.only_for {
            // MySQL's own marker is the one that both kinds of server read.
            Some(version) => statements.push(format!("/*{version} SET {one} */")),
            None if one.stands_alone() => statements.push(format!("SET {one}")),
            None => plain.push(one.to_string()),
        }
    }
    if !plain.is_empty() {
        statements.insert(0, format!("SET {}", plain.join(", ")));
    }
    statements.join("; ")
}

impl Assignment {
    /// Whether it can only be the one part of its SET.
    fn stands_alone(&self) -> bool {
        matches!(&self.target, Target::Session(name) if characteristic(name, &self.value).is_some())
    }
}

impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Assignment { target, value, .. } = self;
        match target {
            Target::User(name) => write!(f, "@{}={value}", quoted(name)),
            Target::Session(name) => match characteristic(name, value) {
                // The variables' names differ by server, the statement does not.
                Some(text) => write!(f, "SESSION TRANSACTION {text}"),
                None => write!(f, "{name}={value}"),
            },
            Target::Names { collation: Some(collation) } => write!(f, "NAMES {value} COLLATE {collation}"),
            Target::Names { collation: None } => write!(f, "NAMES {value}"),
            Target::CharacterSet => write!(f, "CHARACTER SET {value}"),
            Target::NextTransaction(name) => write!(f, "TRANSACTION {name}={value}"),
            Target::Global(name) => write!(f, "GLOBAL {name}={value}"),
            Target::Command(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Default => f.write_str("DEFAULT"),
            Value::Literal(text) | Value::Other(text) | Value::Expression { text, .. } => f.write_str(text),
            Value::User(name) => write!(f, "@{}", quoted(name)),
            Value::System(name) => write!(f, "@@{name}"),
        }
    }
}

/// The name of a user's variable, in back quotes where it needs them.
fn quoted(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.');
    if !name.is_empty() && name.bytes().all(plain) {
        return name.to_owned();
    }
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(one: &Assignment) -> &'static str {
        match (&one.target, &one.value) {
            (Target::User(_), _) => "user",
            (Target::Global(_), _) => "global",
            (Target::NextTransaction(_), _) => "next",
            (Target::Command(_), _) => "command",
            (_, Value::Other(_)) => "other",
            (_, Value::Expression { .. }) => "expression",
            (_, Value::User(_)) => "restore",
            _ => "set",
        }
    }

    fn said(sql: &str) -> Option<String> {
        let said = |one: &Assignment| {
            let only = one.only_for.as_ref().map(|only| format!("{only} ")).unwrap_or_default();
            format!("{only}{} {one}", kind(one))
        };
        Some(assignments(sql, SqlMode::default())?.iter().map(said).collect::<Vec<_>>().join("; "))
    }

    /// A SET, and what is read of it.
    const READ: [(&str, &str); 46] = [
        ("/*!40101 SET NAMES utf8mb4 */", "set NAMES utf8mb4"),
        ("SET NAMES 'utf8' COLLATE utf8_bin;", "set NAMES 'utf8' COLLATE utf8_bin"),
        ("SET NAMES DEFAULT", "set NAMES DEFAULT"),
        ("set character set utf8", "set CHARACTER SET utf8"),
        ("SET CHARSET utf8, sql_notes = OFF", "set CHARACTER SET utf8; set sql_notes=OFF"),
        (
            "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='A,B' */;",
            "user @old_sql_mode=@@sql_mode; set sql_mode='A,B'",
        ),
        ("/*!40103 SET TIME_ZONE='+00:00' */", "set time_zone='+00:00'"),
        ("/*!50003 SET sql_mode = @saved_sql_mode */", "restore sql_mode=@saved_sql_mode"),
        ("-- x\nSET @`a b` = @@character_set_client", "user @`a b`=@@character_set_client"),
        ("SET @'q' := 1, @\"r\" = 'x', @S.t = NULL", "user @q=1; user @r='x'; user @s.t=NULL"),
        ("set session sql_log_bin := 0, @@local.x = -1", "set sql_log_bin=0; set x=-1"),
        ("SET @@SESSION.SQL_LOG_BIN= 0", "set sql_log_bin=0"),
        ("SET SQL_MODE = \"\", `unique_checks` = 0", "set sql_mode=''; set unique_checks=0"),
        ("SET @@`sql_mode` = DEFAULT, @@session.`x`=1", "set sql_mode=DEFAULT; set x=1"),
        ("SET GLOBAL x = 1, y = 2", "global GLOBAL x=1; global GLOBAL y=2"),
        ("SET @@global.x = 1, y = 2", "global GLOBAL x=1; set y=2"),
        ("SET PERSIST x = 1", "global GLOBAL x=1"),
        ("SET @@persist_only.x = 1", "global GLOBAL x=1"),
        ("SET c.key_buffer_size = 1", "global GLOBAL c.key_buffer_size=1"),
        ("SET SESSION a = 1, GLOBAL b = 2, LOCAL c = 3", "set a=1; global GLOBAL b=2; set c=3"),
        ("SET x = @@global.x", "other x=@@global.x"),
        ("SET autocommit=0", "set autocommit=0"),
        ("SET a = -1.5", "set a=-1.5"),
        ("SET a = 1024*1024", "expression a=1024 * 1024"),
        (
            "SET sql_mode=CONCAT( @@sql_mode ,',STRICT_TRANS_TABLES')",
            "expression sql_mode=CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')",
        ),
        (
            "/*!40101 SET SQL_MODE=IFNULL(@OLD_SQL_MODE, '') */;",
            "expression sql_mode=IFNULL(@old_sql_mode, '')",
        ),
        ("SET a = (SELECT 1)", "other a=(SELECT 1)"),
        ("SET a = f('x'), b = 1", "other a=f('x'); set b=1"),
        ("SET a = IF (@b IS NULL, 1, @b)", "expression a=IF (@b IS NULL, 1, @b)"),
        ("SET a = q.concat(1)", "other a=q.concat(1)"),
        ("SET a = 'it''s'", "expression a='it''s'"),
        ("SET x = 1 y = 2", "other x=1 y = 2"),
        ("SET @a = @b := 1", "user @a=@b := 1"),
        (
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            "set SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        ),
        (
            "SET LOCAL TRANSACTION READ WRITE, ISOLATION LEVEL SERIALIZABLE",
            "set SESSION TRANSACTION READ WRITE; set SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        ),
        ("SET tx_isolation = 'repeatable-read'", "set SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
        ("SET @@transaction_read_only = ON", "set SESSION TRANSACTION READ ONLY"),
        ("SET TRANSACTION READ ONLY", "next TRANSACTION transaction_read_only=1"),
        ("SET GLOBAL TRANSACTION READ ONLY", "global GLOBAL transaction_read_only=1"),
        ("SET PASSWORD FOR a = 'x'", "command PASSWORD"),
        ("SET DEFAULT ROLE x FOR y", "command DEFAULT ROLE"),
        ("SET ROLE NONE", "command ROLE"),
        ("SET STATEMENT max_statement_time=1 FOR DELETE FROM t", "command STATEMENT"),
        (
            "/*!80000 SET SESSION information_schema_stats_expiry=0 */",
            "!80000 set information_schema_stats_expiry=0",
        ),
        (
            "/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */;",
            "M!100616 user @old_note_verbosity=@@note_verbosity; M!100616 set note_verbosity=0",
        ),
        ("SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'a:1-5';", "global GLOBAL gtid_purged='+' 'a:1-5'"),
    ];

    #[test]
    fn a_set_is_read() {
        for (sql, wanted) in READ {
            assert_eq!(said(sql).as_deref(), Some(wanted), "{sql}");
        }
    }

    #[test]
    fn what_is_read_is_written_so_that_it_is_read_again() {
        for (sql, _) in READ {
            let first = assignments(sql, SqlMode::default()).unwrap_or_default();
            let is_sessions = |one: &&Assignment| {
                matches!(
                    one.target,
                    Target::User(_) | Target::Session(_) | Target::Names { .. } | Target::CharacterSet
                )
            };
            for one in first.iter().filter(is_sessions) {
                let again = assignments(&set_statements([one]), SqlMode::default());
                assert_eq!(again.as_deref(), Some(std::slice::from_ref(one)), "{sql}");
            }
        }
    }

    #[test]
    fn what_is_no_set_is_not_read() {
        for sql in [
            "SET",
            "SET x",
            "SET x =",
            "SET x = 1,",
            "SET NAMES",
            "SET NAMES utf8 utf8",
            "SET x = (1",
            "SET SESSION TRANSACTION",
            "SET SESSION TRANSACTION ISOLATION LEVEL",
            "SET SESSION TRANSACTION READ",
            "SET @ = 1",
            "UPDATE t SET a = 1",
            "SET x = 1; SET y = 2",
            "",
        ] {
            assert_eq!(said(sql), None, "{sql}");
        }
        // Of which servers would read another part each.
        assert_eq!(said("SET /*!80000 x = 1, */ y = 2").as_deref(), Some("other x=1; other y=2"));
        assert_eq!(said("SET x = /*!80000 1 + */ 2").as_deref(), Some("other x=1 + 2"));
    }

    #[test]
    fn several_are_one_statement_where_they_can_be() {
        let of = |sql: &str| assignments(sql, SqlMode::default()).unwrap();
        let all: Vec<Assignment> = [
            "/*!80000 SET a=1 */",
            "SET SESSION TRANSACTION READ WRITE",
            "SET b=2, NAMES utf8mb4",
            "SET c=3",
        ]
        .iter()
        .flat_map(|sql| of(sql))
        .collect();
        assert_eq!(
            set_statements(&all),
            "SET b=2, NAMES utf8mb4, c=3; /*!80000 SET a=1 */; SET SESSION TRANSACTION READ WRITE"
        );
    }
}
