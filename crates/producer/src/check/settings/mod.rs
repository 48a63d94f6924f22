//! The SETs of one input. They are passed over where every session of the run has the same; where a statement follows that
//! would find another value, the error says what to do.

pub(crate) mod run_settings;
pub(crate) mod unsupported;
pub(crate) mod variables;

use std::collections::HashSet;

use queryfleet_sql::{Assignment, Position, Target, Value};

use crate::check::settings::run_settings::RunSettings;
use crate::check::settings::variables::{CLIENT, COLLATION, KnownValue, Variables, user};
use crate::problem::{PlacedProblem, Problem};

/// What the SETs of an input have set so far.
#[derive(Default)]
pub(crate) struct SetTracker {
    values: Variables,
    /// In the order in which they were set first.
    variables: Vec<SetVariable>,
    /// Whether there was a statement.
    has_statements: bool,
    /// Whether there was a statement since the last SET, and it found all values as they have to be.
    is_settled: bool,
    /// Whether text is UTF-8 without characters of four bytes.
    is_narrow: bool,
    /// Whether the next statement is written so that SET NAMES binary makes no difference to it.
    as_bytes: bool,
    /// Users' variables whose values other SETs have read.
    read: HashSet<String>,
    /// Variables that an error has named; once is enough.
    reported: HashSet<String>,
}

/// A variable that the input sets.
struct SetVariable {
    name: String,
    /// The SETs that its value comes from.
    trail: Vec<Assignment>,
    place: Position,
    /// The line on which the last SET of it ends.
    last_line: u64,
    /// Whether statements came before the first SET of it.
    is_late: bool,
    /// Whether statements came between two SETs of it.
    is_changed: bool,
    /// Whether a statement came after the last SET of it.
    is_used: bool,
}

/// Whether a value can be every session's.
enum Verdict {
    /// Session SQL can set it.
    SessionSql,
    /// No session of the run may have it.
    Never(String),
    /// The statement that follows would need another session than those before it.
    OutOfOrder(String),
}

impl SetTracker {
    /// Takes one SET, which ends on this line.
    ///
    /// # Errors
    /// Returns a problem if it does more than set variables of its session.
    pub(crate) fn take(
        &mut self,
        assignments: Vec<Assignment>,
        settings: &RunSettings,
        place: Position,
        last_line: u64,
    ) -> Result<(), PlacedProblem> {
        let assignments: Vec<Assignment> = assignments
            .into_iter()
            .filter(|one| one.only_for.as_deref().is_none_or(|only| settings.server.runs(only)))
            .collect();
        if let Some(why) = assignments.iter().find_map(unsupported::refusal) {
            return Err(PlacedProblem::malformed(place, why));
        }
        self.is_settled = false;
        let before = self.values.clone();
        for one in &assignments {
            self.read.extend(read_by(&one.value).iter().filter_map(|read| match read {
                Value::User(name) if one.target != Target::User(name.clone()) => Some(user(name)),
                _ => None,
            }));
        }
        let changed = self.values.set(&assignments, &settings.server);
        self.is_narrow = self.values.value_of(CLIENT).is_narrow();
        for name in changed {
            let added = self.trail_part(&assignments, &name, &before);
            self.record(name, added, place, last_line);
        }
        Ok(())
    }

    fn record(
        &mut self,
        name: String,
        (continues, part): (bool, Assignment),
        place: Position,
        last_line: u64,
    ) {
        let known = self.variables.iter().position(|variable| variable.name == name);
        let Some(at) = known else {
            return self.variables.push(SetVariable {
                name,
                trail: vec![part],
                place,
                last_line,
                is_late: self.has_statements,
                is_changed: false,
                is_used: false,
            });
        };
        let variable = &mut self.variables[at];
        if !continues {
            variable.trail.clear();
            variable.place = place;
        }
        variable.trail.push(part);
        variable.is_changed |= std::mem::take(&mut variable.is_used);
        variable.last_line = last_line;
    }

