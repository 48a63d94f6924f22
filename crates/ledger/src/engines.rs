//! Tables that a transaction does not hold, and whether a statement writes one: by its own text, through a view, or
//! by a trigger.

use std::collections::HashMap;

use job::lexer::{self, SqlMode, TableName};
use mysql_async::prelude::Queryable;

use crate::Error;
use crate::connect::Control;

/// Tables, views and tables with triggers that end in an engine which cannot roll back together with InnoDB.
#[derive(Clone, Debug, Default)]
pub struct NotTransactional {
    /// The database of unqualified names.
    default: String,
    /// By database and table, in lower case: whether names differ by case only is the server's setting, and a clash
    /// of two such names only refuses too much.
    reasons: HashMap<Name, Reason>,
}

type Name = (String, String);

/// Why a table is in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reason {
    /// `database.table`, as the server writes it.
    name: String,
    /// The trigger or view between.
    through: Option<String>,
    /// The table at the end, and its engine.
    end: String,
}

impl Reason {
    fn text(&self) -> String {
        let Reason { name, through, end } = self;
        match through {
            Some(through) => format!("{name} ({through} changes {end})"),
            None => end.clone(),
        }
    }
}

/// A trigger or a view.
struct Link {
    /// The table that it belongs to, or the view itself.
    of: Name,
    reason: Reason,
    text: String,
    /// `None` for a view.
    trigger_mode: Option<SqlMode>,
}

const SYSTEM: &str = "('mysql', 'information_schema', 'performance_schema', 'sys')";

impl NotTransactional {
    /// What the statement writes that is in the list: `database.table (engine)`, by way of what.
    pub fn written_by(&self, sql: &str, database: Option<&str>, mode: SqlMode) -> Option<String> {
        if self.reasons.is_empty() {
            return None;
        }
        let default = database.unwrap_or(&self.default);
        let Some(tables) = lexer::written_tables(sql, mode) else {
            return Some("a table that cannot be told from its text".to_owned());
        };
        tables.iter().find_map(|table| self.reason(table, default)).map(Reason::text)
    }

    /// Those of one database, in the words of [`written_by`](Self::written_by), sorted.
    pub fn of_database(&self, database: &str) -> Vec<String> {
        let database = database.to_lowercase();
        let own = self.reasons.iter().filter(|((schema, _), _)| *schema == database);
        let mut texts: Vec<String> = own.map(|(_, reason)| reason.text()).collect();
        texts.sort_unstable();
        texts
    }

    fn reason(&self, table: &TableName<'_>, default: &str) -> Option<&Reason> {
        let database = table.database.as_deref().unwrap_or(default);
        self.reasons.get(&(database.to_lowercase(), table.table.to_lowercase()))
    }

    /// Takes in whatever leads to what is in the list, until nothing more does.
    fn follow(&mut self, mut links: Vec<Link>) {
        loop {
            let before = links.len();
            links.retain(|link| match self.end_of(link) {
                Some(end) => {
                    let reason = Reason { end, ..link.reason.clone() };
                    self.reasons.entry(link.of.clone()).or_insert(reason);
                    false
                }
                None => true,
            });
            if links.len() == before {
                return;
            }
        }
    }

    fn end_of(&self, link: &Link) -> Option<String> {
        let tables = match link.trigger_mode {
            Some(mode) => lexer::tables_written_by_trigger(&link.text, mode),
            None => lexer::qualified_names(&link.text),
        };
        tables.iter().find_map(|table| self.reason(table, &link.of.0)).map(|reason| reason.end.clone())
    }
}

impl Control {
    /// Looks at the tables of all databases but the server's own, as far as this user may see them, with their
    /// triggers and views. What a stored function or procedure changes is not looked at.
    ///
    /// # Errors
    /// As connecting and querying can fail.
    pub async fn not_transactional(&mut self) -> Result<NotTransactional, Error> {
        let tables = format!(
            "SELECT t.table_schema, t.table_name, t.engine FROM information_schema.tables t \
             LEFT JOIN information_schema.engines e ON e.engine = t.engine \
             WHERE t.table_schema NOT IN {SYSTEM} AND t.engine IS NOT NULL \
             AND NOT (COALESCE(e.transactions, 'NO') = 'YES' AND COALESCE(e.xa, 'NO') = 'YES')"
        );
        let doing = "look for tables without transactions";
        let rows: Vec<(String, String, String)> =
            self.ask(doing, async |conn| conn.query(tables).await).await?;
        let mut found = NotTransactional { default: self.database.schema.clone(), ..Default::default() };
        for (schema, table, engine) in rows {
            let name = format!("{schema}.{table}");
            let end = format!("{name} ({engine})");
            found.reasons.insert(lower(&schema, &table), Reason { name, through: None, end });
        }
        if !found.reasons.is_empty() {
            found.follow(self.links().await?);
        }
        Ok(found)
    }

