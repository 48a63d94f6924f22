//! The second pass over an input: chunk, publish, and note what is confirmed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use queryfleet_job::{Backoff, Chunk, Filling, Job, LedgerId, ManifestDigest, Signer};
use queryfleet_ledger::{LedgerClient, Run, RunState};

use crate::Error;
use crate::check::{Checked, Jobs};
use crate::notice::Notice;
use crate::publish::batch::Window;
use crate::publish::pace::Pace;
use crate::publish::prefix::Prefix;
use crate::publish::present::Present;
use crate::publish::{Progress, PublishRequest, Published, place};

/// How often the confirmed prefix is written down while a run is being published.
const NOTE_EVERY: Duration = Duration::from_millis(500);
/// What a job of a chunk adds to the server's packet beside its statement: two ledger rows and a comment.
const PACKET_ROOM: usize = 128;

/// A run that is being published.
pub(crate) struct Publishing<'a> {
    pub(crate) request: &'a PublishRequest<'a>,
    /// Jobs a message at most.
    pub(crate) chunk: usize,
    pub(crate) jobs: Jobs<'a>,
    /// What the first pass has seen.
    pub(crate) whole: Prefix,
    /// The inputs' names, for messages.
    pub(crate) source: PathBuf,
    pub(crate) run: Run,
    pub(crate) ledger: LedgerId,
    /// What the run is published as.
    pub(crate) manifest: ManifestDigest,
    pub(crate) signer: Option<Signer>,
    pub(crate) control: LedgerClient,
    pub(crate) window: Window,
    pub(crate) pace: Pace,
    pub(crate) backoff_max: Duration,
    /// Of the database.
    pub(crate) notice: Notice,
    pub(crate) progress: &'a mut dyn FnMut(Progress<'_>),
    pub(crate) state: State,
}

/// How far it is.
pub(crate) struct State {
    /// The next message.
    pending: Option<Filling>,
    /// Jobs of the batch that is being filled.
    batched: u64,
    /// The broker has confirmed the input up to this job.
    confirmed: u64,
    noted: Instant,
}

impl State {
    /// At the beginning, or where an earlier publish has come to.
    pub(crate) fn new(confirmed: u64) -> State {
        State { pending: None, batched: 0, confirmed, noted: Instant::now() }
    }

    /// Jobs of the next message.
    fn jobs(&self) -> usize {
        self.pending.as_ref().map_or(0, Filling::jobs)
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
        while let Some(Checked { job, atomic, .. }) = self.jobs.next()? {
            if self.request.missing && present.has(&mut self.control, self.run.id, job.seq).await? {
                prefix.add(&job);
                before += 1;
                continue;
            }
            let end = prefix.jobs;
            prefix.add(&job);
            if !self.add(&job, atomic) {
                self.message(end).await?;
                self.state.pending = Some(self.begin(job, atomic));
            }
            if !atomic || self.state.jobs() >= self.chunk {
                self.message(prefix.jobs).await?;
            }
        }
        self.message(prefix.jobs).await?;
        self.finish(&prefix).await?;
        Ok(Published { run: self.run.id, name: self.run.name.clone(), total: self.whole.jobs, before })
    }

    /// Puts a job into the next message, if there is one that it may share: below the limit of a message, and never
    /// with a job that is not atomic.
    fn add(&mut self, job: &Job, atomic: bool) -> bool {
        let limit = self.jobs.limit().saturating_sub(self.state.jobs() * PACKET_ROOM);
        atomic && self.state.pending.as_mut().is_some_and(|pending| pending.add(job, limit))
    }

    /// A message with its first job, which alone is below the limit: the checks have seen to that.
    fn begin(&self, job: Job, atomic: bool) -> Filling {
        Filling::new(&Chunk {
            run: self.run.id,
            ledger: self.ledger.clone(),
            manifest: Some(self.manifest),
            session: 0,
            not_atomic: self.run.not_atomic.filter(|_| !atomic),
            jobs: vec![job],
        })
    }

    /// Ends the message of the pending jobs, of which `end` is the last; sends the batch when it is full.
    async fn message(&mut self, end: u64) -> Result<(), Error> {
        let Some(pending) = self.state.pending.take() else { return Ok(()) };
        self.state.batched += pending.jobs() as u64;
        if self.window.push(pending.seal(self.signer.as_ref())) { self.send(end).await } else { Ok(()) }
    }

    /// Sends the batch, whose last job is `end`, when its time has come.
    async fn send(&mut self, end: u64) -> Result<(), Error> {
        while let Some(pause) = self.pace.pause(self.state.batched).await {
            tokio::time::sleep(pause).await;
            self.note().await?;
        }
        self.state.batched = 0;
        let confirmed = self.window.send(end).await;
        if let Some(confirmed) = confirmed.map_err(|error| self.named(error))? {
            self.state.confirmed = confirmed;
        }
        self.note().await
    }

    /// The error with the place of the statement that it is about.
    fn named(&self, error: queryfleet_broker::Error) -> Error {
        let queryfleet_broker::Error::TooLarge { message, bytes, limit, .. } = &error else {
            return error.into();
        };
        let seq = message.rsplit_once('/').and_then(|(_, seq)| seq.parse().ok());
        // Only the text is at stake: an input that cannot be read again is said elsewhere.
        let place = seq.and_then(|seq| place(self.jobs.anew(), seq).ok().flatten());
        Error::TooLarge {
            place: place.unwrap_or_else(|| format!("message {message}")),
            bytes: *bytes,
            limit: limit.map_or_else(String::new, |limit| format!(" of {limit}")),
            name: self.run.name.clone(),
            source: error.into(),
        }
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
                self.notice.warn("progress is not written down", &error);
                Ok(())
            }
            written => written,
        }
    }

    /// Writes down what is confirmed, and at the end the total.
    async fn write_down(&mut self, total: Option<u64>) -> Result<(), Error> {
        self.control.runs().confirm(self.run.id, self.state.confirmed).await?;
        let run = self.control.runs().get(&[self.run.id]).await?.into_iter().next();
        if run.is_none_or(|run| matches!(run.state, RunState::Cancelled | RunState::Purged)) {
            return Err(Error::Cancelled(self.run.name.clone()));
        }
        match total {
            Some(total) => Ok(self.control.runs().finish_publishing(self.run.id, total).await?),
            None => Ok(()),
        }
    }

    async fn finish(&mut self, prefix: &Prefix) -> Result<(), Error> {
        self.send(prefix.jobs).await?;
        loop {
            let confirmed = self.window.confirmed().await;
            let Some(confirmed) = confirmed.map_err(|error| self.named(error))? else { break };
            self.state.confirmed = confirmed;
            self.note().await?;
        }
        let total = (prefix.digest() == self.whole.digest()).then_some(prefix.jobs);
        let mut backoff = Backoff::new(self.backoff_max);
        while let Err(error) = self.write_down(total).await {
            if !is_passing(&error) {
                return Err(error);
            }
            self.notice.warn("the end is not written down yet", &error);
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
