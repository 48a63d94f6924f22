//! What a SET statement sets. [`assignments`](crate::assignments) is the one reader of SETs.
//!
//! An [`Assignment`] has a [`Target`] and a [`Value`], both as the server would read them, and can be written as SQL
//! again: what is read from several SETs can be put together as one ([`set_statements`]). A text of several statements
//! is cut by [`crate::Splitter`] first. Whoever accepts a SET must look at all three: a target that is not the
//! session's ([`Target::Global`], [`Target::Command`], [`Target::NextTransaction`]), a value that is no plain one
//! ([`Value::Other`], which may call anything), and [`Assignment::only_for`], a version comment around it that some
//! servers skip.

use std::fmt;

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

/// Levels of isolation, as they are written in SET TRANSACTION.
pub(crate) const LEVELS: [&str; 4] =
    ["READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"];

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

/// How SET TRANSACTION would say it; `None` for other variables and values.
pub(crate) fn characteristic(name: &str, value: &Value) -> Option<String> {
    let Value::Literal(text) = value else { return None };
    let text = text.trim_matches('\'').replace('-', " ").to_ascii_uppercase();
    match name {
        "transaction_isolation" => LEVELS.contains(&text.as_str()).then(|| format!("ISOLATION LEVEL {text}")),
        "transaction_read_only" => match text.as_str() {
            "1" | "ON" | "TRUE" => Some("READ ONLY".into()),
            "0" | "OFF" | "FALSE" => Some("READ WRITE".into()),
            _ => None,
        },
        _ => None,
    }
}

/// The value that SET TRANSACTION would have given it.
pub(crate) fn plain_characteristic(name: &str, value: Value) -> Value {
    match characteristic(name, &value).as_deref() {
        Some("READ ONLY") => Value::Literal("1".into()),
        Some("READ WRITE") => Value::Literal("0".into()),
        Some(level) => {
            let level = level.trim_start_matches("ISOLATION LEVEL ");
            Value::Literal(format!("'{}'", level.replace(' ', "-")))
        }
        None => value,
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
