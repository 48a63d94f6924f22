//! Dead jobs: which there are, one of them whole, and giving them up. Bringing them back is [`crate::replay`]'s.

use queryfleet_job::RunId;
use queryfleet_ledger::{DeadGroup, DeadJob, Filter, ReplayableJob};

use crate::{DeadFilter, Error, Operator, ReplayPreview};

/// One dead job, whole.
#[derive(Clone, Debug)]
pub struct DeadDetails {
    /// How it died.
    pub row: DeadJob,
    /// What a replay of it would execute.
    pub replay: ReplayPreview,
}

impl Operator {
    /// The dead jobs that wait for a decision, grouped by run, reason and error.
    ///
    /// # Errors
    /// [`Error::NoRun`], or [`Error::Ledger`] when the database cannot be asked.
    pub async fn dead_groups(&mut self, filter: &DeadFilter) -> Result<Vec<DeadGroup>, Error> {
        let filter = self.ledger_filter(filter).await?;
        Ok(self.ledger.dead_jobs().groups(&filter).await?)
    }

    /// One dead job.
    ///
    /// # Errors
    /// [`Error::NoRun`], [`Error::NotDead`], or [`Error::Ledger`] when the database cannot be asked.
    pub async fn dead_job(&mut self, run: &str, seq: u64) -> Result<DeadDetails, Error> {
        let id = self.run_id(run).await?;
        let Some(row) = self.ledger.dead_jobs().find(Some(id), seq).await? else {
            return Err(Error::NotDead { run: run.to_owned(), seq });
        };
        let job = ReplayableJob {
            id: row.id,
            run: id,
            seq,
            queue: row.queue.clone(),
            envelope: row.envelope.clone(),
            signature: row.signature.clone(),
        };
        let replay = self.preview(job).await?;
        Ok(DeadDetails { row, replay })
    }

    /// Gives dead jobs up, so that nothing brings them back, and returns how many. `all` has to be set for an empty filter,
    /// which means the dead jobs of all runs.
    ///
    /// # Errors
    /// [`Error::NoFilter`], [`Error::NoRun`], or [`Error::Ledger`] when the database fails; calling it again resumes.
    pub async fn discard(&mut self, filter: &DeadFilter, all: bool) -> Result<u64, Error> {
        filter.require_any(all)?;
        let filter = self.ledger_filter(filter).await?;
        Ok(self.ledger.dead_jobs().discard(&filter).await?)
    }

    pub(crate) async fn ledger_filter(&mut self, filter: &DeadFilter) -> Result<Filter, Error> {
        let run = match &filter.run {
            Some(name_or_id) => Some(self.run_id(name_or_id).await?),
            None => None,
        };
        Ok(Filter {
            run,
            code: filter.code,
            sql_state: filter.sql_state.clone(),
            reason: filter.reason.clone(),
        })
    }

    async fn run_id(&mut self, name_or_id: &str) -> Result<RunId, Error> {
        let run = self.ledger.runs().find(name_or_id).await?;
        Ok(run.ok_or_else(|| Error::NoRun(name_or_id.to_owned()))?.id)
    }
}
