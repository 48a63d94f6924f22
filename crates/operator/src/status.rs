//! How runs stand.

use queryfleet_job::RunId;
use queryfleet_ledger::{CanaryJob, Run, RunningStatement, Standing};

use crate::board::{Board, RunProgress};
use crate::{DeadFilter, DeadGroup, Error, Operator, Waiting};

/// The most kinds of error, and of running statements, that are said of a run.
const MOST_SAID: usize = 5;

/// A run as one wants to see it while it runs.
#[derive(Clone, Debug)]
pub struct RunDetails {
    /// How it stands, and how fast it is.
    pub progress: RunProgress,
    /// Messages of all runs of its queue that wait for a retry; `None` if the broker does not say it.
    pub retrying: Option<u64>,
    /// Its dead jobs by error, the most frequent first.
    pub errors: Vec<DeadGroup>,
    /// Its statements that run now, the longest first, as far as this account may see them.
    pub running: Vec<RunningStatement>,
    /// Its canary, if it has one.
    pub canary: Option<Canary>,
}

/// The first jobs of a run, by which somebody judges whether the rest may run.
#[derive(Clone, Debug)]
pub struct Canary {
    /// How many there are.
    pub jobs: u64,
    /// What those have done that are done, in the order of their ends, as far as this account may read it.
    pub done: Vec<CanaryJob>,
    /// Who has approved the rest; `None`: nobody yet.
    pub approved_by: Option<String>,
}

impl Canary {
    /// The rows that all of them have changed.
    pub fn rows(&self) -> u64 {
        self.done.iter().map(|job| job.rows).fold(0, u64::saturating_add)
    }

    /// The warnings that the server had for all of them.
    pub fn warnings(&self) -> u64 {
        self.done.iter().map(|job| u64::from(job.warnings)).sum()
    }

    /// The first one that the server had warnings for.
    pub fn warned(&self) -> Option<CanaryJob> {
        self.done.iter().copied().filter(|job| job.warnings > 0).min_by_key(|job| job.seq)
    }

    /// The one that took longest.
    pub fn slowest(&self) -> Option<CanaryJob> {
        self.done.iter().copied().max_by_key(|job| job.took_ms)
    }

    /// The one that has changed most rows.
    pub fn largest(&self) -> Option<CanaryJob> {
        self.done.iter().copied().max_by_key(|job| job.rows)
    }
}

impl Operator {
    /// How one run, given by its name or id, stands now, and what it does.
    ///
    /// # Errors
    /// [`Error::NoRun`], or [`Error::Ledger`] when the database cannot be asked.
    pub async fn run_details(&mut self, name_or_id: &str) -> Result<RunDetails, Error> {
        let standing = self.status(name_or_id).await?;
        let is_open = !standing.status().is_over();
        let progress = self.progress(standing).await?;
        // A right that is missing takes this away, and nothing else.
        let running = match is_open {
            true => self.ledger.inspect().running().await.unwrap_or_default(),
            false => Vec::new(),
        };
        let messages = match is_open {
            true => self.queue_standing().await?.messages,
            false => None,
        };
        Ok(self.details_of(progress, running, messages).await)
    }

    /// The same of a run of the board, of which nothing is counted or asked that the board has.
    ///
    /// # Errors
    /// As [`run_details`](Self::run_details).
    pub async fn details_on(&mut self, board: &Board, id: RunId) -> Result<RunDetails, Error> {
        match board.runs.iter().find(|run| run.standing.run.id == id) {
            Some(run) => Ok(self.details_of(run.clone(), board.running.clone(), board.queue.messages).await),
            None => self.run_details(&id.to_string()).await,
        }
    }

    /// Adds to a run's progress what of the running statements and the waiting messages is its, and how its jobs died.
    async fn details_of(
        &mut self,
        progress: RunProgress,
        mut running: Vec<RunningStatement>,
        messages: Option<Waiting>,
    ) -> RunDetails {
        let id = progress.standing.run.id;
        let is_open = !progress.standing.status().is_over();
        let mut errors = Vec::new();
        if progress.standing.counts.dead > 0 {
            let filter = DeadFilter { run: Some(id.to_string()), ..DeadFilter::default() };
            // As above: a missing right takes this away, and nothing else.
            errors = self.dead_groups(&filter).await.unwrap_or_default();
            errors.truncate(MOST_SAID);
        }
        running.retain(|running| is_open && running.run == id);
        running.truncate(MOST_SAID);
        let retrying = messages.filter(|_| is_open).map(|waiting| waiting.retry);
        let canary = self.canary_of(&progress.standing.run).await;
        RunDetails { progress, retrying, errors, running, canary }
    }

    /// As above: a missing right, or a ledger that keeps no events, takes what the jobs have done away and nothing else.
    async fn canary_of(&mut self, run: &Run) -> Option<Canary> {
        let jobs = run.canary?;
        let done = self.ledger.events().canary(run.id).await.unwrap_or_default();
        let approved_by = self.ledger.runs().approved(run.id).await.unwrap_or_default();
        Some(Canary { jobs, done, approved_by })
    }

    /// How one run, given by its name or id, stands now.
    ///
    /// # Errors
    /// [`Error::NoRun`], or [`Error::Ledger`] when the database cannot be asked.
    pub async fn status(&mut self, name_or_id: &str) -> Result<Standing, Error> {
        let standing = self.ledger.runs().standing(name_or_id).await?;
        standing.ok_or_else(|| Error::NoRun(name_or_id.to_owned()))
    }

    /// How the newest `count` runs stand, newest first.
    ///
    /// # Errors
    /// [`Error::Ledger`] when the database cannot be asked.
    pub async fn newest_runs(&mut self, count: u32) -> Result<Vec<Standing>, Error> {
        let runs = self.ledger.runs().newest(count).await?;
        self.standings(runs).await
    }

    /// How these runs stand.
    pub(crate) async fn standings(&mut self, runs: Vec<Run>) -> Result<Vec<Standing>, Error> {
        let counts = self.ledger.counts_of(&runs).await?;
        let mut standings = Vec::with_capacity(runs.len());
        for (run, counts) in runs.into_iter().zip(counts) {
            standings.push(self.ledger.standing(run, counts).await?);
        }
        Ok(standings)
    }
}