    /// Every trigger and view that this user may read.
    async fn links(&mut self) -> Result<Vec<Link>, Error> {
        let triggers = format!(
            "SELECT event_object_schema, event_object_table, trigger_name, action_statement, sql_mode \
             FROM information_schema.triggers WHERE event_object_schema NOT IN {SYSTEM}"
        );
        let views = format!(
            "SELECT table_schema, table_name, view_definition FROM information_schema.views \
             WHERE table_schema NOT IN {SYSTEM} AND view_definition IS NOT NULL"
        );
        let doing = "look at triggers and views";
        type Triggers = Vec<(String, String, String, String, String)>;
        type Views = Vec<(String, String, String)>;
        let (triggers, views): (Triggers, Views) =
            self.ask(doing, async |conn| Ok((conn.query(triggers).await?, conn.query(views).await?))).await?;
        let triggers = triggers.into_iter().map(|(schema, table, trigger, text, mode)| {
            link(&schema, &table, format!("trigger {trigger}"), text, Some(SqlMode::from_server(&mode)))
        });
        let views = views
            .into_iter()
            .map(|(schema, view, text)| link(&schema, &view, "the view".to_owned(), text, None));
        Ok(triggers.chain(views).collect())
    }
}

fn link(schema: &str, table: &str, through: String, text: String, trigger_mode: Option<SqlMode>) -> Link {
    let reason = Reason { name: format!("{schema}.{table}"), through: Some(through), end: String::new() };
    Link { of: lower(schema, table), reason, text, trigger_mode }
}

fn lower(schema: &str, table: &str) -> Name {
    (schema.to_lowercase(), table.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger(table: &str, text: &str) -> Link {
        link("Shop", table, format!("trigger of_{table}"), text.into(), Some(SqlMode::default()))
    }

    fn shop() -> NotTransactional {
        let reason = Reason { name: "Shop.Log".into(), through: None, end: "Shop.Log (MyISAM)".into() };
        let mut found = NotTransactional {
            default: "Shop".into(),
            reasons: HashMap::from([(lower("Shop", "Log"), reason)]),
        };
        found.follow(vec![
            trigger("a", "INSERT INTO b VALUES (1)"),
            trigger("b", "BEGIN SET @x = 1; INSERT INTO log VALUES (1); END"),
            trigger("c", "SET NEW.x = (SELECT COUNT(*) FROM log)"),
            link("Shop", "v", "the view".into(), "select `Shop`.`b`.`x` AS `x` from `Shop`.`b`".into(), None),
        ]);
        found
    }

    #[test]
    fn what_ends_in_a_table_without_transactions_is_found() {
        let shop = shop();
        let through = |way: &str| Some(format!("{way} changes Shop.Log (MyISAM))"));
        for (sql, database, wanted) in [
            ("INSERT INTO LOG VALUES (1)", None, Some("Shop.Log (MyISAM)".to_owned())),
            ("INSERT INTO shop.log VALUES (1)", Some("other"), Some("Shop.Log (MyISAM)".to_owned())),
            ("INSERT INTO log VALUES (1)", Some("other"), None),
            ("UPDATE b SET x = 1", None, through("Shop.b (trigger of_b")),
            ("DELETE FROM a", None, through("Shop.a (trigger of_a")),
            ("UPDATE v SET x = 1", None, through("Shop.v (the view")),
            ("UPDATE c SET x = 1", None, None),
            ("INSERT INTO c SELECT * FROM log", None, None),
        ] {
            assert_eq!(shop.written_by(sql, database, SqlMode::default()), wanted, "{sql}");
        }
        assert_eq!(shop.of_database("shop").len(), 4);
        assert!(shop.of_database("other").is_empty());
    }
}