    /// The SET of this variable as session SQL would have it, and whether it continues the one before it.
    fn trail_part(&self, assignments: &[Assignment], name: &str, before: &Variables) -> (bool, Assignment) {
        let target = match name.strip_prefix('@') {
            Some(name) => Target::User(name.to_owned()),
            None => Target::Session(name.to_owned()),
        };
        let set = assignments.iter().rfind(|one| one.target == target);
        let of_session = |value: Value, only_for: &Option<String>| Assignment {
            target: target.clone(),
            value,
            only_for: only_for.clone(),
        };
        if let Some(kept) = set.filter(|one| keeps_system(one)) {
            return (false, kept.clone());
        }
        match (set, self.values.value_of(name)) {
            (_, KnownValue::Literal(collation)) if name == COLLATION => {
                let target = Target::Names { collation: Some(Value::Literal(collation)) };
                let value = Value::Literal("utf8mb4".into());
                (false, Assignment { target, value, only_for: None })
            }
            (Some(Assignment { value: Value::Literal(text), only_for, .. }), _) => {
                (false, of_session(Value::Literal(text.clone()), only_for))
            }
            (
                Some(Assignment { value: value @ Value::Expression { reads, .. }, only_for, .. }),
                KnownValue::Expression { .. },
            ) => {
                let own = Value::System(name.to_owned());
                let continues =
                    reads.contains(&own) && !matches!(before.value_of(name), KnownValue::Initial(_));
                (continues, of_session(value.clone(), only_for))
            }
            (Some(Assignment { only_for, .. }), KnownValue::Literal(text)) => {
                let is_number = text.parse::<f64>().is_ok();
                let text = if is_number { text } else { format!("'{text}'") };
                (false, of_session(Value::Literal(text), only_for))
            }
            (Some(Assignment { value, only_for, .. }), _) => (false, of_session(value.clone(), only_for)),
            (None, _) => (false, of_session(Value::Default, &None)),
        }
    }

    /// Whether there is nothing to look at before the next statement.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// Whether text is bytes of no character set, after SET NAMES binary.
    pub(crate) fn is_binary(&self) -> bool {
        self.values.value_of(CLIENT) == KnownValue::Literal("binary".into())
    }

    /// Whether text is UTF-8 of three bytes at most, after SET NAMES utf8.
    pub(crate) fn is_narrow(&self) -> bool {
        self.is_narrow
    }

    /// Says whether the next statement is written so that SET NAMES binary makes no difference to it.
    pub(crate) fn write_as_bytes(&mut self, is: bool) {
        self.as_bytes = is;
        self.is_settled = false;
    }

    /// Checks, before a statement that stands here, that every session of the run is as the SETs say.
    ///
    /// # Errors
    /// Returns a problem if a variable differs that no problem has named yet.
    pub(crate) fn before_statement(
        &mut self,
        settings: &RunSettings,
        here: Position,
    ) -> Result<(), PlacedProblem> {
        let mut missing = Vec::new();
        for (at, variable) in self.variables.iter().enumerate() {
            if self.reported.contains(&variable.name)
                || self.is_of_sets(variable)
                || self.is_every_sessions(variable, settings)
            {
                continue;
            }
            let problem = match self.judge(variable) {
                Verdict::SessionSql => {
                    missing.push(at);
                    continue;
                }
                Verdict::Never(why) => PlacedProblem::malformed(variable.place, why),
                Verdict::OutOfOrder(why) => PlacedProblem::malformed(here, why),
            };
            let name = variable.name.clone();
            if name == CLIENT {
                // What NAMES makes of it goes with the character set.
                self.reported.insert(COLLATION.to_owned());
            }
            self.reported.insert(name);
            return Err(problem);
        }
        if missing.is_empty() {
            self.has_statements = true;
            // Of each statement it is to be said how its strings are written.
            self.is_settled = !self.is_binary();
            self.variables.iter_mut().for_each(|variable| variable.is_used = true);
            return Ok(());
        }
        Err(self.missing_settings(&missing, settings))
    }

    /// The problem of variables that session SQL has to set.
    fn missing_settings(&mut self, missing: &[usize], settings: &RunSettings) -> PlacedProblem {
        let variables: Vec<&SetVariable> = missing.iter().map(|at| &self.variables[*at]).collect();
        let trails: Vec<(&str, &[Assignment])> =
            variables.iter().map(|one| (one.name.as_str(), one.trail.as_slice())).collect();
        let place = variables.iter().map(|one| one.place).min_by_key(|place| place.offset);
        let place = place.unwrap_or(Position { offset: 0, line: 1, column: 1 });
        let last_line = variables.iter().map(|one| one.last_line).max().unwrap_or(place.line);
        let problem = match settings.session_sql_with(&trails) {
            Some(session_sql) => Problem::SessionSettings { last_line, session_sql },
            None => {
                let names: Vec<&str> = trails.iter().map(|(name, _)| *name).collect();
                Problem::Malformed(format!(
                    "SET of {}: its value is computed from another one than the sessions of the run begin with: write it out",
                    names.join(", ")
                ))
            }
        };
        self.reported.extend(variables.iter().map(|one| one.name.clone()));
        PlacedProblem { place, problem }
    }

