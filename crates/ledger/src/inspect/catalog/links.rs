//! Follows views, triggers and routines until nothing more leads to what no transaction holds.

use std::cell::OnceCell;
use std::collections::HashSet;

use queryfleet_sql::{self, Call, SqlMode, TableName};

use super::judge::takes_default;
use super::name::{Name, fold};
use super::reason::{Because, Ways, Why};
use super::schema_objects::{Catalog, Object};

/// What a link is part of.
#[derive(Clone, Debug)]
pub(super) enum Of {
    View(Name),
    /// A trigger's table.
    Table(Name),
    Routine(Name),
}

/// A view, a trigger or a routine.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) of: Of,
    /// It in words.
    pub(super) through: String,
    /// The database of its unqualified names, folded.
    pub(super) database: String,
    /// Its definition, where the account sees it.
    pub(super) text: Option<String>,
    pub(super) mode: SqlMode,
    /// What to say, and what to do, where it does not.
    pub(super) unseen: (String, &'static str),
}

impl Of {
    /// Its name without that of its database.
    fn folded(&self) -> &str {
        let (Of::View((_, name)) | Of::Table((_, name)) | Of::Routine((_, name))) = self;
        name
    }
}

impl Link {
    /// All that its definition names, and more.
    fn names(&self) -> HashSet<String> {
        let text = self.text.as_deref().unwrap_or_default();
        // The definition of a view is kept without ANSI_QUOTES, whatever its mode is.
        let modes = [self.mode, SqlMode::default()];
        modes.iter().flat_map(|mode| queryfleet_sql::names(text, *mode)).map(|name| fold(&name)).collect()
    }
}

/// What a definition may name: quickly, since all views and routines of the server are asked for what a few have changed.
struct LinkText<'a> {
    link: &'a Link,
    /// The text in lower case, if it is of ASCII only: a plain name that is not in it is not named.
    ascii: Option<String>,
    names: OnceCell<HashSet<String>>,
}

impl LinkText<'_> {
    fn of(link: &Link) -> LinkText<'_> {
        let text = link.text.as_deref().unwrap_or_default();
        let ascii = text.is_ascii().then(|| text.to_ascii_lowercase());
        LinkText { link, ascii, names: OnceCell::new() }
    }

    fn may_name(&self, name: &str) -> bool {
        // Any other name may be written in another way, such as with a doubled quote.
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match &self.ascii {
            Some(text) if is_plain => text.contains(name),
            _ => self.names.get_or_init(|| self.link.names()).contains(name),
        }
    }
}

/// The names that a body can mean.
struct Mentions {
    names: HashSet<String>,
    databases: Vec<String>,
}

impl Catalog {
    /// Follows the links, and makes the filter of what was found.
    pub(super) fn finish(mut self, links: &[Link]) -> Catalog {
        self.follow(links);
        for ((database, object), found) in &self.objects {
            if found.written.any() || found.read.any() {
                self.filter.add(database);
                self.filter.add(object);
            }
        }
        self
    }

    /// Takes in whatever leads to what is in the list, until nothing more does.
    pub(super) fn follow(&mut self, links: &[Link]) {
        for link in links {
            if let Of::Routine(routine) = &link.of {
                self.routines.entry(routine.clone()).or_default();
            }
        }
        let mut changed: HashSet<&str> =
            links.iter().filter(|link| self.take(link)).map(|link| link.of.folded()).collect();
        if changed.is_empty() {
            return;
        }
        // A server has hundreds of them, and few lead anywhere: only those are taken again that name what has changed.
        let texts: Vec<LinkText<'_>> = links.iter().map(LinkText::of).collect();
        while !changed.is_empty() {
            let reached = texts
                .iter()
                .filter(|text| changed.iter().any(|name| text.may_name(name)))
                .filter(|text| self.take(text.link));
            changed = reached.map(|text| text.link.of.folded()).collect();
        }
    }

