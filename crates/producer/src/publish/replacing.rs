//! Replacing the dead jobs of another run.

use std::collections::BTreeSet;

use queryfleet_ledger::{LedgerClient, NewEvent, NotReplaced, Run, RunStatus};

use crate::error::Unreplaceable;
use crate::input::Input;
use crate::{Error, PublishRequest};

/// The dead jobs that a run replaces.
pub(crate) struct Replacement {
    /// The run that they are of.
    run: Run,
    /// Known before the input is checked: what dies or is replayed afterwards is not what anybody has looked at.
    jobs: BTreeSet<u64>,
}

impl Replacement {
    /// The dead jobs of this run that the inputs name, as an export does, or all of them if the inputs name none.
    ///
    /// # Errors
    /// [`Error::NoRun`]; [`Error::Replaces`] if the run has not ended, or if a job is executed otherwise; or if an input
    /// cannot be read, or the database fails.
    pub(crate) async fn find(
        client: &mut LedgerClient,
        request: &PublishRequest<'_>,
        name_or_id: &str,
        inputs: &[Input],
        line_limit: usize,
    ) -> Result<Replacement, Error> {
        let standing = client.runs().standing(name_or_id).await?;
        let standing = standing.ok_or_else(|| Error::NoRun(name_or_id.to_owned()))?;
        let refused = |why| Error::Replaces { name: standing.run.name.clone(), why };
        match standing.status() {
            _ if request.name == Some(&standing.run.name) => return Err(refused(Unreplaceable::Itself)),
            RunStatus::Done | RunStatus::Finished | RunStatus::Repaired => {}
            // No further job of it may die.
            status => return Err(refused(Unreplaceable::Open(status))),
        }
        let mut named = BTreeSet::new();
        for input in inputs {
            for (seq, run) in input.job_marks(line_limit)? {
                if !queryfleet_job::marks_run(&run, &standing.run.name) {
                    return Err(refused(Unreplaceable::OtherRun { seq, run }));
                }
                named.insert(seq);
            }
        }
        let by = match request.name {
            Some(name) => client.runs().find(name).await?.map(|run| run.id),
            None => None,
        };
        match client.dead_jobs().replaceable(standing.run.id, &named, by).await? {
            Ok(jobs) => Ok(Replacement { run: standing.run, jobs }),
            Err(why) => Err(refused(why.into())),
        }
    }

    /// Discards them, before any job of the run that replaces them can be executed: a job and what replaces it never both
    /// take effect. Returns how many.
    ///
    /// # Errors
    /// [`Error::Replaces`] if one of them is no longer dead, or if the database fails.
    pub(crate) async fn discard(&self, client: &mut LedgerClient, by: &Run) -> Result<u64, Error> {
        match client.dead_jobs().replace(self.run.id, &self.jobs, by.id).await? {
            Ok(()) => {
                client.halts().lower_bases().await?;
                let who = queryfleet_config::login_name();
                let detail = format!("{} by run {}", self.jobs.len(), by.name);
                let run = Some(self.run.id);
                let event = NewEvent { queue: &by.queue, run, who: &who, what: "replace", detail: &detail };
                client.events().note(&event).await;
                Ok(self.jobs.len() as u64)
            }
            Err(why) => Err(Error::Replaces { name: self.run.name.clone(), why: why.into() }),
        }
    }
}

impl From<NotReplaced> for Unreplaceable {
    fn from(why: NotReplaced) -> Unreplaceable {
        Unreplaceable::Job(why)
    }
}
