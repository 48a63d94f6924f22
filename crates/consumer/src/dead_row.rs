//! The end of a job as dead, in the ledger and in `queryfleet_dead`.

use queryfleet_job::{Chunk, DeadReason, Failure, Headers, Job, envelope};
use queryfleet_ledger::{Error, NewDeadJob, Session};

use crate::log::{Event, JobRef};
use crate::shared::Shared;

/// A job that dies.
pub(crate) struct DeadRow<'a> {
    pub(crate) chunk: &'a Chunk,
    pub(crate) job: &'a Job,
    /// The headers of its message.
    pub(crate) headers: &'a Headers,
    pub(crate) reason: DeadReason,
    /// The error of its last attempt, or why it has none.
    pub(crate) failure: &'a Failure,
    /// Counted attempts, the last one included.
    pub(crate) attempts: u32,
    /// The number of the slot that had it; `None` in the collector.
    pub(crate) slot: Option<usize>,
}

impl DeadRow<'_> {
    /// Writes the job's ledger row and its dead row in one transaction, then counts and logs it. Nothing changes if the
    /// job had ended before.
    ///
    /// # Errors
    /// Returns the ledger's error if the rows could not be written.
    pub(crate) async fn write(&self, shared: &Shared, session: &mut Session) -> Result<(), Error> {
        // Signed here, by a worker that has verified the message: a replay publishes these bytes, and signs nothing.
        let single = self.chunk.with_jobs(vec![self.job]);
        let message = envelope::seal(&single, shared.signer.as_ref(), 0, None);
        let dead = NewDeadJob {
            run: self.chunk.run,
            seq: self.job.seq,
            queue: &shared.queue,
            reason: self.reason,
            failure: self.failure,
            first_error: self.headers.first_error.as_deref(),
            attempts: self.attempts,
            worker: &shared.worker,
            statement: &self.job.sql,
            envelope: &message.body,
            signature: message.headers.signature.as_deref(),
        };
        if let Some(reason) = session.record_dead(&dead).await? {
            let job = JobRef { run: self.chunk.run, seq: self.job.seq, slot: self.slot };
            let event = Event::of_job(job, reason.as_str(), self.failure.to_string());
            shared.record_dead(reason, event);
        }
        Ok(())
    }
}
