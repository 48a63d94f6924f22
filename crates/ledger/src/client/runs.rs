//! The run's row: what a publish is, how far it has come, whether it was cancelled or purged.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Row, Value, params};
use queryfleet_job::{NotAtomic, RunId, is_run_id};

use crate::Error;
use crate::client::kept::KEPT_OF_OPEN;
use crate::client::run::{COLUMNS, Run, run};
use crate::client::standing::Standing;
use crate::connection::LedgerClient;
use crate::error_code::{DEADLOCK, DUPLICATE_KEY, LOCK_WAIT, NO_COLUMN};
use crate::tables::Tables;

/// What a publish says about a new run.
pub struct NewRun<'a> {
    /// Unique among all runs of this ledger, and one that [`check_run_name`](queryfleet_job::check_run_name) takes.
    pub name: &'a str,
    /// The queue that it is published to.
    pub queue: &'a str,
    /// SHA-256 of the whole input.
    pub digest: &'a [u8],
    /// Digests along the way through the input, as the producer writes them.
    pub milestones: &'a [u8],
    /// Maximum jobs per message; 0 if the publish chooses.
    pub chunk: u32,
    /// Session SQL of its own.
    pub session_sql: Option<&'a str>,
    /// How its statements that are not atomic are run.
    pub not_atomic: Option<NotAtomic>,
}

/// Rows that one DELETE of a purge takes: locks and undo stay small beside production traffic.
const ROWS_PER_DELETE: u64 = 10_000;
/// How often a run's row is written when others write the same one and the server ends that in a deadlock.
const DEADLOCK_TRIES: u32 = 10;

/// Runs that are named of those that stand in front of another.
const IN_FRONT: u32 = 3;

/// The rows of runs; see [`LedgerClient::runs`].
pub struct Runs<'a> {
    pub(super) client: &'a mut LedgerClient,
}

