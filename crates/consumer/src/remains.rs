//! Whether a job whose end nobody saw may have changed what no rollback undoes.
//!
//! After a kill, and after a lost connection, there is no ROLLBACK whose answer would say it. The server's catalog is
//! asked then, as `publish` asks it: tables and functions may have changed since.

use std::time::{Duration, Instant};

use queryfleet_job::{Failure, Job, Outcome};
use queryfleet_ledger::{Catalog, LedgerClient};
use queryfleet_sql::{self, SqlMode};
use tokio::sync::Mutex;

use crate::Drain;

/// How long an answer is good, and that there was none: when a server goes down all slots ask at once.
const FRESH: Duration = Duration::from_secs(5);
/// When a slot looks again that needs one.
const AGAIN: Duration = Duration::from_millis(500);
/// How long is waited for it. A statement is settled without it then.
const PATIENCE: Duration = Duration::from_secs(10);

/// The catalog of the database, as it was a moment ago.
pub(crate) struct Remains {
    known: Mutex<Known>,
    /// How long a slot waits for the database, with its message.
    longest: Duration,
    drain: Drain,
}

struct Known {
    control: LedgerClient,
    catalog: Option<Catalog>,
    asked: Option<Instant>,
}

impl Remains {
    pub(crate) fn new(control: LedgerClient, longest: Duration, drain: Drain) -> Remains {
        Remains { known: Mutex::new(Known { control, catalog: None, asked: None }), longest, drain }
    }

    /// For each of the jobs of an attempt that ended like `outcome` without an answer: that nobody can know what it left
    /// behind; `None` when it has left nothing. What is `plain` is trusted where the catalog does not say otherwise, all
    /// else is not.
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
            known.read().await;
            let catalog = known.catalog.as_ref();
            // What is plain does not wait for a database that is away: it has most probably left nothing.
            if plain || catalog.is_some() || since.elapsed() >= self.longest || self.drain.is_draining() {
                let finals = jobs.iter().map(|job| Some(unknown(&why(job, plain, mode, catalog)?, outcome)));
                return finals.collect();
            }
            drop(known);
            tokio::time::sleep(AGAIN).await;
        }
    }
}

impl Known {
    async fn read(&mut self) {
        if self.asked.is_some_and(|asked| asked.elapsed() < FRESH) {
            return;
        }
        self.catalog =
            tokio::time::timeout(PATIENCE, self.control.inspect().catalog()).await.ok().and_then(Result::ok);
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
    let said = outcome.failure().map(ToString::to_string).unwrap_or_default();
    Outcome::Unknown(Failure::said(format!("nobody saw its end ({said}), and {why}")))
}
