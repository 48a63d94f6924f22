//! Looking at dead jobs, and bringing them back.

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Params, Row, Value};
use queryfleet_job::RunId;

use crate::Error;
use crate::connection::LedgerClient;
use crate::row;
use crate::tables::Tables;

/// The states of a run that may still be resumed.
const OPEN: &str = "('publishing', 'published')";
/// Rows per DELETE.
const ROWS_PER_DELETE: u64 = 1000;

/// Characters of a statement by which it is told from others.
const SHAPE_CHARACTERS: u32 = 4096;
/// The columns of a [`DeadJob`]. Not the statement: the envelope has it, and both together may be above
/// max_allowed_packet.
const WHOLE: &str = "id, run, seq, queue, CAST(state AS CHAR) AS state, reason, code, sql_state, message, first_error, \
    attempts, worker, DATE_FORMAT(died, '%Y-%m-%d %H:%i:%s') AS died, envelope, signature";

/// Which dead jobs are meant; everything that is `None` is not asked about.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this run.
    pub run: Option<RunId>,
    /// With this place in its run.
    pub seq: Option<u64>,
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
            ("seq", self.seq.map(Value::from)),
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

/// A dead job, as much of it as tells it from others.
#[derive(Clone, Debug, FromRow)]
#[allow(missing_docs)] // the columns of queryfleet_dead
pub struct DeadLine {
    pub id: u64,
    pub run: Option<u64>,
    pub seq: Option<u64>,
    /// The name of the run.
    pub name: Option<String>,
    pub reason: String,
    pub code: Option<u16>,
    pub sql_state: Option<String>,
    /// The start of it.
    pub message: String,
    /// The start of it.
    pub statement: Option<String>,
}

/// A dead job, whole.
#[derive(Clone, Debug, FromRow)]
#[allow(missing_docs)] // the columns of queryfleet_dead
pub struct DeadJob {
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
    pub died: String,
    pub envelope: Vec<u8>,
    pub signature: Option<String>,
}

/// A dead job that a replay may bring back.
#[derive(Clone, Debug)]
pub struct ReplayableJob {
    /// Its dead row.
    pub id: u64,
    /// Its run.
    pub run: RunId,
    /// Its place in the run.
    pub seq: u64,
    /// The queue that it was served from.
    pub queue: String,
    /// The envelope that it goes in.
    pub envelope: Vec<u8>,
    /// The signature of the envelope.
    pub signature: Option<String>,
}

/// Dead jobs; see [`LedgerClient::dead_jobs`].
pub struct DeadJobs<'a> {
    pub(super) client: &'a mut LedgerClient,
}

