//! The ledger rows of a run's jobs: counted by blocks of seq, and written for jobs that are cancelled.

use std::collections::BTreeMap;
use std::fmt::Write;

use mysql_async::prelude::Queryable;
use queryfleet_job::{LedgerState, RunId};

use crate::connection::LedgerClient;
use crate::error_code::{DEADLOCK, LOCK_WAIT};
use crate::session::ledger_row::parse_state;
use crate::{Error, Run};

/// Jobs per block: small enough to count in a few milliseconds, large enough that a poll needs few.
pub const SEQS_PER_BLOCK: u64 = 10_000;
/// Jobs that one query about a whole run reads at most: some 3 s, far from [`LedgerClient`]'s limit of a minute.
const SEQS_PER_QUERY: u64 = 10_000_000;

/// Jobs that are looked at to say how many have ended lately: some 50 ms.
const SEQS_LATELY: i64 = 200_000;
/// Jobs that one INSERT cancels: a million takes some 1.5 s in all.
const ROWS_PER_INSERT: u64 = 10_000;

/// How many jobs of a run, or of a block of it, are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Took effect.
    pub done: u64,
    /// Will not be tried again.
    pub dead: u64,
    /// Cancelled before they ran.
    pub cancelled: u64,
    /// Not atomic and begun.
    pub started: u64,
}

impl Counts {
    /// Jobs that have ended.
    pub fn ended(&self) -> u64 {
        self.done + self.dead + self.cancelled
    }

    fn add(&mut self, state: LedgerState, jobs: u64) {
        match state {
            LedgerState::Done => self.done += jobs,
            LedgerState::Dead => self.dead += jobs,
            LedgerState::Cancelled => self.cancelled += jobs,
            LedgerState::Started => self.started += jobs,
        }
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.done += other.done;
        self.dead += other.dead;
        self.cancelled += other.cancelled;
        self.started += other.started;
    }
}

/// The jobs of a run that have a ledger row; see [`LedgerClient::jobs`].
pub struct Jobs<'a> {
    pub(super) client: &'a mut LedgerClient,
}

