//! What people have done: noted by each change of an operator, and read.

use std::time::Duration;

use queryfleet_job::RunId;
use queryfleet_ledger::{Event, NewEvent};

use crate::{Error, Operator};

impl Operator {
    /// Says who acts, in place of the login name.
    #[must_use]
    pub fn acting_as(mut self, who: &str) -> Operator {
        self.who = who.to_owned();
        self
    }

    /// The newest events of the queue, or of a run, newest first.
    ///
    /// # Errors
    /// [`Error::NoRun`], or [`Error::Ledger`] when the database cannot be asked.
    pub async fn events(
        &mut self,
        run: Option<&str>,
        since: Duration,
        count: u32,
    ) -> Result<Vec<Event>, Error> {
        let run = match run {
            None => None,
            Some(run) => {
                Some(self.ledger.runs().find(run).await?.ok_or_else(|| Error::NoRun(run.to_owned()))?.id)
            }
        };
        Ok(self.ledger.events().newest(&self.config.queue, run, since.as_secs(), count).await?)
    }

    /// Notes what was done.
    pub(crate) async fn note(&mut self, what: &str, run: Option<RunId>, detail: &str) {
        let event = NewEvent { queue: &self.config.queue, run, who: &self.who, what, detail };
        self.ledger.events().note(&event).await;
    }
}
