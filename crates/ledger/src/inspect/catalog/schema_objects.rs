//! The catalog itself: every table, view, sequence and routine, and what it leads to.

use std::collections::{HashMap, HashSet};

use super::filter::Filter;
use super::grants::Grants;
use super::name::{Name, fold};
use super::reason::{TRIGGERS_UNSEEN, Ways, Why};

/// The tables, views and routines of all databases, as far as this account may see them.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// The database of unqualified names.
    pub(super) default: String,
    pub(super) objects: HashMap<Name, Object>,
    pub(super) routines: HashMap<Name, Ways>,
    pub(super) databases: HashSet<String>,
    pub(super) grants: Grants,
    /// Every table there is, with its triggers, is in it.
    pub(super) sees_all: bool,
    /// Every table of the default database is.
    pub(super) sees_default: bool,
    /// The names of all that leads out of a transaction, and of their databases.
    pub(super) filter: Filter,
}

/// A table, a view or a sequence.
#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    /// `database.table`, as the server writes it.
    pub(super) name: String,
    /// What is changed when it is written.
    pub(super) written: Ways,
    /// What is changed when it is read: a view calls functions.
    pub(super) read: Ways,
    /// Some column takes its default from a sequence.
    pub(super) counts: bool,
}

impl Catalog {
    /// What of one database a transaction does not hold, because of engines: `database.table (engine)`, by way of what.
    /// Sorted.
    pub fn of_database(&self, database: &str) -> Vec<String> {
        self.of(database, Why::is_of_engine)
    }

    /// What of one database this account cannot see into, each with what would show it. Sorted.
    pub fn unseen(&self, database: &str) -> Vec<String> {
        let database = fold(database);
        let without_triggers = |why: &Why| why.end == TRIGGERS_UNSEEN;
        let tables = self.of(&database, without_triggers).len();
        let mut texts = self.of(&database, |why| why.is_unseen() && !without_triggers(why));
        texts.extend((tables > 0).then(|| format!("the triggers of {tables} tables")));
        let routines = self.routines.iter().filter(|((schema, _), _)| *schema == database);
        let hidden = routines.filter_map(|(_, ways)| ways.outside.as_ref().filter(|why| why.is_unseen()));
        texts.extend(hidden.map(Why::text_of_call));
        if !self.grants.sees(&database) {
            texts.push(format!("{database}.* (tables on which the account has no right)"));
        }
        texts.sort_unstable();
        texts
    }

    fn of(&self, database: &str, which: impl Fn(&Why) -> bool) -> Vec<String> {
        let database = fold(database);
        let own = self.objects.iter().filter(|((schema, _), _)| *schema == database);
        let texts = own.filter_map(|(_, object)| {
            let why = object.written.outside.as_ref().filter(|why| which(why))?;
            Some(why.text(&object.name))
        });
        let mut texts: Vec<String> = texts.collect();
        texts.sort_unstable();
        texts
    }

    pub(super) fn new(default: &str, grants: Grants) -> Catalog {
        Catalog {
            default: default.to_owned(),
            sees_all: grants.see_all(),
            sees_default: grants.sees(&fold(default)),
            grants,
            ..Catalog::default()
        }
    }
}
