//! Looking at dead jobs, and bringing them back.

use job::RunId;
use mysql_async::prelude::Queryable;
use mysql_async::{Params, Row, Value};

use crate::Error;
use crate::connect::Control;

/// Which dead jobs are meant; everything that is `None` is not asked about.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this run.
    pub run: Option<RunId>,
    /// With this server error code.
    pub code: Option<u16>,
    /// With this SQLSTATE.
    pub sql_state: Option<String>,
    /// For this reason.
    pub reason: Option<String>,
}

impl Filter {
    /// Conditions that begin with AND, and their values.
    fn conditions(&self) -> (String, Vec<Value>) {
        let columns = [
            ("run", self.run.map(|run| Value::from(run.0))),
            ("code", self.code.map(Value::from)),
            ("sql_state", self.sql_state.as_deref().map(Value::from)),
            ("reason", self.reason.as_deref().map(Value::from)),
        ];
        let mut text = String::new();
        let mut values = Vec::new();
        for (column, value) in columns {
            if let Some(value) = value {
                text.push_str(&format!(" AND {column} = ?"));
                values.push(value);
            }
        }
        (text, values)
    }
}

/// Dead jobs that died the same way.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // the columns of queryfleet_dead
pub struct DeadGroup {
    pub run: Option<u64>,
    pub name: Option<String>,
    pub reason: String,
    pub code: Option<u16>,
    pub sql_state: Option<String>,
    pub jobs: u64,
    /// The message of one of them.
    pub example: String,
}

/// A dead job, whole.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // the columns of queryfleet_dead
pub struct DeadRow {
    pub id: u64,
    pub run: Option<u64>,
    pub seq: Option<u64>,
    pub queue: String,
    pub state: String,
    pub reason: String,
    pub code: Option<u16>,
    pub sql_state: Option<String>,
    pub message: String,
    pub first_error: Option<String>,
    pub attempts: u32,
    pub worker: String,
    pub statement: Option<String>,
    pub died: String,
}

/// A job that is on its way back.
#[derive(Clone, Debug)]
pub struct Replaying {
    /// Its dead row.
    pub id: u64,
    /// The queue that it goes to.
    pub queue: String,
    /// The envelope that it goes in.
    pub envelope: Vec<u8>,
}

fn column<T: mysql_async::prelude::FromValue>(row: &Row, index: usize) -> Result<T, Error> {
    let unreadable = || Error::Schema(format!("column {index} of a dead job is unreadable"));
    row.get_opt(index).and_then(Result::ok).ok_or_else(unreadable)
}

impl Control {
    /// Dead jobs that wait for a decision, grouped by run, reason and error.
    ///
    /// # Errors
    /// As connecting and querying can fail.
    pub async fn dead_groups(&mut self, filter: &Filter) -> Result<Vec<DeadGroup>, Error> {
        let (conditions, values) = filter.conditions();
        let query = format!(
            "SELECT run, reason, code, sql_state, COUNT(*), MIN(LEFT(message, 200)), \
             (SELECT r.name FROM {} r WHERE r.id = d.run) FROM {} d \
             WHERE state IN ('dead', 'replaying'){conditions} GROUP BY run, reason, code, sql_state ORDER BY 5 DESC",
            self.database.tables.run, self.database.tables.dead
        );
        let rows = self.dead_query(&query, values).await?;
        let group = |row: &Row| {
            Ok(DeadGroup {
                run: column(row, 0)?,
                reason: column(row, 1)?,
                code: column(row, 2)?,
                sql_state: column(row, 3)?,
                jobs: column(row, 4)?,
                example: column(row, 5)?,
                name: column(row, 6)?,
            })
        };
        rows.iter().map(group).collect()
    }

    /// The dead job of this run and seq, or with this id in the table when no run is given.
    ///
    /// # Errors
    /// As connecting and querying can fail.
    pub async fn dead_row(&mut self, run: Option<RunId>, number: u64) -> Result<Option<DeadRow>, Error> {
        let (condition, values) = match run {
            Some(run) => ("run = ? AND seq = ?", vec![Value::from(run.0), Value::from(number)]),
            None => ("id = ?", vec![Value::from(number)]),
        };
        let query = format!(
            "SELECT id, run, seq, queue, CAST(state AS CHAR), reason, code, sql_state, message, first_error, attempts, \
             worker, statement, DATE_FORMAT(died, '%Y-%m-%d %H:%i:%s') FROM {} WHERE {condition}",
            self.database.tables.dead
        );
        let rows = self.dead_query(&query, values).await?;
        let whole = |row: &Row| {
            Ok(DeadRow {
                id: column(row, 0)?,
                run: column(row, 1)?,
                seq: column(row, 2)?,
                queue: column(row, 3)?,
                state: column(row, 4)?,
                reason: column(row, 5)?,
                code: column(row, 6)?,
                sql_state: column(row, 7)?,
                message: column(row, 8)?,
                first_error: column(row, 9)?,
                attempts: column(row, 10)?,
                worker: column(row, 11)?,
                statement: column(row, 12)?,
                died: column(row, 13)?,
            })
        };
        rows.first().map(whole).transpose()
    }

