//! What every session of a run has, and the session SQL that a file's SETs would need besides.

use queryfleet_sql::{Assignment, Splitter, SqlMode, Target};

use crate::check::settings::variables::{CLIENT, COLLATION, KnownValue, Server, Variables};

/// Set by the init step of every session, whatever the session SQL.
const INIT_STEP: [(&str, &str); 4] = [
    ("autocommit", "1"),
    ("completion_type", "0"),
    ("completion_type", "no_chain"),
    ("transaction_read_only", "0"),
];
/// These change no statement's effect: they say how long to wait for a lock or a client, or what is sent back.
const WITHOUT_EFFECT: [&str; 7] = [
    "character_set_results",
    "wait_timeout",
    "interactive_timeout",
    "net_read_timeout",
    "net_write_timeout",
    "innodb_lock_wait_timeout",
    "lock_wait_timeout",
];

/// What every session of a run has.
#[derive(Default)]
pub(crate) struct RunSettings {
    pub(crate) server: Server,
    variables: Variables,
    /// The run's own session SQL, one element per SET.
    own: Vec<Vec<Assignment>>,
}

impl RunSettings {
    /// The settings of the configuration's session SQL (`all`), and after it the run's own.
    pub(crate) fn new(all: Option<&str>, own: Option<&str>, mode: SqlMode, server: Server) -> RunSettings {
        let mut variables = Variables::default();
        let own = own.map(|text| parse_sets(text, mode)).unwrap_or_default();
        for set in all.map(|text| parse_sets(text, mode)).unwrap_or_default().iter().chain(&own) {
            let executed: Vec<Assignment> = set
                .iter()
                .filter(|one| one.only_for.as_deref().is_none_or(|only| server.runs(only)))
                .cloned()
                .collect();
            variables.set(&executed, &server);
        }
        RunSettings { server, variables, own }
    }

    /// Whether a session has this value of a variable, or one that makes no difference.
    pub(crate) fn has(&self, name: &str, value: &KnownValue) -> bool {
        if WITHOUT_EFFECT.contains(&name) {
            return true;
        }
        let has = match name {
            CLIENT => return value.is_utf8(),
            COLLATION => self.collation(&self.server.collations.session),
            _ => self.variables.value_of(name),
        };
        match value {
            KnownValue::Unknown(_) => false,
            // A user's variable that nobody has set is NULL.
            KnownValue::Literal(text) if name.starts_with('@') && matches!(has, KnownValue::Initial(_)) => {
                text.eq_ignore_ascii_case("null")
            }
            KnownValue::Initial(of) if of == COLLATION => {
                has == self.collation(&self.server.collations.names.utf8mb4)
            }
            KnownValue::Literal(text) if matches!(has, KnownValue::Initial(_)) => {
                INIT_STEP.contains(&(name, text))
            }
            _ => *value == has,
        }
    }

    /// The collation of this name as a state has it.
    fn collation(&self, name: &str) -> KnownValue {
        let target = Target::Session(COLLATION.into());
        let value = queryfleet_sql::Value::Literal(format!("'{name}'"));
        let mut variables = Variables::default();
        variables.set(&[Assignment { target, value, only_for: None }], &self.server);
        variables.value_of(COLLATION)
    }

    /// The run's session SQL with these variables set as well, each by the SETs of its trail; `None` if the run has just
    /// that.
    pub(crate) fn session_sql_with(&self, trails: &[(&str, &[Assignment])]) -> Option<String> {
        let mut rounds: Vec<Vec<&Assignment>> = Vec::new();
        for set in &self.own {
            rounds.push(
                set.iter().filter(|one| !trails.iter().any(|(name, _)| sets_variable(one, name))).collect(),
            );
        }
        for (_, trail) in trails {
            for (at, one) in trail.iter().enumerate() {
                if rounds.len() <= at {
                    rounds.push(Vec::new());
                }
                rounds[at].push(one);
            }
        }
        let before = text_of(self.own.iter().map(|set| set.iter().collect()));
        let after = text_of(rounds.into_iter());
        (after != before).then_some(after)
    }
}

/// SETs as session SQL.
fn text_of<'a>(sets: impl Iterator<Item = Vec<&'a Assignment>>) -> String {
    let texts: Vec<String> =
        sets.map(queryfleet_sql::set_statements).filter(|text| !text.is_empty()).collect();
    texts.join("; ")
}

/// Whether a part of a SET gives this variable a value.
fn sets_variable(one: &Assignment, name: &str) -> bool {
    match &one.target {
        Target::User(set) => name.strip_prefix('@') == Some(set.as_str()),
        Target::Session(set) => set == name || name == COLLATION && set == "character_set_connection",
        Target::Names { .. } | Target::CharacterSet => name == COLLATION || name == CLIENT,
        _ => false,
    }
}

/// The SETs of session SQL.
fn parse_sets(text: &str, mode: SqlMode) -> Vec<Vec<Assignment>> {
    let mut splitter = Splitter::new(mode, text.len());
    splitter.feed(text.as_bytes());
    splitter.finish();
    let mut found = Vec::new();
    while let Ok(Some(statement)) = splitter.next_statement() {
        found.extend(queryfleet_sql::assignments(statement.sql, mode));
    }
    found
}
