//! Who has done what to the runs and queues of a ledger, and when.

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Row, params};
use queryfleet_job::RunId;

use crate::Error;
use crate::connection::LedgerClient;
use crate::row;

/// Events are kept for so many days.
const KEPT_DAYS: u32 = 30;
/// So many old ones are deleted with each new one.
const DELETED_AT_ONCE: u32 = 1000;

/// What an event of a job of a canary is called: it is for whoever looks at its run.
const CANARY: &str = "canary";
/// So many of them are read.
const CANARY_JOBS_READ: u32 = 10_000;

/// What a job of a canary has done, as its event says it: by that somebody judges whether the rest may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanaryJob {
    /// Which job.
    pub seq: u64,
    /// The rows that it has changed.
    pub rows: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The warnings that the server has for it.
    pub warnings: u16,
}

impl std::fmt::Display for CanaryJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let CanaryJob { seq, rows, took_ms, warnings } = self;
        write!(f, "job {seq}: rows changed {rows}, took {took_ms} ms")?;
        match warnings {
            0 => Ok(()),
            _ => write!(f, ", warnings {warnings}"),
        }
    }
}

impl CanaryJob {
    /// Reads what is displayed; `None` for other texts.
    fn read(text: &str) -> Option<CanaryJob> {
        let (seq, rest) = text.strip_prefix("job ")?.split_once(": rows changed ")?;
        let (rows, took) = rest.split_once(", took ")?;
        let (took, warnings) = took.split_once(", warnings ").unwrap_or((took, "0"));
        let took_ms = took.strip_suffix(" ms")?;
        Some(CanaryJob {
            seq: seq.parse().ok()?,
            rows: rows.parse().ok()?,
            took_ms: took_ms.parse().ok()?,
            warnings: warnings.parse().ok()?,
        })
    }
}

/// Something that somebody does.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent<'a> {
    /// The queue.
    pub queue: &'a str,
    /// The run, if it is about one.
    pub run: Option<RunId>,
    /// Who: a person's name, or what of the fleet does it by itself.
    pub who: &'a str,
    /// The command.
    pub what: &'a str,
    /// The rest, for people.
    pub detail: &'a str,
}

/// What somebody has done.
#[derive(Clone, Debug, FromRow)]
pub struct Event {
    /// When, in UTC.
    pub at: String,
    /// The queue.
    pub queue: String,
    /// The run's id.
    pub run: Option<u64>,
    /// The run's name.
    pub name: Option<String>,
    /// Who.
    pub who: String,
    /// The command.
    pub what: String,
    /// The rest, for people.
    pub detail: String,
}

/// The rows of events; see [`LedgerClient::events`].
pub struct Events<'a> {
    pub(super) client: &'a mut LedgerClient,
}

impl Events<'_> {
    /// Notes an event, and deletes those that are older than 30 days. A ledger that was set up by a version that had none
    /// keeps none. What was done counts also where that cannot be noted, so nobody learns of an error.
    pub async fn note(&mut self, event: &NewEvent<'_>) {
        let table = &self.client.database.tables.event;
        let insert = format!(
            "INSERT INTO {table} (at, queue, run, who, what, detail) \
             VALUES (UTC_TIMESTAMP(3), :queue, :run, :who, :what, :detail)"
        );
        let delete = format!(
            "DELETE FROM {table} WHERE at < UTC_TIMESTAMP(3) - INTERVAL {KEPT_DAYS} DAY LIMIT {DELETED_AT_ONCE}"
        );
        let values = params! {
            "queue" => event.queue,
            "run" => event.run.map(|run| run.0),
            "who" => event.who.chars().take(190).collect::<String>(),
            "what" => event.what,
            "detail" => event.detail,
        };
        let _ = self
            .client
            .ask("note an event", async |conn| {
                conn.exec_drop(insert, values).await?;
                // Whoever may only add has others to delete.
                let _ = conn.query_drop(delete).await;
                Ok(())
            })
            .await;
    }

    /// Notes what a job of a run's canary has done, as [`note`](Self::note) does.
    pub async fn note_canary(&mut self, queue: &str, run: RunId, worker: &str, job: CanaryJob) {
        let detail = job.to_string();
        self.note(&NewEvent { queue, run: Some(run), who: worker, what: CANARY, detail: &detail }).await;
    }

    /// What the jobs of a run's canary have done, as far as that was noted.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn canary(&mut self, run: RunId) -> Result<Vec<CanaryJob>, Error> {
        let query = format!(
            "SELECT detail FROM {} WHERE run = {run} AND what = '{CANARY}' ORDER BY id LIMIT {CANARY_JOBS_READ}",
            self.client.database.tables.event
        );
        let details: Vec<String> =
            self.client.ask("read what a canary has done", async |conn| conn.query(query).await).await?;
        Ok(details.iter().filter_map(|detail| CanaryJob::read(detail)).collect())
    }

    /// The newest events, newest first: of a run, or of a queue. What the jobs of canaries have done is only among those of
    /// their run.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn newest(
        &mut self,
        queue: &str,
        run: Option<RunId>,
        seconds: u64,
        count: u32,
    ) -> Result<Vec<Event>, Error> {
        let tables = &self.client.database.tables;
        let (about, value) = match run {
            Some(run) => ("e.run = ?".to_owned(), mysql_async::Value::from(run.0)),
            None => (format!("e.what <> '{CANARY}' AND e.queue = ?"), mysql_async::Value::from(queue)),
        };
        let query = format!(
            "SELECT DATE_FORMAT(e.at, '%Y-%m-%dT%H:%i:%sZ') AS at, e.queue, e.run, r.name, e.who, e.what, e.detail \
             FROM {} e LEFT JOIN {} r ON r.id = e.run \
             WHERE {about} AND e.at >= UTC_TIMESTAMP(3) - INTERVAL {seconds} SECOND ORDER BY e.id DESC LIMIT {count}",
            tables.event, tables.run
        );
        let rows: Vec<Row> =
            self.client.ask("read events", async |conn| conn.exec(query, (value,)).await).await?;
        rows.into_iter().map(|row| row::read(row, "queryfleet_event")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_job_of_a_canary_has_done_is_read_as_it_is_written() {
        let quiet = CanaryJob { seq: 7, rows: 3_000_000, took_ms: 12, warnings: 0 };
        assert_eq!(CanaryJob::read(&quiet.to_string()), Some(quiet));
        let job = CanaryJob { warnings: 3, ..quiet };
        assert_eq!(job.to_string(), "job 7: rows changed 3000000, took 12 ms, warnings 3");
        assert_eq!(quiet.to_string(), "job 7: rows changed 3000000, took 12 ms");
        assert_eq!(CanaryJob::read(&job.to_string()), Some(job));
        assert_eq!(CanaryJob::read("100 jobs done, 0 dead"), None);
    }
}
