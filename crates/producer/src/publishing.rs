//! The second pass over an input: chunk, publish, and note what is confirmed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use job::{Backoff, Chunk, Job, LedgerId, Signer, envelope};
use ledger::{Control, Run, RunState};

use crate::Error;
use crate::batch::Window;
use crate::check::{Checked, Jobs};
use crate::pace::Pace;
use crate::prefix::Prefix;
use crate::present::Present;
use crate::publish::{Order, Progress, Published};
use crate::rules::MESSAGE_LIMIT;

/// How often the confirmed prefix is written down while a run is being published.
const NOTE_EVERY: Duration = Duration::from_millis(500);

/// A run that is being published.
pub(crate) struct Publishing<'a> {
    pub(crate) order: &'a Order<'a>,
    pub(crate) jobs: Jobs<'a>,
    /// What the first pass has seen.
    pub(crate) whole: Prefix,
    /// The inputs' names, for messages.
    pub(crate) source: PathBuf,
    pub(crate) run: Run,
    pub(crate) ledger: LedgerId,
    pub(crate) signer: Option<Signer>,
    pub(crate) control: Control,
    pub(crate) window: Window,
    pub(crate) pace: Pace,
    pub(crate) backoff_max: Duration,
    pub(crate) progress: &'a mut dyn FnMut(Progress<'_>),
    pub(crate) state: State,
}

/// How far it is.
pub(crate) struct State {
    /// Jobs of the next message.
    pending: Vec<Job>,
    /// Jobs of the batch that is being filled.
    batched: u64,
    /// The broker has confirmed the input up to this job.
    confirmed: u64,
    noted: Instant,
}

impl State {
    /// At the beginning, or where an earlier publish has come to.
    pub(crate) fn new(confirmed: u64) -> State {
        State { pending: Vec::new(), batched: 0, confirmed, noted: Instant::now() }
    }
}

impl Publishing<'_> {
    /// Publishes all that is not confirmed yet, or with `missing` all that the ledger lacks.
    ///
    /// # Errors
    /// As the broker can fail, and the database in more than passing; what is confirmed stays so.
    pub(crate) async fn all(&mut self) -> Result<Published, Error> {
        let mut before = self.state.confirmed;
        let mut prefix = skip(&mut self.jobs, before)?;
        let mut present = Present::default();
        self.tell();
        while let Some(Checked { job, place, atomic, .. }) = self.jobs.next()? {
            if self.order.missing && present.has(&mut self.control, self.run.id, job.seq).await? {
                prefix.add(&job);
                before += 1;
                continue;
            }
            if !atomic && !self.state.pending.is_empty() {
                // A job that is not atomic never shares a chunk.
                self.message(prefix.jobs, false).await?;
            }
            prefix.add(&job);
            self.state.pending.push(job);
            if self.state.pending.len() >= self.order.chunk || !atomic {
                self.message(prefix.jobs, !atomic).await.map_err(|error| match error {
                    Error::TooLarge { bytes, limit, .. } => {
                        let line = format!("{}:{place}", self.jobs.path().display());
                        Error::TooLarge { bytes, limit, line }
                    }
                    other => other,
                })?;
            }
        }
        if !self.state.pending.is_empty() {
            self.message(prefix.jobs, false).await?;
        }
        self.finish(&prefix).await?;
        Ok(Published { run: self.run.id, name: self.run.name.clone(), total: self.whole.jobs, before })
    }

    /// Makes a message of the pending jobs, of which `end` is the last; sends the batch when it is full.
    async fn message(&mut self, end: u64, not_atomic: bool) -> Result<(), Error> {
        let chunk = Chunk {
            run: self.run.id,
            ledger: self.ledger.clone(),
            session: self.run.session_version,
            not_atomic: self.run.not_atomic.filter(|_| not_atomic),
            jobs: std::mem::take(&mut self.state.pending),
        };
        let message = envelope::seal(&chunk, self.signer.as_ref(), 0, None);
        if message.body.len() > MESSAGE_LIMIT {
            let bytes = message.body.len();
            return Err(Error::TooLarge { bytes, line: String::new(), limit: MESSAGE_LIMIT });
        }
        self.state.batched += chunk.jobs.len() as u64;
        if self.window.push(message) { self.send(end).await } else { Ok(()) }
    }

    /// Sends the batch, whose last job is `end`, when its time has come.
    async fn send(&mut self, end: u64) -> Result<(), Error> {
        while let Some(pause) = self.pace.pause(self.state.batched).await {
            tokio::time::sleep(pause).await;
            self.note().await?;
        }
        self.state.batched = 0;
        if let Some(confirmed) = self.window.send(end).await? {
            self.state.confirmed = confirmed;
        }
        self.note().await
    }

    fn tell(&mut self) {
        let (confirmed, total, input) = (self.state.confirmed, self.whole.jobs, self.jobs.read_so_far());
        (self.progress)(Progress::Publishing { name: &self.run.name, confirmed, total, input });
    }

    /// Writes down what is confirmed, at most twice a second. A database that is away does not hold publishing up: what
    /// is not written down is published twice after an interruption, and the doubles meet on the ledger.
    async fn note(&mut self) -> Result<(), Error> {
        self.tell();
        if self.state.noted.elapsed() < NOTE_EVERY {
            return Ok(());
        }
        self.state.noted = Instant::now();
        match self.write_down(None).await {
            Err(error) if is_passing(&error) => {
                tracing::warn!("progress is not written down: {}", job::causes(&error));
                Ok(())
            }
            written => written,
        }
    }

    /// Writes down what is confirmed, and at the end the total.
    async fn write_down(&mut self, total: Option<u64>) -> Result<(), Error> {
        self.control.confirm(self.run.id, self.state.confirmed).await?;
        let run = self.control.runs(&[self.run.id]).await?.into_iter().next();
        if run.is_none_or(|run| run.state == RunState::Cancelled) {
            return Err(Error::Closed { name: self.run.name.clone(), state: "cancelled" });
        }
        match total {
            Some(total) => Ok(self.control.finish_publishing(self.run.id, total).await?),
            None => Ok(()),
        }
    }

    async fn finish(&mut self, prefix: &Prefix) -> Result<(), Error> {
        self.send(prefix.jobs).await?;
        while let Some(confirmed) = self.window.confirmed().await? {
            self.state.confirmed = confirmed;
            self.note().await?;
        }
        let total = (prefix.digest() == self.whole.digest()).then_some(prefix.jobs);
        let mut backoff = Backoff::new(self.backoff_max);
        while let Err(error) = self.write_down(total).await {
            if !is_passing(&error) {
                return Err(error);
            }
            tracing::warn!("the end is not written down yet: {}", job::causes(&error));
            tokio::time::sleep(backoff.pause()).await;
        }
        match total {
            Some(_) => Ok(()),
            None => Err(Error::Moving { path: self.source.clone(), name: self.run.name.clone() }),
        }
    }
}

/// Whether the database may be back soon.
fn is_passing(error: &Error) -> bool {
    matches!(error, Error::Ledger(error) if !error.is_unfit())
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