    /// How many dead jobs a replay of this filter would take.
    ///
    /// # Errors
    /// As connecting and querying can fail.
    pub async fn count_dead(&mut self, filter: &Filter) -> Result<u64, Error> {
        let (conditions, values) = filter.conditions();
        let (dead, open) = (&self.database.tables.dead, self.in_open_runs());
        let query = format!(
            "SELECT COUNT(*) FROM {dead} WHERE state IN ('dead', 'replaying') AND {open}{conditions}"
        );
        let rows = self.dead_query(&query, values).await?;
        rows.first().map_or(Ok(0), |row| column(row, 0))
    }

    /// Now, by the server's clock, as `died` is written by it.
    ///
    /// # Errors
    /// As connecting and querying can fail.
    pub async fn now(&mut self) -> Result<String, Error> {
        let query = "SELECT CAST(CURRENT_TIMESTAMP(3) AS CHAR)";
        let now: Option<String> =
            self.ask("read the server's clock", async |conn| conn.query_first(query).await).await?;
        now.ok_or_else(|| Error::Schema("the server answered no row when asked for the time".into()))
    }

    /// Takes up to `limit` jobs that died before `until` for a replay: in one transaction their ledger rows go and their dead rows turn
    /// to `replaying`. First come those that an earlier replay has left in that state. Jobs of cancelled and purged
    /// runs stay dead.
    ///
    /// # Errors
    /// As connecting and querying can fail; nothing is taken then.
    pub async fn begin_replay(
        &mut self,
        filter: &Filter,
        until: &str,
        limit: u32,
    ) -> Result<Vec<Replaying>, Error> {
        let (mut conditions, mut values) = filter.conditions();
        // What dies again while it is replayed has had its once more.
        conditions.push_str(" AND died < ?");
        values.push(Value::from(until));
        let (dead, ledger) = (self.database.tables.dead.clone(), self.database.tables.ledger.clone());
        let open = self.in_open_runs();
        let select = |state: &str| {
            format!(
                "SELECT id, queue, envelope FROM {dead} WHERE state = '{state}' AND {open}{conditions} \
                 ORDER BY id LIMIT {limit}"
            )
        };
        let left = self.dead_query(&select("replaying"), values.clone()).await?;
        if !left.is_empty() {
            return left.iter().map(replaying).collect();
        }
        let lock = format!("{} FOR UPDATE", select("dead"));
        let taken: Vec<Row> = self
            .ask("take dead jobs for a replay", async |conn| {
                conn.query_drop("START TRANSACTION").await?;
                let rows: Vec<Row> = conn.exec(&lock, params(values)).await?;
                let ids: Vec<String> =
                    rows.iter().filter_map(|row| row.get::<u64, _>(0)).map(|id| id.to_string()).collect();
                if !ids.is_empty() {
                    let ids = ids.join(",");
                    let delete = format!(
                        "DELETE l FROM {ledger} l JOIN {dead} d ON d.run = l.run AND d.seq = l.seq \
                         WHERE d.id IN ({ids}) AND l.state = 'dead'"
                    );
                    conn.query_drop(delete).await?;
                    conn.query_drop(format!("UPDATE {dead} SET state = 'replaying' WHERE id IN ({ids})"))
                        .await?;
                }
                conn.query_drop("COMMIT").await?;
                Ok(rows)
            })
            .await?;
        taken.iter().map(replaying).collect()
    }

    /// Marks jobs as replayed once the broker has confirmed them. One that has died again meanwhile stays dead.
    ///
    /// # Errors
    /// As connecting and querying can fail; the next replay publishes them once more then, and doubles meet the
    /// ledger.
    pub async fn end_replay(&mut self, ids: &[u64]) -> Result<(), Error> {
        let ids = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let dead = &self.database.tables.dead;
        let update =
            format!("UPDATE {dead} SET state = 'replayed' WHERE state = 'replaying' AND id IN ({ids})");
        self.ask("mark jobs as replayed", async |conn| conn.query_drop(update).await).await
    }

    /// Gives dead jobs up: their ledger rows stay `dead`, so that nothing brings them back. Answers how many.
    ///
    /// # Errors
    /// As connecting and querying can fail.
    pub async fn discard(&mut self, filter: &Filter) -> Result<u64, Error> {
        let (conditions, values) = filter.conditions();
        let dead = &self.database.tables.dead;
        let update = format!("UPDATE {dead} SET state = 'discarded' WHERE state = 'dead'{conditions}");
        self.ask("discard dead jobs", async |conn| {
            conn.exec_drop(update, params(values)).await?;
            Ok(conn.affected_rows())
        })
        .await
    }

    /// The condition that a row's run may still be gone on with.
    fn in_open_runs(&self) -> String {
        format!(
            "run IN (SELECT id FROM {} WHERE state IN ('publishing', 'published'))",
            self.database.tables.run
        )
    }

    async fn dead_query(&mut self, query: &str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        self.ask("read dead jobs", async |conn| conn.exec(query, params(values)).await).await
    }
}

fn params(values: Vec<Value>) -> Params {
    if values.is_empty() { Params::Empty } else { Params::Positional(values) }
}

fn replaying(row: &Row) -> Result<Replaying, Error> {
    Ok(Replaying { id: column(row, 0)?, queue: column(row, 1)?, envelope: column(row, 2)? })
}
