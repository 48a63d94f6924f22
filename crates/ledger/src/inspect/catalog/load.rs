//! Reads the catalog from information_schema, once a publish.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use queryfleet_sql::{self, SqlMode};

use super::grants::Grants;
use super::links::{Link, Of};
use super::name::{fold, name};
use super::reason::{Because, TRIGGERS_UNSEEN, Ways, Why};
use super::schema_objects::{Catalog, Object};
use crate::Error;
use crate::connection::LedgerClient;

/// Spider and MyRocks have transactions, too: but Spider commits its other server apart from our row unless it is told to, and
/// MyRocks does not roll back to a savepoint.
const TABLES: &str = "SELECT table_schema, table_name, table_type, engine, COALESCE(engine = 'InnoDB', 0) \
    FROM information_schema.tables WHERE table_schema <> 'information_schema'";
const TRIGGERS: &str = "SELECT event_object_schema, event_object_table, trigger_name, action_statement, sql_mode \
    FROM information_schema.triggers";
const ROUTINES: &str = "SELECT routine_schema, routine_name, routine_type, \
    IF(routine_body = 'SQL', routine_definition, NULL), sql_mode FROM information_schema.routines";
const VIEWS: &str = "SELECT table_schema, table_name, view_definition FROM information_schema.views";
const COUNTING: &str = "SELECT DISTINCT table_schema, table_name FROM information_schema.columns \
    WHERE column_default LIKE '%nextval(%'";

const TRIGGER: &str = "GRANT TRIGGER on it to this account";
const SHOW_VIEW: &str = "GRANT SELECT, SHOW VIEW on it to this account";
const SHOW_ROUTINE: &str = "GRANT SHOW CREATE ROUTINE (MariaDB 11.3), SELECT ON mysql.proc (before) or SHOW_ROUTINE (MySQL) to this account";

type Table = (String, String, String, Option<String>, bool);
type Trigger = (String, String, String, Option<String>, String);
type Routine = (String, String, String, Option<String>, String);
type View = (String, String, Option<String>);

/// The rows as they came.
struct Rows {
    grants: Grants,
    tables: Vec<Table>,
    counting: Vec<(String, String)>,
    views: Vec<View>,
    triggers: Vec<Trigger>,
    routines: Vec<Routine>,
}

/// Looks at all tables, views, triggers and routines that this account may see.
pub(crate) async fn load(client: &mut LedgerClient) -> Result<Catalog, Error> {
    let rows = client.ask("look for what no transaction holds", read).await?;
    let mut catalog = Catalog::new(&client.database.schema, rows.grants);
    for table in rows.tables {
        catalog.add_table(table);
    }
    for (database, table) in rows.counting {
        let Some(object) = catalog.objects.get_mut(&name(&database, &table)) else { continue };
        let end = format!("{} (which draws from a sequence)", object.name);
        object.counts = true;
        object.written.take(Ways::outside(end, Because::Sequence));
    }
    let views = rows.views.into_iter().map(view);
    let links = views.chain(rows.triggers.into_iter().map(trigger));
    let links: Vec<Link> = links.chain(rows.routines.into_iter().map(routine)).collect();
    Ok(catalog.finish(&links))
}

async fn read(conn: &mut Conn) -> Result<Rows, mysql_async::Error> {
    let version: Option<String> = conn.query_first("SELECT VERSION()").await?;
    let is_mariadb = version.is_some_and(|version| version.contains("MariaDB"));
    let tables: Vec<Table> = conn.query(TABLES).await?;
    let lines: Vec<String> = conn.query("SHOW GRANTS").await?;
    let grants = Grants::read(&lines, is_mariadb);
    // Reading all columns takes its time: only where there are sequences, or may be.
    let sequences = tables.iter().any(|(_, _, kind, ..)| kind == "SEQUENCE") || !grants.see_all();
    Ok(Rows {
        grants,
        counting: if is_mariadb && sequences { conn.query(COUNTING).await? } else { Vec::new() },
        tables,
        views: conn.query(VIEWS).await?,
        triggers: conn.query(TRIGGERS).await?,
        routines: conn.query(ROUTINES).await?,
    })
}

impl Catalog {
    fn add_table(&mut self, (database, table, kind, engine, is_innodb): Table) {
        let full = format!("{database}.{table}");
        let key = name(&database, &table);
        let is_view = kind == "VIEW";
        let mut written = match engine {
            _ if is_view => Ways::default(),
            _ if kind == "SEQUENCE" => Ways::outside(format!("{full} (a sequence)"), Because::Sequence),
            Some(_) if is_innodb => Ways::default(),
            engine => {
                let engine = engine.as_deref().unwrap_or("of an engine that does not answer");
                Ways::outside(format!("{full} ({engine})"), Because::Engine)
            }
        };
        if !is_view && !self.grants.see_triggers(&key.0, &key.1) {
            written.take(Ways::outside(TRIGGERS_UNSEEN.to_owned(), Because::Unseen(TRIGGER)));
        }
        if queryfleet_job::is_own_table(&key.1) {
            written.ours = Some(Why { through: None, end: full.clone(), because: Because::Ours });
        }
        self.databases.insert(key.0.clone());
        self.objects.insert(key, Object { name: full, written, ..Object::default() });
    }
}

fn view((database, view, text): View) -> Link {
    Link {
        of: Of::View(name(&database, &view)),
        through: "the view".into(),
        database: fold(&database),
        text: text.filter(|text| !text.is_empty()),
        mode: SqlMode::default(),
        unseen: ("its definition cannot be seen".into(), SHOW_VIEW),
    }
}

fn trigger((database, table, trigger, text, mode): Trigger) -> Link {
    Link {
        of: Of::Table(name(&database, &table)),
        through: format!("trigger {trigger}"),
        database: fold(&database),
        text: text.filter(|text| !text.is_empty()),
        mode: SqlMode::from_server(&mode),
        unseen: ("it cannot be seen".into(), TRIGGER),
    }
}

fn routine((database, routine, kind, text, mode): Routine) -> Link {
    Link {
        of: Of::Routine(name(&database, &routine)),
        through: format!("{} {database}.{routine}", kind.to_lowercase()),
        database: fold(&database),
        text: text.filter(|text| !text.is_empty()),
        mode: SqlMode::from_server(&mode),
        unseen: (format!("the definition of {database}.{routine} cannot be seen"), SHOW_ROUTINE),
    }
}
