//! What one transaction does not hold, and whether a statement reaches it: tables of engines without transactions, of
//! all databases, sequences, and every view, table with a trigger, and routine that leads there.
//!
//! The rule needs no grammar: a statement is *suspect* when any of its words is the name of something in the list, in a
//! database that it can mean, or when it calls anything that is not certainly the server's own. Only what is suspect is
//! looked at more closely, and it passes when it is proven harmless: it only reads, or it writes other tables. What
//! this account cannot see is not taken for harmless.

mod filter;
mod grants;
mod judge;
mod links;
pub(super) mod load;
mod reason;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use filter::Filter;
use grants::Grants;
pub use judge::Explaining;
pub use reason::NotHeld;
use reason::Ways;

/// A database and what it holds, both folded: whether names differ by case only is the server's setting, and a clash of
/// two such names only refuses too much.
type Name = (String, String);

/// The tables, views and routines of all databases, as far as this account may see them.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// The database of unqualified names.
    default: String,
    objects: HashMap<Name, Object>,
    routines: HashMap<Name, Ways>,
    databases: HashSet<String>,
    grants: Grants,
    /// Every table there is, with its triggers, is in it.
    sees_all: bool,
    /// Every table of the default database is.
    sees_default: bool,
    /// The names of all that leads out of a transaction, and of their databases.
    filter: Filter,
}

/// A table, a view or a sequence.
#[derive(Clone, Debug, Default)]
struct Object {
    /// `database.table`, as the server writes it.
    name: String,
    /// What is changed when it is written.
    written: Ways,
    /// What is changed when it is read: a view calls functions.
    read: Ways,
    /// Some column takes its default from a sequence.
    counts: bool,
}

/// A name as it is compared: in lower case, character by character as the servers do.
fn fold(name: &str) -> String {
    // Rust makes two characters of it, the servers one.
    name.chars().flat_map(|c| if c == '\u{130}' { 'i' } else { c }.to_lowercase()).collect()
}

/// A name that is written out in code, folded.
fn name(database: &str, object: &str) -> Name {
    (fold(database), fold(object))
}

impl Catalog {
    /// What of one database a transaction does not hold, because of engines: `database.table (engine)`, by way of what.
    /// Sorted.
    pub fn of_database(&self, database: &str) -> Vec<String> {
        self.of(database, reason::Why::is_of_engine)
    }

    /// What of one database this account cannot see into, each with what would show it. Sorted.
    pub fn unseen(&self, database: &str) -> Vec<String> {
        let database = fold(database);
        let without_triggers = |why: &reason::Why| why.end == load::TRIGGERS_UNSEEN;
        let tables = self.of(&database, without_triggers).len();
        let mut texts = self.of(&database, |why| why.is_unseen() && !without_triggers(why));
        texts.extend((tables > 0).then(|| format!("the triggers of {tables} tables")));
        let routines = self.routines.iter().filter(|((schema, _), _)| *schema == database);
        let hidden = routines.filter_map(|(_, ways)| ways.outside.as_ref().filter(|why| why.is_unseen()));
        texts.extend(hidden.map(reason::Why::text_of_call));
        if !self.grants.sees(&database) {
            texts.push(format!("{database}.* (tables on which the account has no right)"));
        }
        texts.sort_unstable();
        texts
    }

    fn of(&self, database: &str, which: impl Fn(&reason::Why) -> bool) -> Vec<String> {
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

    fn new(default: &str, grants: Grants) -> Catalog {
        let (sees_all, sees_default) = (grants.see_all(), grants.sees(&fold(default)));
        Catalog { default: default.to_owned(), grants, sees_all, sees_default, ..Catalog::default() }
    }

    /// Follows the links, and makes the filter of what was found.
    fn finish(mut self, links: &[links::Link]) -> Catalog {
        self.follow(links);
        for ((database, object), found) in &self.objects {
            if found.written.any() || found.read.any() {
                self.filter.add(database);
                self.filter.add(object);
            }
        }
        self
    }
}
