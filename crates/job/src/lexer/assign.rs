//! What a SET statement sets, where that can be said without a parser.

use std::iter::Peekable;

use super::SqlMode;
use super::token::{Token, Tokens, What};

/// One part of a SET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// `@user = @@system`: keeps a value to take it back later.
    Save,
    /// `system = literal`, or `NAMES literal` with the name `names`.
    Set {
        /// The variable in lower case, without `@@` and `SESSION`.
        name: String,
        /// The literal, as it can be written in a SET; strings in single quotes.
        value: String,
    },
    /// `system = @user`: takes a value back.
    Restore {
        /// The variable in lower case, without `@@` and `SESSION`.
        name: String,
    },
}

/// What a SET statement sets, in its order, as dumps do at their head and tail; `None` for everything else: GLOBAL,
/// expressions, user variables with values of their own, autocommit, which is transaction control, other statements.
pub fn assignments(sql: &str, mode: SqlMode) -> Option<Vec<Assignment>> {
    let mut tokens = Tokens::new(sql, mode).filter(|token| !token.is_symbol(";")).peekable();
    tokens.next_if(|token| token.is("set"))?;
    let mut found = vec![assignment(&mut tokens)?];
    while let Some(token) = tokens.next() {
        if !token.is_symbol(",") {
            return None;
        }
        found.push(assignment(&mut tokens)?);
    }
    Some(found)
}

fn assignment<'a>(tokens: &mut Peekable<impl Iterator<Item = Token<'a>>>) -> Option<Assignment> {
    tokens.next_if(|token| token.is_any(&["session", "local"]));
    let target = tokens.next()?;
    if target.is("names") {
        return Some(Assignment::Set { name: "names".into(), value: literal(tokens.next()?, "")? });
    }
    tokens.next_if(|token| token.is_symbol(":"));
    tokens.next_if(|token| token.is_symbol("="))?;
    let value = tokens.next()?;
    let Some(name) = system_variable(target) else {
        let keeps = target.what == What::Variable && !is_system(target) && is_system(value);
        return keeps.then_some(Assignment::Save);
    };
    if value.what == What::Variable && !is_system(value) {
        return Some(Assignment::Restore { name });
    }
    let value = match value.text {
        "-" => literal(tokens.next()?, "-")?,
        _ => literal(value, "")?,
    };
    Some(Assignment::Set { name, value })
}

fn is_system(token: Token<'_>) -> bool {
    token.what == What::Variable && token.text.starts_with("@@")
}

/// The name of a session variable, `@@` or not.
fn system_variable(target: Token<'_>) -> Option<String> {
    let name = match target.what {
        What::Word => target.text,
        What::Variable => target.text.strip_prefix("@@")?,
        _ => return None,
    };
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("session.").or(name.strip_prefix("local.")).unwrap_or(&name);
    (!name.contains('.') && name != "global" && name != "autocommit").then(|| name.to_owned())
}

fn literal(token: Token<'_>, sign: &str) -> Option<String> {
    match token.what {
        What::Word | What::Number => Some(format!("{sign}{}", token.text)),
        What::String => {
            let inner = token.text.get(1..token.text.len() - 1)?;
            // Settings have no quotes in them.
            (!inner.contains(['\'', '"', '\\'])).then(|| format!("'{inner}'"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(sql: &str) -> Option<String> {
        let said = |one: &Assignment| match one {
            Assignment::Save => "save".to_owned(),
            Assignment::Set { name, value } => format!("{name}={value}"),
            Assignment::Restore { name } => format!("restore {name}"),
        };
        Some(assignments(sql, SqlMode::default())?.iter().map(said).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn what_dumps_set_is_read() {
        for (sql, wanted) in [
            ("/*!40101 SET NAMES utf8mb4 */", Some("names=utf8mb4")),
            ("/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='A,B' */;", Some("save sql_mode='A,B'")),
            ("/*!40103 SET TIME_ZONE='+00:00' */", Some("time_zone='+00:00'")),
            ("/*!50003 SET sql_mode = @saved_sql_mode */", Some("restore sql_mode")),
            ("-- x\nSET @saved_cs_client     = @@character_set_client", Some("save")),
            ("set session sql_log_bin := 0, @@local.x = -1", Some("sql_log_bin=0 x=-1")),
            ("SET SQL_MODE = \"\"", Some("sql_mode=''")),
            ("SET @x = 1", None),
            ("SET GLOBAL x = 1", None),
            ("SET @@global.x = 1", None),
            ("SET @@global.x = @@x", None),
            ("SET autocommit=0", None),
            ("SET a = b + 1", None),
            ("SET a = CONCAT('x')", None),
            ("SET NAMES utf8mb4 COLLATE utf8mb4_bin", None),
            ("SET PASSWORD FOR a = 'x'", None),
            ("SET TRANSACTION READ ONLY", None),
            ("SET", None),
            ("UPDATE t SET a = 1", None),
        ] {
            assert_eq!(said(sql).as_deref(), wanted, "{sql}");
        }
    }
}