    fn take(&mut self, link: &Link) -> bool {
        let unseen = || Ways::outside(link.unseen.0.clone(), Because::Unseen(link.unseen.1));
        match &link.of {
            Of::View(view) => {
                let (written, read) = match &link.text {
                    Some(text) => {
                        let (written, read) = self.view(text, link);
                        (written.through(&link.through), read.through(&link.through))
                    }
                    None => (unseen(), unseen()),
                };
                self.objects
                    .get_mut(view)
                    .is_some_and(|object| object.written.take(written) | object.read.take(read))
            }
            Of::Table(table) => {
                let ways = link.text.as_ref().map_or_else(unseen, |text| self.body(text, link));
                self.objects
                    .get_mut(table)
                    .is_some_and(|object| object.written.take(ways.through(&link.through)))
            }
            Of::Routine(routine) => {
                let ways = link.text.as_ref().map_or_else(unseen, |text| self.body(text, link));
                self.routines.get_mut(routine).is_some_and(|known| known.take(ways.through(&link.through)))
            }
        }
    }

    /// What a view changes when it is written, and when it is read. The server keeps its definition with every table and
    /// view under its full name, and functions of other databases.
    fn view(&self, text: &str, link: &Link) -> (Ways, Ways) {
        let mut written = Ways::default();
        let mut read = Ways::default();
        read.take(self.called(text, &link.database, link.mode));
        for table in queryfleet_sql::qualified_names(text) {
            let Some(object) = self.object(&table, "") else { continue };
            written.take(object.written.clone());
            read.take(object.read.clone());
            if object.counts && takes_default(text, link.mode) {
                read.take(object.written.clone());
            }
        }
        read.take(self.unseen_named(text, &link.database, link.mode));
        written.take(read.clone());
        (written, read)
    }

    /// What the body of a trigger or a routine changes.
    fn body(&self, text: &str, link: &Link) -> Ways {
        let mut found = self.called(text, &link.database, link.mode);
        for procedure in queryfleet_sql::called_procedures(text, link.mode) {
            found.take(self.procedure(&procedure, &link.database));
        }
        found.take(self.unseen_named(text, &link.database, link.mode));
        let mentions = self.mentions(text, link);
        if mentions.names.contains("outfile") || mentions.names.contains("dumpfile") {
            found.take(Ways::outside("a file".into(), Because::Engine));
        }
        found.take(self.mentioned(&mentions, |object| object.read.clone()));
        match queryfleet_sql::tables_written_by_body(text, link.mode) {
            Some(tables) => {
                for table in tables {
                    found.take(self.table_of_body(&table, &link.database));
                }
            }
            // Then it may be any table that it mentions, and more where not all is seen.
            None => {
                found.take(self.mentioned(&mentions, |object| object.written.clone()));
                if !self.sees_all {
                    found.take(Ways::outside("what it writes cannot be told".into(), Because::Unclear));
                }
            }
        }
        found
    }

    fn table_of_body(&self, table: &TableName<'_>, database: &str) -> Ways {
        match self.object(table, database) {
            Some(object) => object.written.clone(),
            None => self.unseen_table(table, database),
        }
    }

    /// Where the account does not see everything: what a text may reach by tables that it does not see.
    pub(super) fn unseen_named(&self, text: &str, database: &str, mode: SqlMode) -> Ways {
        let mut found = Ways::default();
        // Without a dot there is no name of another database.
        if self.sees_all || !text.contains('.') && self.grants.sees(database) {
            return found;
        }
        let Some(tables) = queryfleet_sql::tables_named(text, mode) else {
            return Ways::outside("a table that cannot be told".into(), Because::Unclear);
        };
        for table in tables.iter().filter(|table| self.object(table, database).is_none()) {
            found.take(self.unseen_table(table, database));
        }
        found
    }

