//! The SETs of a dump: those that every session of the run has by its session SQL are passed over, the others are told
//! as one thing, with the session SQL that replaces them.

use job::lexer::{self, Assignment, Splitter, SqlMode};

/// Of the client's side, where all is utf8mb4.
const CHARACTER_SET: [&str; 4] =
    ["names", "character_set_client", "character_set_results", "collation_connection"];

/// What every session of a run has by its session SQL: names and values.
pub(crate) struct Settings(Vec<(String, String)>);

impl Settings {
    /// Those that can be read out of these texts, of which each may hold several statements.
    pub(crate) fn new<'a>(session_sql: impl IntoIterator<Item = &'a str>, mode: SqlMode) -> Settings {
        let mut found = Vec::new();
        for text in session_sql {
            let mut splitter = Splitter::new(mode, text.len());
            splitter.feed(text.as_bytes());
            splitter.finish();
            while let Ok(Some(statement)) = splitter.next_statement() {
                for one in lexer::assignments(statement.sql, mode).unwrap_or_default() {
                    if let Assignment::Set { name, value } = one {
                        // A later value replaces an earlier one.
                        found.retain(|(known, _)| *known != name);
                        found.push((name, value));
                    }
                }
            }
        }
        Settings(found)
    }

    /// Whether a session has this without the statement that sets it.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        let bare = value.trim_matches('\'');
        let client_side = CHARACTER_SET.contains(&name);
        // The init step sets utf8mb4 for every session.
        let is_utf8 = bare.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("utf8"));
        let set = |(known, has): &(String, String)| {
            known == name && has.trim_matches('\'').eq_ignore_ascii_case(bare)
        };
        client_side && is_utf8 || self.0.iter().any(set)
    }
}

/// Whether taking this back changes what later statements do.
pub(crate) fn matters(name: &str) -> bool {
    !CHARACTER_SET.contains(&name)
}

/// The session SQL that sets all of these.
pub(crate) fn session_sql<'a>(sets: impl IntoIterator<Item = &'a (String, String)>) -> String {
    let sets: Vec<String> = sets.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("SET {}", sets.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_what_its_sql_sets() {
        let sql = ["SET foreign_key_checks=0", "SET sql_mode='A'; SET SQL_MODE = \"B\", time_zone='+00:00'"];
        let settings = Settings::new(sql, SqlMode::default());
        for (name, value, has) in [
            ("foreign_key_checks", "0", true),
            ("foreign_key_checks", "1", false),
            ("sql_mode", "'A'", false),
            ("sql_mode", "'b'", true),
            ("unique_checks", "0", false),
            ("names", "utf8mb4", true),
            ("character_set_client", "utf8", true),
            ("collation_connection", "utf8mb3_general_ci", true),
            ("names", "latin1", false),
        ] {
            assert_eq!(settings.has(name, value), has, "{name} {value}");
        }
    }
}
