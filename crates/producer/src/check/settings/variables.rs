//! The variables of a session as far as SETs say, each with a value that can be compared without asking a server.

use std::collections::HashMap;

use queryfleet_ledger::{Collations, Defaults};
use queryfleet_sql::{Assignment, Target, Value};

/// The variable that stands for how the text of statements is read.
pub(crate) const CLIENT: &str = "character_set_client";
/// The variable that stands for how strings in statements compare.
pub(crate) const COLLATION: &str = "collation_connection";
/// Variables that say how rows are sent back: a worker throws the rows of a job away.
const ROWS_SENT_BACK: [&str; 1] = ["character_set_results"];

/// What stands for any user's variable: its text is kept as it is.
const OF_A_USER: &str = "@";

/// The name of a user's variable among those of the session.
pub(crate) fn user(name: &str) -> String {
    format!("@{name}")
}

/// What is known of a variable's value. Two that are the same are the same value on the same server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum KnownValue {
    /// What a session begins with.
    Initial(String),
    /// What DEFAULT gives.
    Default(String),
    /// This, in the one form that it is compared in.
    Literal(String),
    /// What an expression computes of these.
    Expression { text: String, reads: Vec<KnownValue> },
    /// Nothing: it is the same as no other.
    Unknown(u64),
}

/// The server that would run the SETs.
#[derive(Debug, Default)]
pub(crate) struct Server {
    /// @@version.
    pub(crate) version: String,
    pub(crate) collations: Collations,
}

/// All variables that SETs have set so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables {
    /// Those of users by [`user`].
    session: HashMap<String, KnownValue>,
    unknown: u64,
}

impl Variables {
    /// The value of a variable of the session.
    pub(crate) fn value_of(&self, name: &str) -> KnownValue {
        self.session.get(name).cloned().unwrap_or_else(|| KnownValue::Initial(name.to_owned()))
    }

    /// Takes the parts of one SET, and returns the names of the variables that it has set, in its order.
    /// What is not of the session, or a value of any kind ([`Value::Other`]), is the caller's to refuse before.
    pub(crate) fn set(&mut self, assignments: &[Assignment], server: &Server) -> Vec<String> {
        // The server computes all values before it sets the first.
        let values: Vec<KnownValue> = assignments.iter().map(|one| self.evaluate_assignment(one)).collect();
        let mut changed = Vec::new();
        for (one, value) in assignments.iter().zip(values) {
            match &one.target {
                Target::User(name) => self.change(&user(name), value, &mut changed),
                Target::Names { collation } => {
                    let collation = match collation {
                        Some(collation) => self.evaluate(collation, COLLATION),
                        None => self.default_collation(&value, &server.collations.names),
                    };
                    self.change(CLIENT, value, &mut changed);
                    self.change(COLLATION, collation, &mut changed);
                }
                Target::CharacterSet => {
                    let collation = self.new_unknown();
                    self.change(CLIENT, value, &mut changed);
                    self.change(COLLATION, collation, &mut changed);
                }
                Target::Session(name) if name == "character_set_connection" => {
                    let collation = self.default_collation(&value, &server.collations.alone);
                    self.change(COLLATION, collation, &mut changed);
                }
                Target::Session(name) if ROWS_SENT_BACK.contains(&name.as_str()) => {}
                Target::Session(name) => self.change(name, value, &mut changed),
                Target::NextTransaction(_) | Target::Global(_) | Target::Command(_) => {}
            }
        }
        changed
    }

    fn change(&mut self, name: &str, value: KnownValue, changed: &mut Vec<String>) {
        self.session.insert(name.to_owned(), value);
        changed.push(name.to_owned());
    }

    fn evaluate_assignment(&mut self, one: &Assignment) -> KnownValue {
        let name = match &one.target {
            Target::Session(name) => name.as_str(),
            Target::Names { .. } | Target::CharacterSet => CLIENT,
            Target::User(_) => OF_A_USER,
            _ => "",
        };
        self.evaluate(&one.value, name)
    }

    /// What a value is when it is given to this variable.
    fn evaluate(&mut self, value: &Value, name: &str) -> KnownValue {
        match value {
            Value::Default => KnownValue::Default(name.to_owned()),
            Value::Literal(text) => KnownValue::Literal(canonical(text, name)),
            Value::User(variable) => match self.session.get(&user(variable)) {
                Some(KnownValue::Literal(text)) => KnownValue::Literal(canonical(text, name)),
                Some(known) => known.clone(),
                None => self.new_unknown(),
            },
            Value::System(system) => self.value_of(system),
            Value::Expression { text, reads } => self.evaluate_expression(text, reads, name),
            Value::Other(_) => self.new_unknown(),
        }
    }

    fn evaluate_expression(&mut self, text: &str, reads: &[Value], name: &str) -> KnownValue {
        let lower = text.to_ascii_lowercase();
        if let Some(kept @ Value::User(variable)) = reads.first()
            && is_kept_or_another(&lower.replace(' ', ""), variable, reads)
            && self.session.get(&user(variable)).is_some_and(|known| !is_null(known))
        {
            return self.evaluate(kept, name);
        }
        let reads = reads.iter().map(|read| self.evaluate(read, "")).collect();
        KnownValue::Expression { text: lower, reads }
    }