impl Runs<'_> {
    /// Writes the row of a new run and returns its id.
    ///
    /// # Errors
    /// [`Error::NameTaken`], or if the database cannot be reached or refuses the row.
    pub async fn create(&mut self, new: &NewRun<'_>) -> Result<RunId, Error> {
        let insert = format!(
            "INSERT INTO {} (id, name, queue, digest, milestones, chunk, session_version, session_sql, not_atomic) \
             VALUES (:id, :name, :queue, :digest, :milestones, :chunk, :version, :sql, :not_atomic)",
            self.client.database.tables.run
        );
        let mut tries = 1;
        loop {
            let id = RunId::fresh();
            let values = params! {
                "id" => id.0,
                "name" => new.name,
                "queue" => new.queue,
                "digest" => Value::from(new.digest),
                "milestones" => Value::from(new.milestones),
                "chunk" => new.chunk,
                "version" => u32::from(new.session_sql.is_some()),
                "sql" => new.session_sql,
                "not_atomic" => new.not_atomic.map(NotAtomic::as_str),
            };
            match self
                .client
                .ask("write the run's row", async |conn| conn.exec_drop(&insert, values).await)
                .await
            {
                Ok(()) => return Ok(id),
                Err(error) if error.code() == Some(DUPLICATE_KEY) => {
                    if !self.named(new.name).await?.is_empty() {
                        return Err(Error::NameTaken(new.name.to_owned()));
                    }
                    // Two runs of one millisecond drew the same id: draw again.
                }
                // Others make the same run at once, and the server has rolled this one back.
                Err(error)
                    if matches!(error.code(), Some(DEADLOCK | LOCK_WAIT)) && tries < DEADLOCK_TRIES =>
                {
                    tries += 1
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The run of this name, byte by byte, or of this id.
    ///
    /// # Errors
    /// [`Error::Ambiguous`] when a run that an older version has made has the id of another as its name, or if
    /// the query fails.
    pub async fn find(&mut self, name_or_id: &str) -> Result<Option<Run>, Error> {
        let named = self.find_named(name_or_id).await?;
        let id = name_or_id.parse().ok().filter(|_| is_run_id(name_or_id)).map(RunId);
        let of_id = match id {
            Some(id) => self.get(&[id]).await?.into_iter().next(),
            None => None,
        };
        match (named, of_id) {
            (Some(named), Some(of_id)) if named.id != of_id.id => {
                Err(Error::Ambiguous { given: name_or_id.to_owned(), id: named.id, name: of_id.name })
            }
            (named, of_id) => Ok(named.or(of_id)),
        }
    }

    /// How the run of this name or id stands now, counted afresh; `None` when it is not in this ledger.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub async fn standing(&mut self, name_or_id: &str) -> Result<Option<Standing>, Error> {
        let Some(run) = self.find(name_or_id).await? else { return Ok(None) };
        let counts = self.client.counts_of(std::slice::from_ref(&run)).await?.remove(0);
        Ok(Some(self.client.standing(run, counts).await?))
    }

    /// The run of this name, whatever ids there are.
    async fn find_named(&mut self, name: &str) -> Result<Option<Run>, Error> {
        // The server's comparison does not see spaces at the end.
        Ok(self.named(name).await?.into_iter().find(|run| run.name == name))
    }

    async fn named(&mut self, name: &str) -> Result<Vec<Run>, Error> {
        let query = format!("SELECT {COLUMNS} FROM {} WHERE name = ?", self.client.database.tables.run);
        self.rows("read a run", &query, (name,)).await
    }

    /// The runs of these ids that the ledger knows.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn get(&mut self, ids: &[RunId]) -> Result<Vec<Run>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let list = ids.iter().map(|id| id.to_string()).collect::<Vec<_>>().join(",");
        let query = format!("SELECT {COLUMNS} FROM {} WHERE id IN ({list})", self.client.database.tables.run);
        self.rows("read runs", &query, ()).await
    }

    /// The newest runs, newest first.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn newest(&mut self, count: u32) -> Result<Vec<Run>, Error> {
        let query = format!(
            "SELECT {COLUMNS} FROM {} ORDER BY id DESC LIMIT {count}",
            self.client.database.tables.run
        );
        self.rows("read runs", &query, ()).await
    }

    /// So many runs of a queue: those that are not known to have ended, then the others, each newest first.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn open_first(&mut self, queue: &str, count: u32) -> Result<Vec<Run>, Error> {
        let runs = self.client.database.tables.run.clone();
        let query = |order: &str| {
            format!("SELECT {COLUMNS} FROM {runs} WHERE queue = ? ORDER BY {order}id DESC LIMIT {count}")
        };
        let is_over = format!(
            "state IN ('cancelled', 'purged') OR kept IS NOT NULL AND kept NOT LIKE '{KEPT_OF_OPEN}', "
        );
        match self.rows("read runs", &query(&is_over), (queue,)).await {
            // The tables are of a version that keeps no counts.
            Err(error) if error.code() == Some(NO_COLUMN) => {
                self.rows("read runs", &query(""), (queue,)).await
            }
            runs => runs,
        }
    }

    /// The newest of the runs that were begun before this one in a queue and of which messages may still wait there, newest
    /// first: those that have not ended, or, if there are none, those that were cancelled in the last day.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn in_front(&mut self, queue: &str, run: RunId) -> Result<Vec<Run>, Error> {
        let tables = &self.client.database.tables;
        let before = |condition: &str| {
            format!(
                "SELECT {COLUMNS} FROM {} r WHERE queue = ? AND id < {run} AND {condition} \
                 ORDER BY id DESC LIMIT {IN_FRONT}",
                tables.run
            )
        };
        let open = before(&format!(
            "state IN ('publishing', 'published') AND COALESCE(total, confirmed) > \
             (SELECT COALESCE(MAX(seq), 0) FROM {} l WHERE l.run = r.id)",
            tables.ledger
        ));
        let cancelled = before("state = 'cancelled' AND created > CURRENT_TIMESTAMP - INTERVAL 1 DAY");
        let found = self.rows("read the runs in front", &open, (queue,)).await?;
        if !found.is_empty() {
            return Ok(found);
        }
        self.rows("read the runs in front", &cancelled, (queue,)).await
    }

    async fn rows(
        &mut self,
        doing: &'static str,
        query: &str,
        values: impl Into<mysql_async::Params>,
    ) -> Result<Vec<Run>, Error> {
        let values = values.into();
        let rows: Vec<Row> = self.client.ask(doing, async |conn| conn.exec(query, values).await).await?;
        rows.into_iter().map(run).collect()
    }

    /// Notes that the first `confirmed` jobs are in the queue. Never goes back: of two producers at the same run the
    /// further one counts.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn confirm(&mut self, id: RunId, confirmed: u64) -> Result<(), Error> {
        let update = format!(
            "UPDATE {} SET confirmed = GREATEST(confirmed, {confirmed}) WHERE id = {id}",
            self.client.database.tables.run
        );
        self.client.ask("note what is confirmed", async |conn| conn.query_drop(update).await).await
    }

    /// Writes down what a run is published as, before any of it is: its manifest, once and for all, and the manifest's
    /// signature, which a publish under another key renews. Returns the run as it is then: with a manifest of another
    /// producer, or cancelled, when it was too late.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn write_manifest(
        &mut self,
        id: RunId,
        manifest: &[u8],
        signature: Option<&str>,
    ) -> Result<Option<Run>, Error> {
        let update = format!(
            "UPDATE {} SET manifest = :manifest, manifest_signature = :signature WHERE id = {id} \
             AND state IN ('publishing', 'published') AND (manifest IS NULL OR manifest = :manifest)",
            self.client.database.tables.run
        );
        let values = params! { "manifest" => Value::from(manifest), "signature" => signature };
        self.client
            .ask("write what the run is published as", async |conn| conn.exec_drop(&update, values).await)
            .await?;
        Ok(self.get(&[id]).await?.into_iter().next())
    }

    /// Who has approved the jobs after the canary of a run; `None`: nobody yet.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn approved(&mut self, id: RunId) -> Result<Option<String>, Error> {
        let query = format!("SELECT approved FROM {} WHERE id = {id}", self.client.database.tables.run);
        let found: Option<Option<String>> = self
            .client
            .ask("read whether the run is approved", async |conn| conn.query_first(query).await)
            .await?;
        Ok(found.flatten())
    }

    /// Approves the jobs after the canary of a run.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn approve(&mut self, id: RunId, who: &str) -> Result<(), Error> {
        let update = format!(
            "UPDATE {} SET approved = COALESCE(approved, ?) WHERE id = ?",
            self.client.database.tables.run
        );
        let who: String = who.chars().take(190).collect();
        self.client.ask("approve the run", async |conn| conn.exec_drop(update, (who, id.0)).await).await
    }

    /// The runs of the same input, newest first, whether or not they have ended.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn find_by_digest(&mut self, digest: &[u8], queue: &str) -> Result<Vec<Run>, Error> {
        let query = format!(
            "SELECT {COLUMNS} FROM {} WHERE digest = ? AND queue = ? ORDER BY id DESC",
            self.client.database.tables.run
        );
        self.rows("read runs", &query, (Value::from(digest), queue)).await
    }

    /// Waits, for half a minute at most, until nobody else who has called this is about to make a run of this input. Until
    /// [`unlock_input`](Self::unlock_input), or the end of the connection.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn lock_input(&mut self, digest: &[u8]) -> Result<(), Error> {
        let lock = format!("DO GET_LOCK('{}', 30)", lock_of(digest));
        self.client
            .ask("look whether the input is being published", async |conn| conn.query_drop(lock).await)
            .await
    }

    /// Ends what [`lock_input`](Self::lock_input) has begun. It ends with the connection, too.
    pub async fn unlock_input(&mut self, digest: &[u8]) {
        let unlock = format!("DO RELEASE_LOCK('{}')", lock_of(digest));
        let _ =
            self.client.ask("let others publish the input", async |conn| conn.query_drop(unlock).await).await;
    }

    /// The digests along the way through a run's input; none of a run that was made before they were kept.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn milestones(&mut self, id: RunId) -> Result<Vec<u8>, Error> {
        let query = format!("SELECT milestones FROM {} WHERE id = {id}", self.client.database.tables.run);
        let found: Option<Option<Vec<u8>>> = self
            .client
            .ask("read where a run's input is known", async |conn| conn.query_first(query).await)
            .await?;
        Ok(found.flatten().unwrap_or_default())
    }

    /// Notes that the whole input, `total` jobs, is confirmed.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn finish_publishing(&mut self, id: RunId, total: u64) -> Result<(), Error> {
        let update = format!(
            "UPDATE {} SET total = {total}, state = IF(state = 'publishing', 'published', state) WHERE id = {id}",
            self.client.database.tables.run
        );
        self.client.ask("note the run's total", async |conn| conn.query_drop(update).await).await
    }

    /// Closes a run: from now on its deliveries are acknowledged unrun. With `now` its running statements are ended
    /// too; otherwise they are awaited by [`Jobs::cancel`](crate::Jobs::cancel). A finished or purged run stays as it is.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn close(&mut self, id: RunId, now: bool) -> Result<(), Error> {
        let update = format!(
            "UPDATE {} SET state = 'cancelled', cancel_now = cancel_now OR {} WHERE id = {id} AND state <> 'purged'",
            self.client.database.tables.run,
            u8::from(now)
        );
        self.client.ask("cancel the run", async |conn| conn.query_drop(update).await).await
    }

    /// Marks the run as purged, which makes its late messages stale, and when every worker has read that, which may take
    /// [`Workers::longest_notice`](crate::Workers::longest_notice) and at least `own`, deletes its ledger rows, dead jobs and ranges.
    /// Returns how many ledger rows went.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses a statement; calling it again resumes.
    pub async fn purge(&mut self, id: RunId, own: Duration) -> Result<u64, Error> {
        let database = self.client.database.clone();
        let Tables { run, ledger, dead, range, .. } = &database.tables;
        // The state first: a worker that reads it never runs a job whose ledger row is gone.
        let mark = format!("UPDATE {run} SET state = 'purged' WHERE id = {id}");
        self.client.ask("mark the run as purged", async |conn| conn.query_drop(mark).await).await?;
        self.client.workers().wait_until_seen(own).await?;
        let mut purged = 0;
        for table in [ledger, dead, range] {
            let delete = format!("DELETE FROM {table} WHERE run = {id} LIMIT {ROWS_PER_DELETE}");
            loop {
                let rows = self
                    .client
                    .ask("delete the run's rows", async |conn| {
                        conn.query_drop(&delete).await?;
                        Ok(conn.affected_rows())
                    })
                    .await?;
                purged += if table == ledger { rows } else { 0 };
                if rows < ROWS_PER_DELETE {
                    break;
                }
            }
        }
        self.client.places().remove(id).await?;
        Ok(purged)
    }
}
/// The name of a lock: at most 64 characters (MySQL).
fn lock_of(digest: &[u8]) -> String {
    let hex: String = digest.iter().take(20).map(|byte| format!("{byte:02x}")).collect();
    format!("queryfleet.publish.{hex}")
}
