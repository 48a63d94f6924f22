//! The second pass over an input: chunk, publish, and note what is confirmed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use job::{Chunk, Job, LedgerId, Signer, envelope};
use ledger::{Control, Run, RunState};

use crate::Error;
use crate::batch::Window;
use crate::check::{Checked, Jobs, MESSAGE_LIMIT};
use crate::prefix::Prefix;
use crate::present::Present;
use crate::publish::{Order, Progress, Published};

/// How often the confirmed prefix is written down while a run is being published.
const NOTE_EVERY: Duration = Duration::from_millis(500);

/// A run that is being published.
pub(crate) struct Publishing {
    /// The inputs' names, for messages.
    pub(crate) source: PathBuf,
    pub(crate) run: Run,
    pub(crate) ledger: LedgerId,
    pub(crate) signer: Option<Signer>,
    pub(crate) control: Control,
    pub(crate) window: Window,
    pub(crate) noted: Instant,
    pub(crate) total: u64,
}

impl Publishing {
    /// Publishes all that is not confirmed yet, or with `missing` all that the ledger lacks.
    ///
    /// # Errors
    /// As broker and database can fail; what is confirmed stays so.
    pub(crate) async fn all(
        &mut self,
        order: &Order<'_>,
        mut jobs: Jobs<'_>,
        whole: &Prefix,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Published, Error> {
        let mut before = if order.missing { 0 } else { self.run.confirmed };
        let mut prefix = skip(&mut jobs, before)?;
        let mut present = Present::default();
        let mut pending: Vec<Job> = Vec::with_capacity(order.chunk);
        while let Some(Checked { job, place, atomic, .. }) = jobs.next()? {
            if order.missing && present.has(&mut self.control, self.run.id, job.seq).await? {
                prefix.add(&job);
                before += 1;
                continue;
            }
            if !atomic && !pending.is_empty() {
                // A job that is not atomic never shares a chunk.
                let before_it = prefix.clone();
                self.message(&mut pending, &before_it, false, progress).await?;
            }
            prefix.add(&job);
            pending.push(job);
            if pending.len() >= order.chunk || !atomic {
                self.message(&mut pending, &prefix, !atomic, progress).await.map_err(
                    |error| match error {
                        Error::TooLarge { bytes, limit, .. } => {
                            Error::TooLarge { bytes, limit, line: place.to_string() }
                        }
                        other => other,
                    },
                )?;
            }
        }
        if !pending.is_empty() {
            self.message(&mut pending, &prefix, false, progress).await?;
        }
        self.finish(&prefix, whole, progress).await?;
        Ok(Published { run: self.run.id, name: self.run.name.clone(), total: self.total, before })
    }

    /// Makes a message of the pending jobs; sends the batch when it is full.
    async fn message(
        &mut self,
        pending: &mut Vec<Job>,
        prefix: &Prefix,
        not_atomic: bool,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let chunk = Chunk {
            run: self.run.id,
            ledger: self.ledger.clone(),
            session: self.run.session_version,
            not_atomic: self.run.not_atomic.filter(|_| not_atomic),
            jobs: std::mem::take(pending),
        };
        let message = envelope::seal(&chunk, self.signer.as_ref(), 0, None);
        if message.body.len() > MESSAGE_LIMIT {
            return Err(Error::TooLarge {
                bytes: message.body.len(),
                line: String::new(),
                limit: MESSAGE_LIMIT,
            });
        }
        if self.window.push(message)
            && let Some(confirmed) = self.window.send(prefix.clone()).await?
        {
            self.note(&confirmed, false, progress).await?;
        }
        Ok(())
    }

    /// Writes down what is confirmed, at most twice a second.
    async fn note(
        &mut self,
        confirmed: &Prefix,
        now: bool,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        progress(Progress { name: &self.run.name, confirmed: confirmed.jobs, total: self.total });
        if now || self.noted.elapsed() >= NOTE_EVERY {
            self.control.confirm(self.run.id, confirmed.jobs).await?;
            self.noted = Instant::now();
            let run = self.control.runs(&[self.run.id]).await?.into_iter().next();
            if run.is_none_or(|run| run.state == RunState::Cancelled) {
                return Err(Error::Closed { name: self.run.name.clone(), state: "cancelled" });
            }
        }
        Ok(())
    }

    async fn finish(
        &mut self,
        prefix: &Prefix,
        whole: &Prefix,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let mut last = self.window.send(prefix.clone()).await?;
        while let Some(confirmed) = self.window.confirmed().await? {
            last = Some(confirmed);
        }
        if let Some(confirmed) = last {
            self.note(&confirmed, true, progress).await?;
        }
        if prefix.digest() != whole.digest() {
            return Err(Error::Moving { path: self.source.clone(), name: self.run.name.clone() });
        }
        Ok(self.control.finish_publishing(self.run.id, prefix.jobs).await?)
    }
}

/// Reads past what an earlier publish has confirmed.
fn skip(jobs: &mut Jobs<'_>, confirmed: u64) -> Result<Prefix, Error> {
    let mut prefix = Prefix::default();
    while prefix.jobs < confirmed
        && let Some(checked) = jobs.next()?
    {
        prefix.add(&checked.job);
    }
    Ok(prefix)
}