    /// What a table may change that is not in the catalog: nothing where all tables of its database are.
    pub(super) fn unseen_table(&self, table: &TableName<'_>, database: &str) -> Ways {
        let own = table.database.as_ref().map_or_else(|| database.to_owned(), |own| fold(own));
        let mut ways = Ways::default();
        if !self.grants.sees(&own) && own != "information_schema" {
            let end = format!("{own}.{}, which this account does not see", table.table);
            ways = Ways::outside(end, Because::Unseen("GRANT TRIGGER, SHOW VIEW on it to this account"));
        }
        if queryfleet_job::is_own_table(&table.table) {
            let end = format!("{own}.{}", table.table);
            ways.ours = Some(Why { through: None, end, because: Because::Ours });
        }
        ways
    }

    /// What a procedure changes.
    pub(super) fn procedure(&self, procedure: &TableName<'_>, database: &str) -> Ways {
        let own = procedure.database.as_ref().map_or_else(|| database.to_owned(), |own| fold(own));
        match self.routines.get(&(own.clone(), fold(&procedure.table))) {
            Some(ways) => ways.clone(),
            None => {
                let end = format!("procedure {own}.{}, which this account does not see", procedure.table);
                Ways::outside(end, Because::Unseen("GRANT EXECUTE on it to this account"))
            }
        }
    }

    /// What the functions change that a text calls.
    pub(super) fn called(&self, text: &str, database: &str, mode: SqlMode) -> Ways {
        let mut found = Ways::default();
        for call in queryfleet_sql::foreign_calls(text, mode) {
            found.take(self.call(&call, database));
        }
        found
    }

    fn call(&self, call: &Call<'_>, database: &str) -> Ways {
        let Call::Function { database: own, name } = call else {
            let (end, because) = match call {
                Call::Sequence => ("the next value of a sequence", Because::Sequence),
                _ => ("a call in a version comment", Because::Unclear),
            };
            return Ways::outside(end.into(), because);
        };
        let current = own.as_ref().map_or_else(|| database.to_owned(), |own| fold(own));
        if let Some(ways) = self.routines.get(&(current, fold(name))) {
            return ways.clone();
        }
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match own {
            None if ["nextval", "setval", "lastval"].iter().any(|known| is(known)) => {
                Ways::outside(format!("a sequence by {name}"), Because::Sequence)
            }
            None if queryfleet_sql::is_native(name) && self.grants.sees_routines(database) => Ways::default(),
            _ => {
                let own = own.as_ref().map_or_else(String::new, |own| format!("{own}."));
                let end = format!(
                    "{own}{name}, which is neither the server's own nor a routine that this account sees"
                );
                Ways::outside(end, Because::Unseen("GRANT EXECUTE on it, if it is stored, to this account"))
            }
        }
    }

    /// Whether a call is certainly of a routine that is stored in a database.
    pub(super) fn is_stored(&self, call: &Call<'_>, database: &str) -> bool {
        let Call::Function { database: own, name } = call else { return false };
        let own = own.as_ref().map_or_else(|| database.to_owned(), |own| fold(own));
        self.routines.contains_key(&(own, fold(name)))
    }

    pub(super) fn object(&self, table: &TableName<'_>, database: &str) -> Option<&Object> {
        let own = table.database.as_ref().map_or_else(|| database.to_owned(), |own| fold(own));
        self.objects.get(&(own, fold(&table.table)))
    }

    fn mentions(&self, text: &str, link: &Link) -> Mentions {
        let names: HashSet<String> = queryfleet_sql::names(text, link.mode).map(|name| fold(&name)).collect();
        let named = names.iter().filter(|name| self.databases.contains(*name));
        let databases = named.cloned().chain([link.database.clone()]).collect();
        Mentions { names, databases }
    }

    fn mentioned(&self, mentions: &Mentions, of: impl Fn(&Object) -> Ways) -> Ways {
        let mut found = Ways::default();
        for database in &mentions.databases {
            for name in &mentions.names {
                if let Some(object) = self.objects.get(&(database.clone(), name.clone())) {
                    found.take(of(object));
                }
            }
        }
        found
    }
}
