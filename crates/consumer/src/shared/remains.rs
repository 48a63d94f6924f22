//! Whether a job whose end nobody saw may have changed what no rollback undoes.
//!
//! After a kill, and after a lost connection, no ROLLBACK can report it. Then the server's catalog is asked, as
//! `publish` asks it: tables and functions may have changed since.

use std::time::{Duration, Instant};

use queryfleet_job::{Failure, Job, Outcome};
use queryfleet_ledger::{Catalog, LedgerClient};
use queryfleet_sql::SqlMode;
use tokio::sync::Mutex;

use crate::Drain;

/// How long a catalog counts, or that there was none: when a server goes down all slots ask at once.
const COUNTS_FOR: Duration = Duration::from_secs(5);
/// The pause before a slot that needs the catalog asks again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// The longest wait for one reading of the catalog. A statement is settled without it then.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The catalog of the database, as it was a moment ago.
pub(crate) struct Remains {
    known: Mutex<Known>,
    /// How long a slot waits for the database, with its message.
    longest_wait: Duration,
    drain: Drain,
}

struct Known {
    /// A connection of its own, made only for this question.
    client: LedgerClient,
    catalog: Option<Catalog>,
    asked: Option<Instant>,
}

impl Remains {
    pub(crate) fn new(client: LedgerClient, longest_wait: Duration, drain: Drain) -> Remains {
        let known = Known { client, catalog: None, asked: None };
        Remains { known: Mutex::new(known), longest_wait, drain }
    }

    /// For each job of an attempt that ended with `outcome` and without an answer: [`Outcome::Unknown`] if it may have
    /// left something behind, `None` if it has not. A `plain` job is trusted unless the catalog says otherwise; any
    /// other job is not.
    pub(crate) async fn of(
        &self,
        jobs: &[Job],
        plain: bool,
        mode: SqlMode,
        outcome: &Outcome,
    ) -> Vec<Option<Outcome>> {
        let since = Instant::now();
        loop {
            let mut known = self.known.lock().await;
            known.refresh().await;
            let catalog = known.catalog.as_ref();
            // A plain job does not wait for a database that is unavailable: most probably it has left nothing.
            if plain || catalog.is_some() || since.elapsed() >= self.longest_wait || self.drain.is_draining()
            {
                return jobs
                    .iter()
                    .map(|job| Some(unknown(&why(job, plain, mode, catalog)?, outcome)))
                    .collect();
            }
            drop(known);
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }
}

impl Known {
    async fn refresh(&mut self) {
        if self.asked.is_some_and(|asked| asked.elapsed() < COUNTS_FOR) {
            return;
        }
        let reading = tokio::time::timeout(READ_TIMEOUT, self.client.inspect().catalog()).await;
        self.catalog = reading.ok().and_then(Result::ok);
        self.asked = Some(Instant::now());
    }
}

/// Why a job may have left something behind.
fn why(job: &Job, plain: bool, mode: SqlMode, catalog: Option<&Catalog>) -> Option<String> {
    let Some(catalog) = catalog else {
        return (!plain).then(|| "it calls what may do anything".into());
    };
    let kind = queryfleet_sql::inspect(&job.sql, mode).ok()?.kind;
    let not_held = catalog.not_held(kind, &job.sql, job.database.as_deref(), mode)?;
    (!plain || not_held.is_certain()).then(|| not_held.to_string())
}

fn unknown(why: &str, outcome: &Outcome) -> Outcome {
    let failure = outcome.failure().map(ToString::to_string).unwrap_or_default();
    Outcome::Unknown(Failure::said(format!("nobody saw its end ({failure}), and {why}")))
}
