//! Dead jobs that nobody wants back, and what became of the runs that replace some of them.

use std::collections::BTreeSet;

use mysql_async::prelude::Queryable;
use queryfleet_job::RunId;

use crate::Error;
use crate::client::dead_jobs::DeadJobs;
use crate::client::kept::{KEPT_OF_DONE, KEPT_OF_OPEN};
use crate::error_code::NO_COLUMN;
use crate::inspect::rights::DENIED;
use crate::tables::Tables;

/// The dead jobs of a run that nobody wants back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenUp {
    /// How many were discarded, those that another run replaces included.
    pub jobs: u64,
    /// The runs that replace some of them.
    pub replaced_by: Vec<String>,
    /// Those of these runs that have dead jobs themselves which wait for a decision.
    pub dead_again: Vec<String>,
    /// Those that are cancelled, or whose jobs have not all ended.
    pub unfinished: Vec<String>,
    /// The jobs that these and the former replace.
    pub unsettled_jobs: u64,
}

impl GivenUp {
    /// Those that leave nothing to do: what replaces them, if anything does, has ended without dead jobs.
    pub fn settled(&self) -> u64 {
        self.jobs.saturating_sub(self.unsettled_jobs)
    }
}

/// The columns of a [`Replacing`].
type ReplacingRow = (u64, String, u64, bool, bool);

/// A run that replaces dead jobs of another.
struct Replacing {
    id: u64,
    name: String,
    /// So many of them.
    jobs: u64,
    /// Whether it has dead jobs itself that wait for a decision.
    is_dead: bool,
    /// Whether all its jobs have ended.
    has_ended: bool,
}

impl Replacing {
    fn is_settled(&self) -> bool {
        self.has_ended && !self.is_dead
    }
}

impl DeadJobs<'_> {
    /// What of a run's dead jobs was discarded or replaced. Nothing for an account that may not read dead jobs.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn given_up(&mut self, run: RunId) -> Result<GivenUp, Error> {
        let (mut given_up, replacing) = self.given_up_by(run).await?;
        for Replacing { id, name, jobs, .. } in
            replacing.into_iter().filter(|replacing| replacing.is_settled())
        {
            // Its own dead jobs may have been replaced in turn.
            if !self.is_settled(RunId(id)).await? {
                given_up.unfinished.push(name);
                given_up.unsettled_jobs += jobs;
            }
        }
        Ok(given_up)
    }

    /// Whether what replaces dead jobs of this run, if anything does, leaves nothing to do, however long the chain is.
    async fn is_settled(&mut self, run: RunId) -> Result<bool, Error> {
        let mut seen = BTreeSet::new();
        let mut left = vec![run.0];
        while let Some(id) = left.pop() {
            if seen.insert(id) {
                let (given_up, replacing) = self.given_up_by(RunId(id)).await?;
                if given_up.unsettled_jobs > 0 {
                    return Ok(false);
                }
                left.extend(replacing.iter().map(|replacing| replacing.id));
            }
        }
        Ok(true)
    }

    /// The same without what replaces the jobs of a run that replaces some of them, and these runs.
    async fn given_up_by(&mut self, run: RunId) -> Result<(GivenUp, Vec<Replacing>), Error> {
        let Tables { dead, run: runs, ledger, .. } = &self.client.database.tables;
        let count = format!("SELECT COUNT(*) FROM {dead} WHERE run = {run} AND state = 'discarded'");
        let by_run = |has_ended: &str, was_done: &str| {
            format!(
                "SELECT r.id, r.name, d.jobs, \
                 EXISTS (SELECT 1 FROM {dead} a WHERE a.run = r.id AND a.state IN ('dead', 'replaying')), \
                 CASE r.state WHEN 'purged' THEN {was_done} WHEN 'published' THEN {has_ended} ELSE 0 END \
                 FROM (SELECT replaced_by, COUNT(*) AS jobs FROM {dead} WHERE run = {run} AND state = 'discarded' \
                 GROUP BY replaced_by) d JOIN {runs} r ON r.id = d.replaced_by ORDER BY r.id"
            )
        };
        let counted = format!(
            "(SELECT COUNT(*) FROM {ledger} l WHERE l.run = r.id AND l.state <> 'started') >= r.total"
        );
        // Where counts are kept, those of a run that has ended are not counted again.
        let is_kept = format!("r.kept IS NOT NULL AND r.kept NOT LIKE '{KEPT_OF_OPEN}'");
        // Of one that was purged, its rows are gone: what was kept says whether all of it was done.
        let was_done = format!("({is_kept} AND r.kept LIKE '%{KEPT_OF_DONE}%')");
        let kept = by_run(&format!("({is_kept} OR {counted})"), &was_done);
        let by_run = by_run(&counted, "0");
        let doing = "read which dead jobs were given up";
        let jobs: Result<Option<u64>, Error> =
            self.client.ask(doing, async |conn| conn.query_first(count).await).await;
        let jobs = match jobs {
            Err(error) if error.code().is_some_and(|code| DENIED.contains(&code)) => None,
            jobs => jobs?,
        };
        let by_run: Result<Vec<ReplacingRow>, Error> = match jobs {
            None | Some(0) => Ok(Vec::new()),
            Some(_) => match self.client.ask(doing, async |conn| conn.query(&kept).await).await {
                Err(error) if error.code() == Some(NO_COLUMN) => {
                    self.client.ask(doing, async |conn| conn.query(&by_run).await).await
                }
                by_run => by_run,
            },
        };
        let by_run = match by_run {
            // Tables of a version in which nothing was replaced.
            Err(error) if error.code() == Some(NO_COLUMN) => Vec::new(),
            by_run => by_run?,
        };
        let mut given_up = GivenUp { jobs: jobs.unwrap_or(0), ..GivenUp::default() };
        let replacing =
            |(id, name, jobs, is_dead, has_ended)| Replacing { id, name, jobs, is_dead, has_ended };
        let replacing: Vec<Replacing> = by_run.into_iter().map(replacing).collect();
        for by in &replacing {
            if by.is_dead {
                given_up.dead_again.push(by.name.clone());
            }
            if !by.has_ended {
                given_up.unfinished.push(by.name.clone());
            }
            if !by.is_settled() {
                given_up.unsettled_jobs += by.jobs;
            }
            given_up.replaced_by.push(by.name.clone());
        }
        Ok((given_up, replacing))
    }
}
