//! The counts of runs, of which those that have ended are kept: counting a million jobs again takes 0.3 s.
//!
//! Counted in the ledger, every time, are the jobs of a run that is open. Of one that has ended nothing changes any more but
//! through its dead jobs: replayed, discarded, dead again. So what was counted counts for as long as its dead jobs are in the
//! states in which they were then; that an older program has replayed one is seen, too.

use std::collections::BTreeMap;

use mysql_async::prelude::Queryable;
use queryfleet_job::RunId;
use serde::{Deserialize, Serialize};

use crate::client::jobs::Counts;
use crate::client::run::{Run, RunState};
use crate::connection::LedgerClient;
use crate::{Error, error_code};

/// What is kept of a run, as JSON.
#[derive(Serialize, Deserialize)]
struct Kept {
    total: u64,
    done: u64,
    dead: u64,
    cancelled: u64,
    /// How many of its dead jobs were in which state.
    states: BTreeMap<String, u64>,
}

impl LedgerClient {
    /// The counts of these runs, each as if it had just been counted.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn counts_of(&mut self, runs: &[Run]) -> Result<Vec<Counts>, Error> {
        let ids: Vec<String> = runs.iter().map(|run| run.id.to_string()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids = ids.join(", ");
        let kept = self.kept(&ids).await?;
        // Before anything is counted: what changes meanwhile is seen the next time.
        let Some(states) = self.states_of_dead_jobs(&ids).await? else {
            let mut counts = Vec::with_capacity(runs.len());
            for run in runs {
                counts.push(self.jobs().count_run(run).await?);
            }
            return Ok(counts);
        };
        let none = BTreeMap::new();
        let mut counts = Vec::with_capacity(runs.len());
        for run in runs {
            let states = states.get(&run.id).unwrap_or(&none);
            let known = kept.get(&run.id).filter(|kept| {
                run.state == RunState::Published && Some(kept.total) == run.total && kept.states == *states
            });
            counts.push(match known {
                Some(Kept { done, dead, cancelled, .. }) => {
                    Counts { done: *done, dead: *dead, cancelled: *cancelled, started: 0 }
                }
                None => self.count_and_keep(run, states).await?,
            });
        }
        Ok(counts)
    }

    async fn count_and_keep(&mut self, run: &Run, states: &BTreeMap<String, u64>) -> Result<Counts, Error> {
        let counts = self.jobs().count_run(run).await?;
        let ended = run.total.filter(|total| counts.ended() >= *total && run.state == RunState::Published);
        if let Some(total) = ended {
            let Counts { done, dead, cancelled, .. } = counts;
            let kept = Kept { total, done, dead, cancelled, states: states.clone() };
            // Numbers and words only: serde_json has no reason to fail.
            let kept = serde_json::to_string(&kept).unwrap_or_default();
            let update = format!("UPDATE {} SET kept = ? WHERE id = ?", self.database.tables.run);
            // Whoever may not write it, or finds no such column, counts again the next time.
            let _ = self
                .ask("keep the counts of a run", async |conn| conn.exec_drop(update, (kept, run.id.0)).await)
                .await;
        }
        Ok(counts)
    }

    async fn kept(&mut self, ids: &str) -> Result<BTreeMap<RunId, Kept>, Error> {
        let query = format!(
            "SELECT id, kept FROM {} WHERE id IN ({ids}) AND kept IS NOT NULL",
            self.database.tables.run
        );
        let rows: Result<Vec<(u64, String)>, Error> =
            self.ask("read the kept counts of runs", async |conn| conn.query(query).await).await;
        let rows = match rows {
            // The tables were made by a version that kept none.
            Err(error) if error.code() == Some(error_code::NO_COLUMN) => Vec::new(),
            rows => rows?,
        };
        let read = |(id, text): (u64, String)| Some((RunId(id), serde_json::from_str(&text).ok()?));
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// `None`: this account may not see dead jobs, and so not know whether what is kept still counts.
    async fn states_of_dead_jobs(
        &mut self,
        ids: &str,
    ) -> Result<Option<BTreeMap<RunId, BTreeMap<String, u64>>>, Error> {
        let query = format!(
            "SELECT run, CAST(state AS CHAR), COUNT(*) FROM {} WHERE run IN ({ids}) GROUP BY run, state",
            self.database.tables.dead
        );
        let rows: Result<Vec<(u64, String, u64)>, Error> =
            self.ask("count dead jobs", async |conn| conn.query(query).await).await;
        let rows = match rows {
            Err(error) if error.code() == Some(error_code::TABLE_DENIED) => return Ok(None),
            rows => rows?,
        };
        let mut states: BTreeMap<RunId, BTreeMap<String, u64>> = BTreeMap::new();
        for (run, state, jobs) in rows {
            states.entry(RunId(run)).or_default().insert(state, jobs);
        }
        Ok(Some(states))
    }
}
