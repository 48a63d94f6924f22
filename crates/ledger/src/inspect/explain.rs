//! What the server says it would do for a statement.

use std::collections::HashMap;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};
use queryfleet_job::Job;
use queryfleet_sql::TableName;

use crate::error_code::READ_ONLY_TRANSACTION;
use crate::quote::quoted;
use crate::session::bind;
use crate::{Database, Error, SessionFacts};

/// How long the server may think about one statement.
const EXPLAIN_TIMEOUT: Duration = Duration::from_secs(60);

/// A foreign key mostly refers to a table of its own database, and only there it is looked for: others would have to be
/// opened one by one.
const BESIDE: &str = "SELECT table_type, \
    EXISTS (SELECT 1 FROM information_schema.triggers \
        WHERE event_object_schema = ? AND event_object_table = ?), \
    EXISTS (SELECT 1 FROM information_schema.referential_constraints \
        WHERE constraint_schema = ? AND referenced_table_name = ? \
        AND delete_rule IN ('CASCADE', 'SET NULL')) \
    FROM information_schema.tables WHERE table_schema = ? AND table_name = ?";

/// A session like those of the run's jobs, which only asks. Opens itself at the first question, and again when the
/// server has closed it meanwhile.
pub struct Explainer<'a> {
    database: &'a Database,
    session_sql: Option<&'a str>,
    session: Option<(Conn, SessionFacts)>,
}

/// One table that a statement reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Which SELECT of the statement reads it.
    pub select: u64,
    /// Its name in the statement.
    pub table: String,
    /// Whether all of the table, or all of an index, is read.
    pub all: bool,
    /// How many rows the server thinks it reads, for each row of the tables before.
    pub rows: u64,
}

/// The rows that a statement reads, by the server's estimate. The tables of one SELECT are joined, so theirs multiply.
pub fn rows_read(accesses: &[Access]) -> u64 {
    let mut selects = HashMap::<u64, u64>::new();
    for access in accesses {
        let rows = selects.entry(access.select).or_insert(1);
        *rows = rows.saturating_mul(access.rows.max(1));
    }
    selects.into_values().fold(0, u64::saturating_add)
}

/// What a write to a table makes the server do beside it, as far as this account can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// The table has triggers.
    Triggers,
    /// A foreign key deletes or changes rows of another table when those of this one are deleted.
    Cascade,
    /// Not known: it is a view, or it cannot be seen.
    Unknown,
}

impl Database {
    /// Asks about jobs of a run with this session SQL; connects to nothing yet.
    pub fn explainer<'a>(&'a self, session_sql: Option<&'a str>) -> Explainer<'a> {
        Explainer { database: self, session_sql, session: None }
    }
}

impl Explainer<'_> {
    /// What the server would read for the statement of a job: an INSERT, REPLACE, UPDATE, DELETE, SELECT or WITH, as
    /// [`Catalog::explaining`](crate::Catalog::explaining) allows it. `None` for a query that would write, so that the server
    /// refuses it in a read-only transaction.
    ///
    /// # Errors
    /// With a code of the server's ([`Error::code`]) what it has against the statement; otherwise an error without a code: the
    /// database cannot be reached or is silent for a minute.
    pub async fn explain(&mut self, job: &Job, read_only: bool) -> Result<Option<Vec<Access>>, Error> {
        let kept = self.session.is_some();
        match self.explain_once(job, read_only).await {
            Err(error) if kept && error.code().is_none() => self.explain_once(job, read_only).await,
            Err(error) if read_only && error.code() == Some(READ_ONLY_TRANSACTION) => Ok(None),
            result => result,
        }
    }

    /// What a write to this table makes the server do beside it. `database` is the current one of the statement, if that is
    /// not the connection's own.
    ///
    /// # Errors
    /// As [`Explainer::explain`].
    pub async fn beside(&mut self, table: &TableName<'_>, database: Option<&str>) -> Result<Beside, Error> {
        let (mut conn, facts) = match self.session.take() {
            Some(session) => session,
            None => self.database.connect(self.session_sql).await?,
        };
        let database = table.database.as_deref().or(database).unwrap_or(&self.database.schema);
        let names = (database, &*table.table, database, &*table.table, database, &*table.table);
        let asking = tokio::time::timeout(EXPLAIN_TIMEOUT, conn.exec_first(BESIDE, names));
        let Ok(found) = asking.await else {
            return Err(self.database.timed_out(EXPLAIN_TIMEOUT, "look at a table"));
        };
        let found: Option<(String, bool, bool)> = found.map_err(Error::query("look at a table"))?;
        self.session = Some((conn, facts));
        Ok(match found {
            Some((_, true, _)) => Beside::Triggers,
            Some((_, _, true)) => Beside::Cascade,
            Some((kind, ..)) if kind == "BASE TABLE" => Beside::Nothing,
            _ => Beside::Unknown,
        })
    }

    async fn explain_once(&mut self, job: &Job, read_only: bool) -> Result<Option<Vec<Access>>, Error> {
        let (mut conn, facts) = match self.session.take() {
            Some(session) => session,
            None => self.database.connect(self.session_sql).await?,
        };
        let asking =
            tokio::time::timeout(EXPLAIN_TIMEOUT, ask(&mut conn, &facts, self.database, job, read_only));
        let Ok(rows) = asking.await else {
            return Err(self.database.timed_out(EXPLAIN_TIMEOUT, "explain a statement"));
        };
        if rows.as_ref().err().is_none_or(|error| error.code().is_some()) {
            self.session = Some((conn, facts));
        }
        Ok(Some(rows?.iter().filter_map(access).collect()))
    }
}

async fn ask(
    conn: &mut Conn,
    facts: &SessionFacts,
    database: &Database,
    job: &Job,
    read_only: bool,
) -> Result<Vec<Row>, Error> {
    let failed = Error::query("explain");
    let statement = bind::statement(job, facts.sql_mode).map_err(Error::Schema)?;
    let current = quoted(job.database.as_deref().unwrap_or(&database.schema));
    // MySQL 9 answers a tree unless it is asked for the table.
    let text = format!("/* queryfleet plan */ EXPLAIN FORMAT=TRADITIONAL {statement}\n");
    conn.query_drop(format!("USE {current}")).await.map_err(&failed)?;
    let begin = if read_only { "START TRANSACTION READ ONLY" } else { "START TRANSACTION" };
    conn.query_drop(begin).await.map_err(&failed)?;
    let rows = conn.query(text).await.map_err(&failed);
    conn.query_drop("ROLLBACK").await.map_err(&failed)?;
    rows
}

/// The access of one row; `None` for what reads no table.
fn access(row: &Row) -> Option<Access> {
    let text = |name: &str| row.get_opt::<Option<String>, _>(name).and_then(Result::ok).flatten();
    let number = |name: &str| row.get_opt::<Option<u64>, _>(name).and_then(Result::ok).flatten();
    if matches!(text("select_type").as_deref(), Some("INSERT" | "REPLACE")) {
        return None;
    }
    Some(Access {
        select: number("id").unwrap_or_default(),
        table: text("table")?,
        all: matches!(text("type")?.as_str(), "ALL" | "index"),
        rows: number("rows")?,
    })
}
