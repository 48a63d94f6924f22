//! Runs that hold their queue when too many of their jobs die.
//!
//! The death itself is committed as always, without a counter that all deaths would write. Whoever looks counts: any worker,
//! so that it does not matter which one dies. The hold has a mark that is unique, so that one is placed however many look.

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Row, params};
use queryfleet_job::{Halt, RunId, Tally};

use crate::Error;
use crate::connection::LedgerClient;
use crate::error_code::NO_COLUMN;
use crate::row;

/// Who places the hold.
pub const HALT: &str = "halt";

/// The base as a text.
const BASE: &str = "COALESCE(halt_base, '0/0')";

/// A run that holds its queue at some number of dead jobs.
#[derive(Clone, Debug)]
pub struct GuardedRun {
    /// Its id.
    pub id: RunId,
    /// Its name.
    pub name: String,
    /// Its queue.
    pub queue: String,
    /// How many jobs it has, once all are published.
    pub total: Option<u64>,
    /// The number.
    pub halt: Halt,
    /// What had ended when somebody last resumed it.
    pub base: Tally,
}

/// What a run's row says of its guard.
#[derive(FromRow)]
struct HaltRow {
    id: u64,
    name: String,
    queue: String,
    total: Option<u64>,
    halt: String,
    halt_base: Option<String>,
}

/// The guards of runs; see [`LedgerClient::halts`].
pub struct Halts<'a> {
    pub(super) client: &'a mut LedgerClient,
}

