//! Whether one statement reaches what no transaction holds.

use queryfleet_sql::{self, Kind, SqlMode, TableName};

use super::name::fold;
use super::reason::{Because, NotHeld, Sort, Ways};
use super::schema_objects::{Catalog, Object};

/// How the server can be asked what it would do for a statement, so that nothing is done. MariaDB evaluates derived
/// tables for an EXPLAIN, with the functions and sequences in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explaining {
    /// It calls nothing that changes anything.
    Plainly,
    /// It is a query: in a read-only transaction, in which the server refuses whatever writes before it evaluates it.
    ReadOnly,
    /// Not at all.
    Never,
}

/// A statement that is looked at more closely.
struct Suspect<'a> {
    sql: &'a str,
    kind: Kind,
    mode: SqlMode,
    /// The database of its unqualified names, folded.
    database: String,
    /// What of the list it mentions.
    mentioned: Vec<&'a Object>,
    /// What the functions change that it calls.
    called: Ways,
    /// What it certainly writes; `None` when that is not certain.
    written: Option<Vec<TableName<'a>>>,
}

impl Catalog {
    /// Why a statement, which [`queryfleet_sql::inspect`] has taken, cannot be committed together with its ledger row; `None` for
    /// what certainly can. Of kinds that are not atomic anyway: only whether it may change a table of queryfleet.
    /// `database` is that of its unqualified names, where it is not the URL's.
    pub fn not_held(&self, kind: Kind, sql: &str, database: Option<&str>, mode: SqlMode) -> Option<NotHeld> {
        if queryfleet_job::may_change_own_tables(sql, kind, mode) {
            return Some(NotHeld::of("may change", "a table of queryfleet".into(), Because::Ours));
        }
        let words = self.words(sql, mode);
        if words.is_empty()
            && queryfleet_sql::calls_only_builtins(sql, mode)
            && self.sees_named(sql, database)
        {
            return None;
        }
        let database = fold(database.unwrap_or(&self.default));
        let suspect = Suspect {
            mentioned: self.mentioned_in(&words, &database),
            called: self.called(sql, &database, mode),
            written: if is_query(kind) {
                Some(Vec::new())
            } else {
                queryfleet_sql::written_tables(sql, mode)
            },
            sql,
            kind,
            mode,
            database,
        };
        let forged = self.reached(&suspect, Sort::Ours).or_else(|| self.called_procedure(&suspect));
        if forged.is_some() || !kind.is_atomic() {
            return forged;
        }
        self.reached(&suspect, Sort::Outside)
    }

    /// How an EXPLAIN of a statement, which [`queryfleet_sql::inspect`] has taken, has no effect.
    pub fn explaining(&self, kind: Kind, sql: &str, database: Option<&str>, mode: SqlMode) -> Explaining {
        let database = fold(database.unwrap_or(&self.default));
        let called = self.called(sql, &database, mode);
        let words = self.words(sql, mode);
        if called.any() || self.mentioned_in(&words, &database).iter().any(|object| object.read.any()) {
            return Explaining::Never;
        }
        let calls_stored =
            || queryfleet_sql::foreign_calls(sql, mode).any(|call| self.is_stored(&call, &database));
        let written = match kind {
            Kind::Select => Some(Vec::new()),
            Kind::With => queryfleet_sql::written_tables(sql, mode),
            Kind::Insert | Kind::Replace | Kind::Update | Kind::Delete if !calls_stored() => {
                return Explaining::Plainly;
            }
            _ => None,
        };
        match written {
            Some(tables) if tables.is_empty() => Explaining::ReadOnly,
            Some(_) if !calls_stored() => Explaining::Plainly,
            _ => Explaining::Never,
        }
    }

    /// Its names, folded; none when none of them is in the list.
    fn words(&self, sql: &str, mode: SqlMode) -> Vec<String> {
        if !self.filter.may_be_in(sql) {
            return Vec::new();
        }
        queryfleet_sql::names(sql, mode).map(|name| fold(&name)).collect()
    }