    fn default_collation(&mut self, charset: &KnownValue, defaults: &Defaults) -> KnownValue {
        let Defaults { utf8mb4, utf8mb3, utf8 } = defaults;
        match charset {
            KnownValue::Literal(name) => {
                let of = match name.as_str() {
                    "utf8mb4" => utf8mb4,
                    "utf8mb3" => utf8mb3,
                    "utf8" => utf8,
                    _ => return self.new_unknown(),
                };
                KnownValue::Literal(canonical(of, COLLATION))
            }
            // Taken back together with the rest.
            KnownValue::Initial(name) if name == CLIENT || name == "character_set_connection" => {
                KnownValue::Initial(COLLATION.to_owned())
            }
            _ => self.new_unknown(),
        }
    }

    fn new_unknown(&mut self) -> KnownValue {
        self.unknown += 1;
        KnownValue::Unknown(self.unknown)
    }
}

/// Whether an expression is this variable unless it is NULL, as HeidiSQL takes back what it has kept.
fn is_kept_or_another(text: &str, variable: &str, reads: &[Value]) -> bool {
    let starts = |start: &str| text.starts_with(&format!("{start}(@{variable}"));
    let one = reads.len() == 1 && text.matches('(').count() == 1 && (starts("ifnull") || starts("coalesce"));
    let same = reads.iter().all(|read| *read == reads[0]);
    let asked = reads.len() == 2 && same && text.starts_with(&format!("if(@{variable}isnull,"));
    one || asked && text.ends_with(&format!(",@{variable})")) && text.matches(',').count() == 2
}

fn is_null(known: &KnownValue) -> bool {
    match known {
        KnownValue::Literal(text) => text.eq_ignore_ascii_case("null"),
        KnownValue::Unknown(_) | KnownValue::Expression { .. } => true,
        KnownValue::Initial(_) | KnownValue::Default(_) => false,
    }
}

/// A literal without what makes no difference to the variable that it is given to.
fn canonical(text: &str, name: &str) -> String {
    let lower = text.trim_matches('\'').to_ascii_lowercase();
    match (name, lower.as_str()) {
        // The names of one collation: of the old character set, which is a part of the new, and in short.
        (COLLATION, _) => {
            let rest = ["utf8mb4_", "utf8mb3_", "utf8_"].iter().find_map(|prefix| lower.strip_prefix(prefix));
            match rest {
                Some(rest) => format!("utf8mb4_{rest}"),
                None if lower.starts_with("uca1400_") => format!("utf8mb4_{lower}"),
                None => lower,
            }
        }
        (OF_A_USER, _) => text.trim_matches('\'').to_owned(),
        (_, "on" | "true") => "1".into(),
        (_, "off" | "false") => "0".into(),
        _ => lower,
    }
}

impl KnownValue {
    /// Whether text is read as UTF-8 under this value of [`CLIENT`].
    pub(crate) fn is_utf8(&self) -> bool {
        match self {
            KnownValue::Initial(name) => name == CLIENT,
            KnownValue::Literal(name) => matches!(name.as_str(), "utf8" | "utf8mb3" | "utf8mb4"),
            _ => false,
        }
    }

    /// Whether that UTF-8 has no characters of four bytes.
    pub(crate) fn is_narrow(&self) -> bool {
        matches!(self, KnownValue::Literal(name) if matches!(name.as_str(), "utf8" | "utf8mb3"))
    }
}

impl Server {
    /// Whether it executes what stands in a version comment with this marker (`!80000`, `M!100616`).
    pub(crate) fn runs(&self, marker: &str) -> bool {
        let is_mariadb = self.version.contains("MariaDB");
        let own = version_number(&self.version);
        let wanted: u32 = marker.trim_start_matches(['M', '!']).parse().unwrap_or(0);
        if marker.starts_with('M') {
            return is_mariadb && wanted <= own;
        }
        // MariaDB leaves out those that are MySQL's, from 5.7 on.
        wanted <= own && !(is_mariadb && (50_700..=99_999).contains(&wanted))
    }
}

/// 101119 for 10.11.19-MariaDB; the largest when it cannot be read, since what is run is looked at.
fn version_number(version: &str) -> u32 {
    let version = version.strip_prefix("5.5.5-").unwrap_or(version);
    let mut parts = version.split(|char: char| !char.is_ascii_digit()).map(str::parse::<u32>);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch))) => major * 10_000 + minor * 100 + patch,
        _ => u32::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_runs_the_version_comments_that_are_its_own() {
        let server = |version: &str| Server { version: version.into(), ..Server::default() };
        for (version, marker, runs) in [
            ("10.11.19-MariaDB", "!80000", false),
            ("10.11.19-MariaDB", "!50717", false),
            ("10.11.19-MariaDB", "!100100", true),
            ("5.5.5-10.6.16-MariaDB-log", "M!100616", true),
            ("10.6.15-MariaDB", "M!100616", false),
            ("8.0.40", "!80000", true),
            ("8.0.40", "!80100", false),
            ("8.0.40", "M!100100", false),
            ("something", "!80000", true),
        ] {
            assert_eq!(server(version).runs(marker), runs, "{version} {marker}");
        }
    }
}