impl Halts<'_> {
    /// Sets at how many dead jobs a run holds its queue.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn set(&mut self, run: RunId, halt: Halt) -> Result<(), Error> {
        let update = format!("UPDATE {} SET halt = ? WHERE id = ?", self.client.database.tables.run);
        self.client
            .ask("guard the run", async |conn| conn.exec_drop(update, (halt.to_string(), run.0)).await)
            .await
    }

    /// Those of these runs that are open and guarded.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn of(&mut self, runs: &[RunId]) -> Result<Vec<GuardedRun>, Error> {
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = runs.iter().map(RunId::to_string).collect();
        let query = format!(
            "SELECT id, name, queue, total, halt, halt_base FROM {} \
             WHERE id IN ({}) AND halt IS NOT NULL AND state IN ('publishing', 'published')",
            self.client.database.tables.run,
            ids.join(", ")
        );
        let rows: Result<Vec<Row>, Error> =
            self.client.ask("read which runs are guarded", async |conn| conn.query(query).await).await;
        let rows = match rows {
            // The tables were made by a version without guards.
            Err(error) if error.code() == Some(NO_COLUMN) => return Ok(Vec::new()),
            rows => rows?,
        };
        let rows = rows.into_iter().map(|found| row::read(found, "queryfleet_run"));
        let rows = rows.collect::<Result<Vec<HaltRow>, Error>>()?;
        let guarded = |HaltRow { id, name, queue, total, halt, halt_base }| {
            let base = Tally::decode(&halt_base.unwrap_or_default());
            Some(GuardedRun { id: RunId(id), name, queue, total, halt: halt.parse().ok()?, base })
        };
        Ok(rows.into_iter().filter_map(guarded).collect())
    }

    /// How many jobs of a run are dead, and how many have ended: as many as the last of them says, since jobs end in their
    /// order by and large.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn tally(&mut self, run: RunId) -> Result<Tally, Error> {
        let tables = &self.client.database.tables;
        let query = format!(
            "SELECT (SELECT COALESCE(MAX(seq), 0) FROM {} WHERE run = {run}), \
             (SELECT COUNT(*) FROM {} WHERE run = {run} AND state = 'dead')",
            tables.ledger, tables.dead
        );
        let found: Option<(u64, u64)> = self
            .client
            .ask("count the dead jobs of a run", async |conn| conn.query_first(query).await)
            .await?;
        let (ended, dead) = found.unwrap_or_default();
        Ok(Tally { ended, dead })
    }

    /// Holds the queue of a run for its dead jobs, unless somebody has done so already, or has resumed or cancelled it since its
    /// row was read. Returns whether it did.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the row.
    pub async fn hold(&mut self, run: &GuardedRun, because: &str) -> Result<bool, Error> {
        let insert = format!(
            "INSERT IGNORE INTO {} (queue, placed, ends_running, placed_by, because, mark) \
             SELECT queue, UTC_TIMESTAMP(3), 0, '{HALT}', :because, :mark FROM {} \
             WHERE id = :run AND {BASE} = :base AND state IN ('publishing', 'published')",
            self.client.database.tables.hold, self.client.database.tables.run
        );
        let values = params! {
            "because" => because,
            "mark" => mark(run.id),
            "run" => run.id.0,
            "base" => run.base.encode(),
        };
        self.client
            .ask("hold the queue", async |conn| {
                conn.exec_drop(insert, values).await?;
                Ok(conn.affected_rows() > 0)
            })
            .await
    }

    /// Whether the queue of a run is held for its dead jobs.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn is_held(&mut self, run: RunId) -> Result<bool, Error> {
        let query = format!("SELECT 1 FROM {} WHERE mark = ?", self.client.database.tables.hold);
        let found: Result<Option<u8>, Error> = self
            .client
            .ask("read whether a run is halted", async |conn| conn.exec_first(query, (mark(run),)).await)
            .await;
        match found {
            Err(error) if error.code() == Some(NO_COLUMN) => Ok(false),
            found => Ok(found?.is_some()),
        }
    }

    /// The runs for whose dead jobs a queue is held.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn held(&mut self, queue: &str) -> Result<Vec<(u64, RunId)>, Error> {
        let query = format!(
            "SELECT id, mark FROM {} WHERE queue = ? AND mark IS NOT NULL",
            self.client.database.tables.hold
        );
        let rows: Result<Vec<(u64, String)>, Error> = self
            .client
            .ask("read which runs are halted", async |conn| conn.exec(query, (queue,)).await)
            .await;
        let rows = match rows {
            Err(error) if error.code() == Some(NO_COLUMN) => Vec::new(),
            rows => rows?,
        };
        let run = |(id, mark): (u64, String)| Some((id, RunId(mark.strip_prefix("run ")?.parse().ok()?)));
        Ok(rows.into_iter().filter_map(run).collect())
    }

    /// Lowers the bases of runs by the dead jobs that were replayed, replaced or discarded since somebody has resumed them: what
    /// dies next counts. Returns which were lowered.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses a query.
    pub async fn lower_bases(&mut self) -> Result<Vec<LoweredBase>, Error> {
        let runs = self.client.database.tables.run.clone();
        let query = format!("SELECT id, halt_base FROM {runs} WHERE halt_base IS NOT NULL");
        let found: Result<Vec<(u64, String)>, Error> =
            self.client.ask("read what guards have seen", async |conn| conn.query(query).await).await;
        let found = match found {
            Err(error) if error.code() == Some(NO_COLUMN) => return Ok(Vec::new()),
            found => found?,
        };
        let mut lowered = Vec::new();
        for (run, text) in found {
            let base = Tally::decode(&text);
            let dead = self.tally(RunId(run)).await?.dead;
            if dead >= base.dead {
                continue;
            }
            let to = Tally { dead, ..base };
            self.change_base(RunId(run), &text, to).await?;
            lowered.push(LoweredBase { run: RunId(run), from: base, to });
        }
        Ok(lowered)
    }

    /// Raises a base again, since so many of the jobs by which it was lowered stay dead.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn raise_base(&mut self, lowered: &LoweredBase, jobs: u64) -> Result<(), Error> {
        let LoweredBase { run, from, to } = *lowered;
        let raised = Tally { dead: to.dead.saturating_add(jobs).min(from.dead), ..to };
        self.change_base(run, &to.encode(), raised).await
    }

    /// Not of a run that somebody has resumed meanwhile.
    async fn change_base(&mut self, run: RunId, from: &str, to: Tally) -> Result<(), Error> {
        let update = format!(
            "UPDATE {} SET halt_base = ? WHERE id = ? AND halt_base = ?",
            self.client.database.tables.run
        );
        let values = (to.encode(), run.0, from);
        self.client.ask("note what a guard has seen", async |conn| conn.exec_drop(update, values).await).await
    }

    /// From now on only what dies and ends after this tally counts.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn set_base(&mut self, run: RunId, base: Tally) -> Result<(), Error> {
        let update = format!("UPDATE {} SET halt_base = ? WHERE id = ?", self.client.database.tables.run);
        self.client
            .ask("note what the guard has seen", async |conn| {
                conn.exec_drop(update, (base.encode(), run.0)).await
            })
            .await
    }
}

/// A base that was lowered.
#[derive(Clone, Copy, Debug)]
pub struct LoweredBase {
    /// Of this run.
    pub run: RunId,
    from: Tally,
    to: Tally,
}

/// What no two holds have.
fn mark(run: RunId) -> String {
    format!("run {run}")
}
