//! Session SQL is SETs of harmless variables, and nothing else.
//!
//! Anything else could begin a transaction, hide a table, or hold for the one statement that follows. What is executed is
//! not the text but what was read of it.

use std::fmt;

use queryfleet_sql::{self, Assignment, Splitter, SqlMode, Target, Value};

/// How much of a refused statement an error shows.
const SHOWN_CHARS: usize = 100;

/// Why a session SQL is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    statement: String,
    why: String,
}

impl Fault {
    /// The fault of a run's session SQL after which the session is not as every session has to be.
    pub(crate) fn of_run(text: &str, unlike: &dyn fmt::Display) -> Fault {
        Fault { statement: text.to_owned(), why: format!("is not kept: {unlike}") }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.statement.chars().take(SHOWN_CHARS).flat_map(char::escape_debug).collect();
        let more = if self.statement.chars().nth(SHOWN_CHARS).is_some() { "…" } else { "" };
        write!(
            f,
            "session SQL takes SETs of session variables and nothing else: `{shown}{more}` {}",
            self.why
        )
    }
}

/// The statements of a session SQL, one by one, as they are executed.
pub(crate) fn statements(text: Option<&str>) -> Result<Vec<String>, Fault> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let mut splitter = Splitter::new(SqlMode::default(), text.len());
    splitter.feed(text.as_bytes());
    splitter.finish();
    let mut found = Vec::new();
    let whole = |why: String| Fault { statement: text.to_owned(), why };
    while let Some(statement) =
        splitter.next_statement().map_err(|error| whole(format!("is cut off: {error}")))?
    {
        let fault = |why: String| Fault { statement: statement.sql.to_owned(), why };
        let Some(set) = queryfleet_sql::assignments(statement.sql, SqlMode::default()) else {
            return Err(fault("is no SET that can be read".into()));
        };
        set.iter().try_for_each(refuse).map_err(fault)?;
        found.push(queryfleet_sql::set_statements(&set));
    }
    Ok(found)
}

/// Refuses what does more than set a harmless variable of its session.
fn refuse(one: &Assignment) -> Result<(), String> {
    let transaction = "holds for one transaction: write SET SESSION TRANSACTION";
    match &one.target {
        Target::Global(name) => Err(format!("sets {name} of the whole server: do that with the client")),
        Target::NextTransaction(_) => Err(transaction.into()),
        Target::Command(what) => Err(format!("is SET {what}, a statement of its own")),
        Target::Session(name) if !queryfleet_sql::is_harmless_variable(name) => Err(format!(
            "sets {name}, which is not known to leave jobs what they are: leave it out, or set it for the whole server"
        )),
        Target::User(_) | Target::Session(_) | Target::Names { .. } | Target::CharacterSet => {
            match &one.value {
                Value::Other(text) => {
                    Err(format!("has the value `{text}`, which may do more than give one: write it out"))
                }
                _ => Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_taken_as_they_are_read() {
        for (text, wanted) in [
            ("SET foreign_key_checks = 0", vec!["SET foreign_key_checks=0"]),
            (
                "set SQL_MODE = \"ANSI\", @@session.time_zone := '+00:00';",
                vec!["SET sql_mode='ANSI', time_zone='+00:00'"],
            ),
            (
                "SET @x = 1; SET NAMES utf8mb4 COLLATE utf8mb4_bin",
                vec!["SET @x=1", "SET NAMES utf8mb4 COLLATE utf8mb4_bin"],
            ),
            (
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
                vec!["SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"],
            ),
            ("  ", vec![]),
        ] {
            let taken = statements(Some(text)).unwrap_or_else(|fault| panic!("{fault}"));
            assert_eq!(taken, wanted, "{text}");
        }
        assert_eq!(statements(None), Ok(vec![]));
    }

    #[test]
    fn nothing_else_is_taken() {
        for text in [
            "START TRANSACTION",
            "BEGIN",
            "DELETE FROM victim",
            "SET foreign_key_checks = 0; DELETE FROM victim",
            "SET foreign_key_checks = 0;\nSTART TRANSACTION",
            "SET @a = (SELECT 1)",
            "SET @a = f()",
            "SET @a = q.concat(1), foreign_key_checks = 0",
            "SET GLOBAL sql_mode = ''",
            "SET @@global.sql_mode = ''",
            "SET PERSIST sql_mode = ''",
            "SET TRANSACTION READ ONLY",
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "SET SESSION TRANSACTION READ ONLY",
            "SET SESSION transaction_read_only = 1",
            "SET tx_read_only = 1",
            "SET PASSWORD = 'x'",
            "SET ROLE r",
            "SET DEFAULT ROLE r TO u",
            "SET STATEMENT max_statement_time = 1 FOR SELECT 1",
            "SET insert_id = 7",
            "SET timestamp = 1",
            "SET sql_log_bin = 0",
            "SET innodb_lock_wait_timeout = 1",
            "SET sql_auto_is_null = 1",
            "SET max_error_count = 0",
            // 2 ends the session with the next COMMIT.
            "SET completion_type = 2",
            "/*!50000 START TRANSACTION */",
            "/*!50000 SET */ foreign_key_checks = 0; COMMIT",
            "DELIMITER //\nSET @a = 1 // START TRANSACTION //",
            "SET @a = 1 START TRANSACTION",
            "SET @a = '",
            "USE other",
            "CALL p()",
        ] {
            assert!(statements(Some(text)).is_err(), "{text}: {:?}", statements(Some(text)));
        }
    }
}