impl Jobs<'_> {
    /// Counts the given blocks of a run (block b holds seq b·SEQS_PER_BLOCK+1 to (b+1)·SEQS_PER_BLOCK) up to seq `last`: what is behind it
    /// is no job of the run. A block without rows is absent.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn count_blocks(
        &mut self,
        run: RunId,
        blocks: &[u64],
        last: u64,
    ) -> Result<BTreeMap<u64, Counts>, Error> {
        let mut counted = BTreeMap::<u64, Counts>::new();
        let ledger = &self.client.database.tables.ledger;
        let parts: Vec<String> = blocks
            .iter()
            .map(|block| {
                let first = block * SEQS_PER_BLOCK + 1;
                let last = last.min((block + 1) * SEQS_PER_BLOCK);
                format!(
                    "SELECT CAST({block} AS UNSIGNED), CAST(state AS CHAR), COUNT(*) FROM {ledger} \
                     WHERE run = {run} AND seq BETWEEN {first} AND {last} GROUP BY state"
                )
            })
            .collect();
        if parts.is_empty() {
            return Ok(counted);
        }
        let query = parts.join(" UNION ALL ");
        let rows: Vec<(u64, String, u64)> =
            self.client.ask("count a run's jobs", async |conn| conn.query(&query).await).await?;
        for (block, word, jobs) in rows {
            let state = parse_state(&word).map_err(Error::Schema)?;
            counted.entry(block).or_default().add(state, jobs);
        }
        Ok(counted)
    }

    /// The seqs of a block that have a ledger row, those that have begun and not ended only if they are asked for.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn seqs_in_block(&mut self, run: RunId, block: u64, begun: bool) -> Result<Vec<u64>, Error> {
        let first = block * SEQS_PER_BLOCK + 1;
        let last = (block + 1) * SEQS_PER_BLOCK;
        let ended = if begun { "" } else { " AND state <> 'started'" };
        let query = format!(
            "SELECT seq FROM {} WHERE run = {run} AND seq BETWEEN {first} AND {last}{ended}",
            self.client.database.tables.ledger
        );
        self.client.ask("read which jobs have ended", async |conn| conn.query(query).await).await
    }

    /// The jobs of a block that have a ledger row, and the state of each.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn states_in_block(
        &mut self,
        run: RunId,
        block: u64,
    ) -> Result<Vec<(u64, LedgerState)>, Error> {
        let first = block * SEQS_PER_BLOCK + 1;
        let last = (block + 1) * SEQS_PER_BLOCK;
        let query = format!(
            "SELECT seq, CAST(state AS CHAR) FROM {} WHERE run = {run} AND seq BETWEEN {first} AND {last}",
            self.client.database.tables.ledger
        );
        let rows: Vec<(u64, String)> =
            self.client.ask("read how jobs have ended", async |conn| conn.query(query).await).await?;
        rows.into_iter().map(|(seq, word)| Ok((seq, parse_state(&word).map_err(Error::Schema)?))).collect()
    }

    /// Counts the first so many jobs of a run, a canary.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn count_first(&mut self, run: RunId, jobs: u64) -> Result<Counts, Error> {
        let blocks: Vec<u64> = (0..jobs.div_ceil(SEQS_PER_BLOCK)).collect();
        let counted = self.count_blocks(run, &blocks, jobs).await?;
        Ok(counted.into_values().fold(Counts::default(), |mut all, block| {
            all += block;
            all
        }))
    }

    /// How many jobs of a run have ended in the last minute, among the last [`SEQS_LATELY`] that have: jobs end in their order
    /// by and large, so more than that is all that is left out.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn ended_lately(&mut self, run: RunId) -> Result<u64, Error> {
        let ledger = &self.client.database.tables.ledger;
        let query = format!(
            "SELECT COUNT(*) FROM {ledger} WHERE run = {run} AND state <> 'started' \
             AND seq > (SELECT COALESCE(MAX(seq), 0) FROM {ledger} WHERE run = {run}) - {SEQS_LATELY} \
             AND UNIX_TIMESTAMP(time) > UNIX_TIMESTAMP() - 60"
        );
        let count: Option<u64> = self
            .client
            .ask("count the jobs of the last minute", async |conn| conn.query_first(query).await)
            .await?;
        Ok(count.unwrap_or_default())
    }

    /// Counts a whole run: some 0.3 s per million jobs, in steps, so that no single query runs for long. Jobs that end
    /// meanwhile may be counted or not.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn count_run(&mut self, run: &Run) -> Result<Counts, Error> {
        let mut counts = Counts::default();
        let mut before = 0;
        while let Some((first, last)) = self.next_seqs(run, before).await? {
            counts += self.count_seqs(run.id, first, last).await?;
            before = last;
        }
        Ok(counts)
    }

    /// Counts the jobs of a run from `first` to `last`.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub(crate) async fn count_seqs(&mut self, run: RunId, first: u64, last: u64) -> Result<Counts, Error> {
        let query = format!(
            "SELECT CAST(state AS CHAR), COUNT(*) FROM {} \
             WHERE run = {run} AND seq BETWEEN {first} AND {last} GROUP BY state",
            self.client.database.tables.ledger
        );
        let rows: Vec<(String, u64)> =
            self.client.ask("count a run's jobs", async |conn| conn.query(&query).await).await?;
        let mut counts = Counts::default();
        for (word, jobs) in rows {
            counts.add(parse_state(&word).map_err(Error::Schema)?, jobs);
        }
        Ok(counts)
    }

    /// The next seqs behind `before` that one query may read: they begin at a row that there is, so that it is the number
    /// of rows, and never the numbers in them, that says how many steps there are. `None` behind the run's last job.
    pub(crate) async fn next_seqs(&mut self, run: &Run, before: u64) -> Result<Option<(u64, u64)>, Error> {
        let id = run.id;
        let end = run.last_seq();
        let query = format!(
            "SELECT MIN(seq) FROM {} WHERE run = {id} AND seq > {before} AND seq <= {end}",
            self.client.database.tables.ledger
        );
        let first: Option<Option<u64>> =
            self.client.ask("find the run's next job", async |conn| conn.query_first(query).await).await?;
        Ok(first.flatten().map(|first| (first, end.min(first.saturating_add(SEQS_PER_QUERY - 1)))))
    }

    /// Writes `cancelled` for the jobs `first..=last` that have no ledger row, and returns how many. Waits for those
    /// that are running: their row is locked until they end.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses a statement; calling it again resumes.
    pub async fn cancel(&mut self, id: RunId, first: u64, last: u64) -> Result<u64, Error> {
        let mut cancelled = 0;
        let mut from = first;
        while from <= last {
            let to = last.min(from.saturating_add(ROWS_PER_INSERT - 1));
            let insert = insert_cancelled(&self.client.database.tables.ledger, id, from, to);
            let written = self
                .client
                .ask("write cancelled jobs", async |conn| {
                    conn.query_drop(&insert).await?;
                    Ok(conn.affected_rows())
                })
                .await;
            match written {
                Ok(rows) => {
                    cancelled += rows;
                    let Some(next) = to.checked_add(1) else { break };
                    from = next;
                }
                // A running job holds its row: wait on.
                Err(error) if matches!(error.code(), Some(LOCK_WAIT | DEADLOCK)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(cancelled)
    }

    /// Hours since the last job of a run ended, 0 when that is yet to come by the server's clock; `None` while it has no
    /// ended job.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn hours_since_end(&mut self, run: &Run) -> Result<Option<u64>, Error> {
        // Signed: a time ahead of the clock is not long ago.
        let ages =
            self.of_steps(run, "CAST(TIMESTAMPDIFF(HOUR, MAX(time), CURRENT_TIMESTAMP) AS SIGNED)").await?;
        Ok(ages.into_iter().min().map(|hours| u64::try_from(hours).unwrap_or(0)))
    }

    /// When the last job of a run that has a ledger row got it, in seconds since 1970 by the server's clock; `None` while
    /// no job has one.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn newest_end(&mut self, run: &Run) -> Result<Option<i64>, Error> {
        let ends = self.of_steps(run, "CAST(UNIX_TIMESTAMP(MAX(time)) AS SIGNED)").await?;
        Ok(ends.into_iter().max())
    }

    /// An aggregate over the ledger rows of a run, for each step of rows that [`next_seqs`](Self::next_seqs) gives.
    async fn of_steps(&mut self, run: &Run, aggregate: &str) -> Result<Vec<i64>, Error> {
        let id = run.id;
        let mut values = Vec::new();
        let mut before = 0;
        while let Some((first, last)) = self.next_seqs(run, before).await? {
            let query = format!(
                "SELECT {aggregate} FROM {} WHERE run = {id} AND seq BETWEEN {first} AND {last}",
                self.client.database.tables.ledger
            );
            let value: Option<Option<i64>> = self
                .client
                .ask("read when the run ended", async |conn| conn.query_first(query).await)
                .await?;
            values.extend(value.flatten());
            before = last;
        }
        Ok(values)
    }
}

fn insert_cancelled(ledger: &str, id: RunId, from: u64, to: u64) -> String {
    let state = LedgerState::Cancelled.as_str();
    // IGNORE is right here, and only here: a job that has ended stays as it ended.
    let mut text = format!("INSERT IGNORE INTO {ledger}(run,seq,state)VALUES");
    for seq in from..=to {
        let comma = if seq == from { "" } else { "," };
        // Writing into a String has no way to fail.
        let _ = write!(text, "{comma}({id},{seq},'{state}')");
    }
    text
}
