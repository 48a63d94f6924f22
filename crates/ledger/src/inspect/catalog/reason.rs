//! Why something is not held by a transaction, in words.

use std::fmt;

/// Said of a table whose triggers MySQL shows only to accounts with the right to see them.
pub(super) const TRIGGERS_UNSEEN: &str = "its triggers, if there are any, cannot be seen";

/// What changes outside of the transaction, or in queryfleet's own tables, when something is written, read or called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ways {
    /// What no transaction holds.
    pub(super) outside: Option<Why>,
    /// A table of queryfleet.
    pub(super) ours: Option<Why>,
}

impl Ways {
    pub(super) fn any(&self) -> bool {
        self.outside.is_some() || self.ours.is_some()
    }

    /// Takes what is new of others.
    pub(super) fn take(&mut self, other: Ways) -> bool {
        let before = self.clone();
        self.outside = self.outside.take().or(other.outside);
        self.ours = self.ours.take().or(other.ours);
        *self != before
    }

    /// The same by way of a trigger, a view or a routine.
    pub(super) fn through(self, way: &str) -> Ways {
        let through = |why: Option<Why>| why.map(|why| Why { through: Some(way.to_owned()), ..why });
        Ways { outside: through(self.outside), ours: through(self.ours) }
    }

    pub(super) fn outside(end: String, because: Because) -> Ways {
        Ways { outside: Some(Why { through: None, end, because }), ours: None }
    }
}

/// Where it ends, and by way of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Why {
    /// The trigger, view or routine between.
    pub(super) through: Option<String>,
    /// What is changed at the end, or why that is not known.
    pub(super) end: String,
    pub(super) because: Because,
}

/// Why that is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Because {
    /// Its engine has no transactions, or none together with InnoDB.
    Engine,
    /// A sequence is never rolled back.
    Sequence,
    /// The account may not see it; what would show it.
    Unseen(&'static str),
    /// It cannot be told from the text.
    Unclear,
    /// It is a table of queryfleet.
    Ours,
}

impl Why {
    pub(super) fn is_of_engine(&self) -> bool {
        self.because == Because::Engine
    }

    pub(super) fn is_unseen(&self) -> bool {
        matches!(self.because, Because::Unseen(_))
    }

    /// Of the object that is called `name`.
    pub(super) fn text(&self, name: &str) -> String {
        let Why { through, end, because } = self;
        match (through, because) {
            (Some(through), Because::Engine | Because::Sequence | Because::Ours) => {
                format!("{name} ({through} changes {end})")
            }
            (Some(through), _) => format!("{name} ({through}: {end})"),
            (None, Because::Engine | Because::Sequence | Because::Ours) => end.clone(),
            (None, _) => format!("{name} ({end})"),
        }
    }

    /// The text for a function or procedure that is called, and for what is no object.
    pub(super) fn text_of_call(&self) -> String {
        let Why { through, end, because } = self;
        match (through, because) {
            (Some(through), Because::Engine | Because::Sequence | Because::Ours) => {
                format!("{through} (which changes {end})")
            }
            (Some(through), _) => format!("{through} ({end})"),
            (None, _) => end.clone(),
        }
    }
}

/// Which of both is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Outside,
    Ours,
}

impl Sort {
    pub(super) fn of(self, ways: &Ways) -> Option<&Why> {
        match self {
            Sort::Outside => ways.outside.as_ref(),
            Sort::Ours => ways.ours.as_ref(),
        }
    }
}

/// Why a statement cannot be committed together with its ledger row, so that it happens once: what it does, to what, and
/// what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotHeld {
    verb: &'static str,
    what: String,
    because: Because,
}

impl NotHeld {
    pub(super) fn new(verb: &'static str, why: &Why, name: &str) -> NotHeld {
        NotHeld { verb, what: why.text(name), because: why.because }
    }

    pub(super) fn of(verb: &'static str, what: String, because: Because) -> NotHeld {
        NotHeld { verb, what, because }
    }

    /// Whether it may change a table of queryfleet, which no job may.
    pub fn is_forgery(&self) -> bool {
        self.because == Because::Ours
    }

    /// Whether that is known, and not only not known otherwise.
    pub fn is_certain(&self) -> bool {
        matches!(self.because, Because::Engine | Because::Sequence)
    }

    /// What it does, in a few words.
    pub fn deed(&self) -> String {
        format!("it {} {}", self.verb, self.what)
    }

    /// What it is about: `database.table (engine)`, by way of what.
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for NotHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotHeld { verb, what, because } = self;
        write!(f, "it {verb} {what}")?;
        match because {
            Because::Engine => f.write_str(
                ", which no transaction holds: a repetition after a crash would change it twice; ALTER TABLE … ENGINE=InnoDB",
            ),
            Because::Sequence => f.write_str(
                ", which no transaction holds: a repetition after a crash would draw twice; use AUTO_INCREMENT, or write \
                 the values out",
            ),
            Because::Unseen(remedy) => write!(f, ": what cannot be seen is not called atomic; {remedy}"),
            Because::Unclear => f.write_str(": what cannot be told is not called atomic; write it out plainly"),
            Because::Ours => f.write_str(", by which a job could call others done: no job may"),
        }
    }
}