    /// Whether this is a user's variable that is there for other SETs: it keeps what they change, or they read it. Any other is
    /// there for a statement. One that names it is refused; a trigger or a routine that reads it does not show.
    fn is_of_sets(&self, SetVariable { name, trail, .. }: &SetVariable) -> bool {
        name.starts_with('@') && (self.read.contains(name) || trail.iter().all(keeps_system))
    }

    /// Whether a statement that follows finds what every session of the run has.
    fn is_every_sessions(&self, variable: &SetVariable, settings: &RunSettings) -> bool {
        if self.as_bytes && [CLIENT, COLLATION].contains(&variable.name.as_str()) {
            return true;
        }
        let now = self.values.value_of(&variable.name);
        // Statements before the first SET of it ran with what a session begins with; so does the run's, if it is the same.
        let late =
            variable.is_late && !settings.has(&variable.name, &KnownValue::Initial(variable.name.clone()));
        settings.has(&variable.name, &now) && !late
    }

    fn judge(&self, variable: &SetVariable) -> Verdict {
        let SetVariable { name, last_line, .. } = variable;
        let now = self.values.value_of(name);
        let apart = match name.as_str() {
            "sql_mode" => "publish what follows as a run of its own (of a dump: --skip-triggers)",
            _ => "publish what follows as a run of its own",
        };
        if let Some(why) = self.unfit(variable, &now) {
            return Verdict::Never(why);
        }
        if matches!(now, KnownValue::Initial(_)) {
            return Verdict::OutOfOrder(format!(
                "statement follows line {last_line}, which takes back what the session SQL of the run sets: {apart}"
            ));
        }
        if variable.is_late || variable.is_changed {
            return Verdict::OutOfOrder(format!(
                "statement follows line {last_line}, which sets {name}, and those before it ran with another value: {apart}"
            ));
        }
        match now {
            KnownValue::Unknown(_) => {
                Verdict::Never(format!("SET of {name}: what it is set to is not known: write it out"))
            }
            KnownValue::Expression { reads, .. } if !reads.iter().all(|read| self.is_fit(read, name)) => {
                Verdict::Never(format!("SET of {name} to what other variables hold: write it out"))
            }
            _ => Verdict::SessionSql,
        }
    }

    /// Whether a part of an expression can be had in session SQL, too.
    fn is_fit(&self, read: &KnownValue, name: &str) -> bool {
        match read {
            KnownValue::Initial(_) | KnownValue::Default(_) => true,
            // The variable's own value before, which its trail sets.
            KnownValue::Literal(_) | KnownValue::Expression { .. } => {
                self.variables.iter().any(|variable| variable.name == name && variable.trail.len() > 1)
            }
            KnownValue::Unknown(_) => false,
        }
    }

    /// What is wrong with a value that no session may have.
    fn unfit(&self, variable: &SetVariable, now: &KnownValue) -> Option<String> {
        let client = self.values.value_of(CLIENT);
        match variable.name.as_str() {
            CLIENT if !now.is_utf8() => Some(unsupported::character_set(now)),
            // Told with the character set.
            COLLATION if !client.is_utf8() => Some(unsupported::character_set(&client)),
            COLLATION => match now {
                KnownValue::Literal(name) if name.starts_with("utf8mb4_") => None,
                KnownValue::Initial(_) => None,
                _ => Some(unsupported::COLLATION.to_owned()),
            },
            // A user may name a variable in any way.
            name if name.starts_with('@') => None,
            name => unsupported::instead(name).map(|instead| unsupported::message(name, now, instead)),
        }
    }
}

/// Whether a user's variable keeps what variables of the session have.
fn keeps_system(one: &Assignment) -> bool {
    let reads = read_by(&one.value);
    let are_systems = !reads.is_empty() && reads.iter().all(|value| matches!(value, Value::System(_)));
    are_systems && matches!(one.target, Target::User(_))
}

/// What a value is made of: the variables of an expression, or the one value itself.
fn read_by(value: &Value) -> &[Value] {
    match value {
        Value::Expression { reads, .. } => reads,
        value => std::slice::from_ref(value),
    }
}

#[cfg(test)]
mod tests;