impl DeadJobs<'_> {
    /// Up to `limit` dead jobs that wait for a decision, in short, by growing id from behind `after`.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn lines(&mut self, filter: &Filter, after: u64, limit: u32) -> Result<Vec<DeadLine>, Error> {
        let (conditions, values) = filter.conditions();
        let query = format!(
            "SELECT id, run, seq, (SELECT r.name FROM {} r WHERE r.id = d.run) AS name, reason, code, sql_state, \
             LEFT(message, 200) AS message, LEFT(statement, {SHAPE_CHARACTERS}) AS statement FROM {} d \
             WHERE id > {after} AND state IN ('dead', 'replaying'){conditions} ORDER BY id LIMIT {limit}",
            self.client.database.tables.run, self.client.database.tables.dead
        );
        self.query(&query, values).await
    }

    /// Up to `limit` dead jobs that wait for a decision, whole, in the order of their runs' ids and of their seqs, from
    /// behind this run and seq.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn whole(
        &mut self,
        filter: &Filter,
        after: (u64, u64),
        limit: u32,
    ) -> Result<Vec<DeadJob>, Error> {
        let (conditions, values) = filter.conditions();
        let (run, seq) = after;
        let query = format!(
            "SELECT {WHOLE} FROM {} WHERE (run > {run} OR run = {run} AND seq > {seq}) \
             AND state IN ('dead', 'replaying') AND seq IS NOT NULL{conditions} ORDER BY run, seq LIMIT {limit}",
            self.client.database.tables.dead
        );
        self.query(&query, values).await
    }

    /// How many jobs [`discard`](Self::discard) would give up.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn discardable(&mut self, filter: &Filter) -> Result<u64, Error> {
        let (conditions, values) = filter.conditions();
        let query = format!(
            "SELECT COUNT(*) FROM {} WHERE (state = 'dead' OR state = 'discarded' AND run IS NULL){conditions}",
            self.client.database.tables.dead
        );
        let count: Option<u64> = self
            .client
            .ask("count dead jobs", async |conn| conn.exec_first(query, params(values)).await)
            .await?;
        Ok(count.unwrap_or(0))
    }

    /// The dead job of this run and seq, or with this id in the table when no run is given.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn find(&mut self, run: Option<RunId>, number: u64) -> Result<Option<DeadJob>, Error> {
        let (condition, values) = match run {
            Some(run) => ("run = ? AND seq = ?", vec![Value::from(run.0), Value::from(number)]),
            None => ("id = ?", vec![Value::from(number)]),
        };
        let query = format!("SELECT {WHOLE} FROM {} WHERE {condition}", self.client.database.tables.dead);
        Ok(self.query(&query, values).await?.into_iter().next())
    }

    /// The id of the newest dead row, 0 when there is none: a row keeps its id when its job dies again.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn newest_id(&mut self) -> Result<u64, Error> {
        let query = format!("SELECT COALESCE(MAX(id), 0) FROM {}", self.client.database.tables.dead);
        let newest: Option<u64> =
            self.client.ask("find the newest dead job", async |conn| conn.query_first(query).await).await?;
        Ok(newest.unwrap_or(0))
    }

    /// Up to `limit` jobs of a filter that a replay may take, by growing id from behind `ids.0` to `ids.1`: dead ones, and
    /// those that an earlier replay has left in the middle. Jobs of cancelled and purged runs are none of them.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn replayable(
        &mut self,
        filter: &Filter,
        ids: (u64, u64),
        limit: u32,
    ) -> Result<Vec<ReplayableJob>, Error> {
        let (conditions, values) = filter.conditions();
        let Tables { dead, run, .. } = &self.client.database.tables;
        let (after, until) = ids;
        let query = format!(
            "SELECT id, run, seq, queue, envelope, signature FROM {dead} WHERE id > {after} AND id <= {until} \
             AND state IN ('dead', 'replaying') AND seq IS NOT NULL \
             AND run IN (SELECT id FROM {run} WHERE state IN {OPEN}){conditions} ORDER BY id LIMIT {limit}"
        );
        let rows = self.query::<(u64, u64, u64, String, Vec<u8>, Option<String>)>(&query, values).await?;
        let job = |(id, run, seq, queue, envelope, signature)| ReplayableJob {
            id,
            run: RunId(run),
            seq,
            queue,
            envelope,
            signature,
        };
        Ok(rows.into_iter().map(job).collect())
    }

    /// Takes dead jobs for a replay, and returns which: in one transaction their ledger rows go and their dead rows turn
    /// to `replaying`. Not those whose run was cancelled or purged meanwhile, nor those that the ledger does not call dead.
    /// The run's row is locked, so that a cancel comes before this or after all of it.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses a statement. Nothing is taken then.
    pub async fn begin_replay(&mut self, ids: &[u64]) -> Result<Vec<u64>, Error> {
        let ids = list(ids);
        let database = self.client.database.clone();
        let Tables { dead, ledger, run, .. } = &database.tables;
        let lock = format!(
            "SELECT d.id FROM {dead} d JOIN {run} r ON r.id = d.run \
             LEFT JOIN {ledger} l ON l.run = d.run AND l.seq = d.seq \
             WHERE d.id IN ({ids}) AND r.state IN {OPEN} \
             AND (d.state = 'replaying' OR d.state = 'dead' AND l.state = 'dead') FOR UPDATE"
        );
        self.client
            .ask("take dead jobs for a replay", async |conn| {
                conn.query_drop("START TRANSACTION").await?;
                let taken: Vec<u64> = conn.query(lock).await?;
                if !taken.is_empty() {
                    let ids = list(&taken);
                    let delete = format!(
                        "DELETE l FROM {ledger} l JOIN {dead} d ON d.run = l.run AND d.seq = l.seq \
                     WHERE d.id IN ({ids}) AND l.state = 'dead'"
                    );
                    conn.query_drop(delete).await?;
                    conn.query_drop(format!("UPDATE {dead} SET state = 'replaying' WHERE id IN ({ids})"))
                        .await?;
                }
                conn.query_drop("COMMIT").await?;
                Ok(taken)
            })
            .await
    }

    /// Marks jobs as replayed once the broker has confirmed them. One that has died again meanwhile stays dead.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses a statement. The next replay then publishes them once more, and doubles meet the
    /// ledger.
    pub async fn end_replay(&mut self, ids: &[u64]) -> Result<(), Error> {
        let ids = list(ids);
        let dead = &self.client.database.tables.dead;
        let update =
            format!("UPDATE {dead} SET state = 'replayed' WHERE state = 'replaying' AND id IN ({ids})");
        self.client.ask("mark jobs as replayed", async |conn| conn.query_drop(update).await).await
    }

    /// Puts back what [`begin_replay`](Self::begin_replay) has taken and the broker does not take: dead as before. One whose
    /// message was published after all, and has ended, counts as replayed.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses a statement. They stay taken then, and the next replay takes them.
    pub async fn take_back(&mut self, ids: &[u64]) -> Result<(), Error> {
        let ids = list(ids);
        let database = self.client.database.clone();
        let Tables { dead, ledger, .. } = &database.tables;
        let rows = format!(
            "INSERT IGNORE INTO {ledger} (run, seq, state) \
             SELECT run, seq, 'dead' FROM {dead} WHERE id IN ({ids}) AND state = 'replaying'"
        );
        let states = as_ended(&database.tables, &format!("d.id IN ({ids})"));
        self.client
            .ask("put back dead jobs that cannot be replayed", async |conn| {
                conn.query_drop("START TRANSACTION").await?;
                conn.query_drop(rows).await?;
                conn.query_drop(states).await?;
                conn.query_drop("COMMIT").await
            })
            .await
    }

    /// Gives dead jobs up: their ledger rows stay `dead`, so that nothing brings them back. What was no job, a message
    /// without a run in this ledger, is deleted. Returns how many.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses a statement; calling it again resumes.
    pub async fn discard(&mut self, filter: &Filter) -> Result<u64, Error> {
        let (conditions, values) = filter.conditions();
        let dead = &self.client.database.tables.dead;
        let jobs = format!(
            "UPDATE {dead} SET state = 'discarded' WHERE state = 'dead' AND run IS NOT NULL{conditions}"
        );
        let messages = format!(
            "DELETE FROM {dead} WHERE state IN ('dead', 'discarded') AND run IS NULL{conditions} LIMIT {ROWS_PER_DELETE}"
        );
        // What a replay that was killed has left, and has ended since: it is nobody's to replay.
        let left = as_ended(&self.client.database.tables, "l.state <> 'started'");
        self.changed(&left, Vec::new()).await?;
        let mut discarded = self.changed(&jobs, values.clone()).await?;
        loop {
            let deleted = self.changed(&messages, values.clone()).await?;
            discarded += deleted;
            if deleted < ROWS_PER_DELETE {
                return Ok(discarded);
            }
        }
    }

    async fn changed(&mut self, statement: &str, values: Vec<Value>) -> Result<u64, Error> {
        self.client
            .ask("discard dead jobs", async |conn| {
                conn.exec_drop(statement, params(values)).await?;
                Ok(conn.affected_rows())
            })
            .await
    }

    async fn query<T: FromRow>(&mut self, query: &str, values: Vec<Value>) -> Result<Vec<T>, Error> {
        let rows: Vec<Row> =
            self.client.ask("read dead jobs", async |conn| conn.exec(query, params(values)).await).await?;
        rows.into_iter().map(|row| row::read(row, "queryfleet_dead")).collect()
    }
}

fn params(values: Vec<Value>) -> Params {
    if values.is_empty() { Params::Empty } else { Params::Positional(values) }
}

/// Gives the rows that a replay has taken, of these jobs, the state in which their jobs have ended.
fn as_ended(tables: &Tables, which: &str) -> String {
    let Tables { dead, ledger, .. } = tables;
    format!(
        "UPDATE {dead} d JOIN {ledger} l ON l.run = d.run AND l.seq = d.seq \
         SET d.state = IF(l.state = 'dead', 'dead', 'replayed') WHERE d.state = 'replaying' AND {which}"
    )
}

pub(crate) fn list(ids: &[u64]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
