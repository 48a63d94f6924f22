//! Approving the jobs after a canary.

use queryfleet_ledger::{Counts, Run};

use crate::{Error, Operator};

impl Operator {
    /// Approves the jobs after the canary of a run, whose jobs have all ended, and returns how they have. The publish that
    /// waits for it continues; one that was interrupted continues when it is repeated.
    ///
    /// # Errors
    /// [`Error::NoRun`], [`Error::NoCanary`] if the run has none, [`Error::CanaryRuns`] while it has not ended: nothing is
    /// changed then. [`Error::Ledger`] when the database fails.
    pub async fn approve(&mut self, name_or_id: &str) -> Result<(Run, Counts), Error> {
        let run = self.ledger.runs().find(name_or_id).await?;
        let run = run.ok_or_else(|| Error::NoRun(name_or_id.to_owned()))?;
        let jobs = run.canary.ok_or_else(|| Error::NoCanary(run.name.clone()))?;
        let counts = self.ledger.jobs().count_first(run.id, jobs).await?;
        let ended = counts.ended();
        if ended < jobs {
            return Err(Error::CanaryRuns { name: run.name, ended, jobs });
        }
        let who = self.who.clone();
        self.ledger.runs().approve(run.id, &who).await?;
        self.note("approve", Some(run.id), &format!("{} done, {} dead", counts.done, counts.dead)).await;
        Ok((run, counts))
    }
}
