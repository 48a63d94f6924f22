//! The SETs of one input: passed over where every session of the run has the same, told with what to do where a statement
//! follows that would find another value.

pub(crate) mod never;
pub(crate) mod settings;
pub(crate) mod state;

use std::collections::HashSet;
use std::path::Path;

use queryfleet_sql::{Assignment, Place, Target, Value};

use crate::Error;
use crate::check::sets::settings::Settings;
use crate::check::sets::state::{CLIENT, COLLATION, Known, State};

/// What the SETs of an input have set so far.
#[derive(Default)]
pub(crate) struct Sets {
    state: State,
    /// In the order in which they were set first.
    variables: Vec<Variable>,
    /// Whether a statement was met.
    began: bool,
    /// Whether a statement was met since the last SET, and found all as it has to be.
    settled: bool,
    /// Whether characters of four bytes are none to the client.
    narrow: bool,
    /// Whether the statement that comes is written so that SET NAMES binary makes no difference to it.
    as_bytes: bool,
    /// Variables that were told of; once is enough.
    told: HashSet<String>,
}

/// A variable that the input sets.
struct Variable {
    name: String,
    /// The SETs that its value comes from.
    trail: Vec<Assignment>,
    place: Place,
    /// The line on which the last SET of it ends.
    last: u64,
    /// Whether statements came before the first SET of it.
    late: bool,
    /// Whether statements came between two SETs of it.
    changed: bool,
    /// Whether a statement came after the last one.
    used: bool,
}

/// Why a value cannot be every session's.
enum Trouble {
    /// It can, by session SQL.
    None,
    /// It is the SET's own fault.
    Set(String),
    /// It is where it stands: the statement that follows would need another session than those before it.
    Order(String),
}

impl Sets {
    /// Takes one SET, which ends on this line.
    ///
    /// # Errors
    /// When it does more than set variables of its session.
    pub(crate) fn take(
        &mut self,
        assignments: Vec<Assignment>,
        settings: &Settings,
        path: &Path,
        place: Place,
        last: u64,
    ) -> Result<(), Error> {
        let runs = |one: &Assignment| one.only_for.as_deref().is_none_or(|only| settings.server.runs(only));
        let assignments: Vec<Assignment> = assignments.into_iter().filter(runs).collect();
        if let Some(why) = assignments.iter().find_map(never::refused) {
            return Err(Error::Bad { path: path.to_owned(), line: place.line, column: place.column, why });
        }
        self.settled = false;
        let before = self.state.clone();
        let changed = self.state.set(&assignments, &settings.server);
        self.narrow = self.state.of(CLIENT).is_narrow();
        for name in changed {
            let added = self.trail_part(&assignments, &name, &before);
            self.note(name, added, place, last);
        }
        Ok(())
    }

    fn note(&mut self, name: String, (goes_on, part): (bool, Assignment), place: Place, last: u64) {
        let known = self.variables.iter().position(|variable| variable.name == name);
        let Some(at) = known else {
            let late = self.began;
            let trail = vec![part];
            let new = Variable { name, trail, place, last, late, changed: false, used: false };
            return self.variables.push(new);
        };
        let variable = &mut self.variables[at];
        if !goes_on {
            variable.trail.clear();
            variable.place = place;
        }
        variable.trail.push(part);
        variable.changed |= std::mem::take(&mut variable.used);
        variable.last = last;
    }

