//! The workers of a queue, as their rows say.

use queryfleet_ledger::WorkerDetails;

use crate::{Error, Operator};

/// A worker, and whether it is there.
#[derive(Clone, Debug)]
pub struct WorkerStanding {
    /// What its row says.
    pub details: WorkerDetails,
    /// Whether it was heard of lately: one that was killed leaves its row for a day.
    pub is_live: bool,
}

impl Operator {
    /// The workers of the queue.
    ///
    /// # Errors
    /// [`Error::NoLimits`] if the tables were made by a version that knew less of workers; [`Error::Ledger`] when the
    /// database cannot be asked.
    pub async fn workers(&mut self) -> Result<Vec<WorkerStanding>, Error> {
        let queue = self.config.queue.clone();
        if self.ledger.limits().of_queue(&queue).await?.is_none() {
            return Err(Error::NoLimits);
        }
        let live = self.live_within().as_secs();
        let workers = self.ledger.workers().details(&queue).await?;
        let standing = |details: WorkerDetails| WorkerStanding { is_live: details.silent_s <= live, details };
        Ok(workers.into_iter().map(standing).collect())
    }
}
