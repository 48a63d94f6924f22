//! Cancelling a run.

use queryfleet_ledger::{Run, RunState, Standing};

use crate::{Error, Operator};

impl Operator {
    /// Cancels a run and returns how it stands then: none of its jobs begins any more, not even of what is published
    /// later. Running jobs are awaited, or ended with `now`; what has ended stays as it ended. An interrupted call
    /// is resumed by calling it again.
    ///
    /// # Errors
    /// [`Error::NoRun`], [`Error::Closed`] for a run that has ended or was purged, or [`Error::Ledger`] when the database
    /// fails.
    pub async fn cancel(&mut self, name_or_id: &str, now: bool) -> Result<Standing, Error> {
        let before = self.status(name_or_id).await?;
        let closed = |status| Err(Error::Closed { name: before.run.name.clone(), status });
        match before.run.state {
            RunState::Purged => return closed("purged"),
            RunState::Published if before.has_ended() => return closed("finished"),
            _ => {}
        }
        self.ledger.runs().close(before.run.id, now).await?;
        // Read after it was closed: a producer writes its manifest into an open run only, and publishes nothing before.
        let mut run = self.read_again(&before.run).await?;
        if run.total.or(run.planned).is_none() {
            // Of an older producer nobody knows how much it still publishes, so every worker has to know that the run is
            // closed. Otherwise each of its jobs has a row in the ledger, whatever is published.
            self.ledger.workers().wait_until_seen(self.config.workers_notice_within()).await?;
            run = self.read_again(&before.run).await?;
        }
        self.ledger.jobs().cancel(run.id, 1, run.last_seq()).await?;
        for (id, _) in self.ledger.halts().held(&run.queue).await?.iter().filter(|(_, of)| *of == run.id) {
            self.ledger.holds().lift(&run.queue, *id).await?;
        }
        self.note("cancel", Some(run.id), if now { "now" } else { "" }).await;
        self.status(&run.id.to_string()).await
    }

    async fn read_again(&mut self, run: &Run) -> Result<Run, Error> {
        let found = self.ledger.runs().get(&[run.id]).await?;
        found.into_iter().next().ok_or_else(|| Error::NoRun(run.name.clone()))
    }
}