    /// The SET of this variable as session SQL would have it, and whether it goes on from the one before it.
    fn trail_part(&self, assignments: &[Assignment], name: &str, before: &State) -> (bool, Assignment) {
        let of_session = |value: Value, only_for: &Option<String>| Assignment {
            target: Target::Session(name.to_owned()),
            value,
            only_for: only_for.clone(),
        };
        let set = assignments.iter().rfind(|one| matches!(&one.target, Target::Session(set) if set == name));
        match (set, self.state.of(name)) {
            (_, Known::Literal(collation)) if name == COLLATION => {
                let target = Target::Names { collation: Some(Value::Literal(collation)) };
                let value = Value::Literal("utf8mb4".into());
                (false, Assignment { target, value, only_for: None })
            }
            (Some(Assignment { value: Value::Literal(text), only_for, .. }), _) => {
                (false, of_session(Value::Literal(text.clone()), only_for))
            }
            (
                Some(Assignment { value: value @ Value::Expression { reads, .. }, only_for, .. }),
                Known::Expression { .. },
            ) => {
                let own = Value::System(name.to_owned());
                let goes_on = reads.contains(&own) && !matches!(before.of(name), Known::Initial(_));
                (goes_on, of_session(value.clone(), only_for))
            }
            (Some(Assignment { only_for, .. }), Known::Literal(text)) => {
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
        self.settled
    }

    /// Whether text is bytes of no character set, after SET NAMES binary.
    pub(crate) fn is_binary(&self) -> bool {
        self.state.of(CLIENT) == Known::Literal("binary".into())
    }

    /// Whether text is UTF-8 of three bytes at most, after SET NAMES utf8.
    pub(crate) fn is_narrow(&self) -> bool {
        self.narrow
    }

    /// Says whether the next statement is written so that this makes no difference to it.
    pub(crate) fn write_as_bytes(&mut self, is: bool) {
        self.as_bytes = is;
        self.settled = false;
    }

    /// Looks, before a statement that stands here, whether every session of the run is as the SETs say.
    ///
    /// # Errors
    /// When one is not, and was not told of yet.
    pub(crate) fn before_statement(
        &mut self,
        settings: &Settings,
        path: &Path,
        here: Place,
    ) -> Result<(), Error> {
        let mut missing = Vec::new();
        for (at, variable) in self.variables.iter().enumerate() {
            if self.told.contains(&variable.name) || self.is_as_it_was(variable, settings) {
                continue;
            }
            let bad = |place: Place, why| Error::Bad {
                path: path.to_owned(),
                line: place.line,
                column: place.column,
                why,
            };
            let error = match self.trouble(variable) {
                Trouble::None => {
                    missing.push(at);
                    continue;
                }
                Trouble::Set(why) => bad(variable.place, why),
                Trouble::Order(why) => bad(here, why),
            };
            let name = variable.name.clone();
            if name == CLIENT {
                // What NAMES makes of it goes with the character set.
                self.told.insert(COLLATION.to_owned());
            }
            self.told.insert(name);
            return Err(error);
        }
        if missing.is_empty() {
            self.began = true;
            // Of each statement it is to be said how its strings are written.
            self.settled = !self.is_binary();
            self.variables.iter_mut().for_each(|variable| variable.used = true);
            return Ok(());
        }
        Err(self.missing(&missing, settings, path))
    }

    /// The session SQL that all of these need.
    fn missing(&mut self, missing: &[usize], settings: &Settings, path: &Path) -> Error {
        let variables: Vec<&Variable> = missing.iter().map(|at| &self.variables[*at]).collect();
        let trails: Vec<(&str, &[Assignment])> =
            variables.iter().map(|one| (one.name.as_str(), one.trail.as_slice())).collect();
        let place = variables.iter().map(|one| one.place).min_by_key(|place| place.offset);
        let Place { line, column, .. } = place.unwrap_or(Place { offset: 0, line: 1, column: 1 });
        let last = variables.iter().map(|one| one.last).max().unwrap_or(line);
        let path = path.to_owned();
        let error = match settings.advice(&trails) {
            Some(session_sql) => Error::Settings { path, line, column, last, session_sql },
            None => {
                let names: Vec<&str> = trails.iter().map(|(name, _)| *name).collect();
                let why = format!(
                    "SET of {}: its value is computed from another one than the sessions of the run begin with: write it out",
                    names.join(", ")
                );
                Error::Bad { path, line, column, why }
            }
        };
        self.told.extend(variables.iter().map(|one| one.name.clone()));
        error
    }

    /// Whether the statement that follows finds what every session of the run has.
    fn is_as_it_was(&self, variable: &Variable, settings: &Settings) -> bool {
        if self.as_bytes && [CLIENT, COLLATION].contains(&variable.name.as_str()) {
            return true;
        }
        let now = self.state.of(&variable.name);
        // Statements before the first SET of it ran with what a session begins with; so does the run's, if it is the same.
        let late = variable.late && !settings.has(&variable.name, &Known::Initial(variable.name.clone()));
        settings.has(&variable.name, &now) && !late
    }

    fn trouble(&self, variable: &Variable) -> Trouble {
        let Variable { name, last, .. } = variable;
        let now = self.state.of(name);
        let apart = match name.as_str() {
            "sql_mode" => "publish what follows as a file of its own (of a dump: --skip-triggers)",
            _ => "publish what follows as a file of its own",
        };
        if let Some(why) = self.unfit(variable, &now) {
            return Trouble::Set(why);
        }
        if matches!(now, Known::Initial(_)) {
            return Trouble::Order(format!(
                "statement follows line {last}, which takes back what --session-sql sets: {apart}"
            ));
        }
        if variable.late || variable.changed {
            return Trouble::Order(format!(
                "statement follows line {last}, which sets {name}, and those before it ran with another value: {apart}"
            ));
        }
        match now {
            Known::Unknown(_) => {
                Trouble::Set(format!("SET of {name}: what it is set to is not known: write it out"))
            }
            Known::Expression { reads, .. } if !reads.iter().all(|read| self.is_fit(read, name)) => {
                Trouble::Set(format!("SET of {name} to what other variables hold: write it out"))
            }
            _ => Trouble::None,
        }
    }

    /// Whether a part of an expression can be had in session SQL, too.
    fn is_fit(&self, read: &Known, name: &str) -> bool {
        match read {
            Known::Initial(_) | Known::Default(_) => true,
            // The variable's own value before, which its trail sets.
            Known::Literal(_) | Known::Expression { .. } => {
                self.variables.iter().any(|variable| variable.name == name && variable.trail.len() > 1)
            }
            Known::Unknown(_) => false,
        }
    }

    /// What is wrong with a value that no session may have.
    fn unfit(&self, variable: &Variable, now: &Known) -> Option<String> {
        let client = self.state.of(CLIENT);
        match variable.name.as_str() {
            CLIENT if !now.is_utf8() => Some(never::character_set(now)),
            // Told with the character set.
            COLLATION if !client.is_utf8() => Some(never::character_set(&client)),
            COLLATION => match now {
                Known::Literal(name) if name.starts_with("utf8mb4_") => None,
                Known::Initial(_) => None,
                _ => Some(never::COLLATION.to_owned()),
            },
            name => never::instead(name).map(|instead| never::message(name, now, instead)),
        }
    }
}

#[cfg(test)]
mod tests;