    /// What of the list these words can mean: in the current database, or in one that they name as well.
    fn mentioned_in(&self, words: &[String], database: &str) -> Vec<&Object> {
        let named = words.iter().map(String::as_str).filter(|word| self.databases.contains(*word));
        let mut databases: Vec<&str> = named.chain([database]).collect();
        databases.sort_unstable();
        databases.dedup();
        let mut found = Vec::new();
        for database in databases {
            for word in words {
                let object = self.objects.get(&(database.to_owned(), word.clone()));
                found.extend(object.filter(|object| object.written.any() || object.read.any()));
            }
        }
        found
    }

    /// Whether the catalog holds every table that the statement can mean, if it is there at all.
    fn sees_named(&self, sql: &str, database: Option<&str>) -> bool {
        // Without a dot there is no name of another database.
        self.sees_all
            || !sql.as_bytes().contains(&b'.')
                && database.map_or(self.sees_default, |database| self.grants.sees(&fold(database)))
    }

    /// What the statement reaches of one sort.
    fn reached(&self, suspect: &Suspect<'_>, sort: Sort) -> Option<NotHeld> {
        if let Some(why) = sort.of(&suspect.called) {
            return Some(NotHeld::of("calls", why.text_of_call(), why.because));
        }
        for object in &suspect.mentioned {
            if let Some(why) = sort.of(&object.read) {
                return Some(NotHeld::new("reads", why, &object.name));
            }
        }
        let unseen = self.unseen_named(suspect.sql, &suspect.database, suspect.mode);
        if let Some(why) = sort.of(&unseen).filter(|_| sort == Sort::Outside) {
            return Some(NotHeld::of("reaches", why.end.clone(), why.because));
        }
        let Some(targets) = &suspect.written else { return self.may_write(suspect, sort) };
        // DEFAULT(column) of a table that is only read draws from its sequence, too.
        for object in suspect.mentioned.iter().filter(|object| object.counts) {
            if let (Some(why), true) = (sort.of(&object.written), takes_default(suspect.sql, suspect.mode)) {
                return Some(NotHeld::new("may draw from", why, &object.name));
            }
        }
        targets.iter().find_map(|table| match self.object(table, &suspect.database) {
            Some(object) => sort.of(&object.written).map(|why| NotHeld::new("writes", why, &object.name)),
            None => {
                let unseen = self.unseen_table(table, &suspect.database);
                sort.of(&unseen).map(|why| NotHeld::of("writes", why.end.clone(), why.because))
            }
        })
    }

    /// The same when it is not certain what it writes: then it may be whatever it mentions, and where not all tables are
    /// seen it may be one that is not.
    fn may_write(&self, suspect: &Suspect<'_>, sort: Sort) -> Option<NotHeld> {
        if !suspect.kind.is_atomic() {
            return None;
        }
        for object in &suspect.mentioned {
            if let Some(why) = sort.of(&object.written) {
                return Some(NotHeld::new("may write", why, &object.name));
            }
        }
        let unclear =
            || NotHeld::of("may write", "a table that cannot be told from its text".into(), Because::Unclear);
        (sort == Sort::Outside && !self.sees_all).then(unclear)
    }

    /// Why a CALL, which is never atomic, is refused: it changes a table of queryfleet.
    fn called_procedure(&self, suspect: &Suspect<'_>) -> Option<NotHeld> {
        if suspect.kind != Kind::Call {
            return None;
        }
        let called = queryfleet_sql::called_procedures(suspect.sql, suspect.mode);
        called.iter().find_map(|procedure| {
            let ways = self.procedure(procedure, &suspect.database);
            Sort::Ours.of(&ways).map(|why| NotHeld::of("calls", why.text_of_call(), why.because))
        })
    }
}

/// Whether a statement of this kind changes nothing by its own text.
fn is_query(kind: Kind) -> bool {
    matches!(kind, Kind::Select | Kind::SelectIntoFile | Kind::Do | Kind::Values | Kind::Table)
}

pub(super) fn takes_default(sql: &str, mode: SqlMode) -> bool {
    queryfleet_sql::names(sql, mode).any(|name| name.eq_ignore_ascii_case("default"))
}
