//! How runs stand.

use queryfleet_ledger::{RunningStatement, Standing};

use crate::{DeadFilter, DeadGroup, Error, Operator};

/// The most kinds of error, and of running statements, that are said of a run.
const MOST_SAID: usize = 5;

/// A run as one wants to see it while it runs.
#[derive(Clone, Debug)]
pub struct RunDetails {
    /// How it stands.
    pub standing: Standing,
    /// Jobs that have ended per second, in the last minute; only of a run that is open.
    pub per_second: Option<f64>,
    /// Messages of all runs of its queue that wait for a retry; `None` if the broker does not say it.
    pub retrying: Option<u64>,
    /// Its dead jobs by error, the most frequent first.
    pub errors: Vec<DeadGroup>,
    /// Its statements that run now, the longest first, as far as this account may see them.
    pub running: Vec<RunningStatement>,
}

impl RunDetails {
    /// When all of it will have ended at this rate, in seconds; `None` if that cannot be said.
    pub fn left_s(&self) -> Option<u64> {
        let total = self.standing.run.total?;
        let rate = self.per_second.filter(|rate| *rate > 0.0)?;
        Some((total.saturating_sub(self.standing.counts.ended()) as f64 / rate) as u64)
    }
}

impl Operator {
    /// How one run, given by its name or id, stands now, and what it does.
    ///
    /// # Errors
    /// [`Error::NoRun`], or [`Error::Ledger`] when the database cannot be asked.
    pub async fn run_details(&mut self, name_or_id: &str) -> Result<RunDetails, Error> {
        let standing = self.status(name_or_id).await?;
        let id = standing.run.id;
        let is_open = !standing.status().is_over();
        let per_second = match is_open {
            true => Some(self.ledger.jobs().ended_lately(id).await? as f64 / 60.0),
            false => None,
        };
        let mut errors = Vec::new();
        if standing.counts.dead > 0 {
            let filter = DeadFilter { run: Some(id.to_string()), ..DeadFilter::default() };
            // A right that is missing takes this away, and nothing else.
            errors = self.dead_groups(&filter).await.unwrap_or_default();
            errors.truncate(MOST_SAID);
        }
        // As above.
        let mut running = match is_open {
            true => self.ledger.inspect().running(id).await.unwrap_or_default(),
            false => Vec::new(),
        };
        running.truncate(MOST_SAID);
        let retrying = match is_open {
            true => self.queue_standing().await?.messages.map(|waiting| waiting.retry),
            false => None,
        };
        Ok(RunDetails { standing, per_second, retrying, errors, running })
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
        let counts = self.ledger.counts_of(&runs).await?;
        let mut standings = Vec::with_capacity(runs.len());
        for (run, counts) in runs.into_iter().zip(counts) {
            standings.push(self.ledger.standing(run, counts).await?);
        }
        Ok(standings)
    }
}
