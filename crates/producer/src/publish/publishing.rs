//! The second pass over an input: chunk, publish, and note what is confirmed.
//!
//! It reads the same [`Jobs`] as the first pass, and so checks each statement once more. That is where the jobs are made,
//! and an input that changed since the first pass can publish nothing that was not checked; beside publishing it costs
//! little.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use queryfleet_job::{Backoff, Chunk, Filling, Job, LedgerId, ManifestDigest, Signer};
use queryfleet_ledger::{LedgerClient, Run, RunState, SEQS_PER_BLOCK};

use crate::check::{Checked, Jobs};
use crate::grouping::{Grouping, Weight};
use crate::notice::Notice;
use crate::publish::batch::Window;
use crate::publish::digest::InputDigest;
use crate::publish::pace::Pace;
use crate::publish::places::Places;
use crate::publish::progress::{JOBS_PER_REPORT, Progress, Published, Waits};
use crate::publish::run::past_end;
use crate::request::ChunkSize;
use crate::wait::observer::nothing_runs;
use crate::{Error, PastEnd, PublishRequest};

/// How often the confirmed prefix is written down while a run is being published.
const NOTE_EVERY: Duration = Duration::from_millis(500);
/// A shorter wait is not worth a word.
const SAID_AFTER: Duration = Duration::from_secs(1);
/// What a job of a chunk adds to the server's packet besides its statement: two ledger rows and a comment.
const LEDGER_BYTES_PER_JOB: usize = 128;

/// A run that is being published.
pub(crate) struct Publishing<'a> {
    pub(crate) request: &'a PublishRequest<'a>,
    /// Which jobs share a message.
    pub(crate) grouping: Grouping<'a>,
    pub(crate) jobs: Jobs<'a>,
    /// What the first pass has seen.
    pub(crate) checked: InputDigest,
    /// The inputs' names, for messages.
    pub(crate) source: PathBuf,
    pub(crate) run: Run,
    pub(crate) ledger: LedgerId,
    /// What the run is published as.
    pub(crate) manifest: ManifestDigest,
    pub(crate) signer: Option<Signer>,
    pub(crate) client: LedgerClient,
    pub(crate) window: Window,
    pub(crate) pace: Pace,
    /// Where the jobs stand.
    pub(crate) places: Places,
    pub(crate) backoff_max: Duration,
    /// Of the database.
    pub(crate) notice: Notice,
    pub(crate) progress: &'a mut (dyn FnMut(Progress<'_>) + Send),
    /// The message that is being filled.
    pub(crate) pending: Option<Filling>,
    /// Jobs of the batch that is being filled.
    pub(crate) batched_jobs: u64,
    /// The broker has confirmed all jobs up to this seq.
    pub(crate) confirmed: u64,
    /// When that was last written down.
    pub(crate) noted_at: Instant,
    /// What is waited for.
    pub(crate) waits: Option<Waits>,
    /// So many jobs are published before somebody approves the rest.
    pub(crate) canary: Option<u64>,
    /// For how many seconds a worker counts after it was heard of.
    pub(crate) heard_within_s: u64,
}

impl Publishing<'_> {
    /// Publishes all that is not confirmed yet, or with `missing` all that the ledger lacks.
    ///
    /// # Errors
    /// Returns an error if a server fails for good, if the run was cancelled, or if the input changed since the first
    /// pass. What is confirmed stays confirmed.
    pub(crate) async fn run(mut self) -> Result<Published, Error> {
        let mut before = self.confirmed;
        let mut read = self.skip_confirmed().await?;
        let mut in_ledger = LedgerRows::default();
        if self.request.missing {
            in_ledger.begun = !nothing_runs(&mut self.client, &self.run, self.heard_within_s).await;
        }
        self.report();
        while let Some(checked) = self.jobs.next()? {
            if self.request.missing && in_ledger.contain(&mut self.client, &self.run, checked.job.seq).await?
            {
                self.places.add(checked.job.seq, self.jobs.input(), checked.place);
                read.add(&checked.job);
                before += 1;
                continue;
            }
            self.places.add(checked.job.seq, self.jobs.input(), checked.place);
            if self.canary.is_some_and(|canary| checked.job.seq > canary) {
                self.close_message(read.jobs).await?;
                self.send_batch(read.jobs).await?;
                self.await_confirms().await?;
                self.await_approval().await?;
                self.canary = None;
            }
            let weighed = self.grouping.weigh(&checked).await;
            let weight = self.grouping.note(weighed, || self.jobs.location(checked.place).to_string());
            let Checked { job, is_atomic, .. } = checked;
            let end = read.jobs;
            read.add(&job);
            if !self.add_to_message(&job, weight) {
                self.close_message(end).await?;
                self.pending = Some(self.begin_message(job, is_atomic));
            }
            self.grouping.add(weight);
            if self.grouping.is_full() || self.canary.is_some() {
                self.close_message(read.jobs).await?;
            }
        }
        // A small input fills no batch: then all of its jobs are sent here.
        self.close_message(read.jobs).await?;
        self.send_batch(read.jobs).await?;
        self.await_confirms().await?;
        self.finish(&read).await?;
        let total = self.checked.jobs;
        let end = if before == total { self.past_end().await? } else { None };
        Ok(Published {
            run: self.run.id,
            name: self.run.name,
            total,
            before,
            replaced: 0,
            chunk: ChunkSize::from_row(self.run.chunk),
            chunks: self.grouping.into_chunks(),
            end,
        })
    }

    async fn past_end(&mut self) -> Result<Option<PastEnd>, Error> {
        let Some(run) = self.client.runs().get(&[self.run.id]).await?.pop() else { return Ok(None) };
        let counts = self.client.jobs().count_run(&run).await?;
        let standing = self.client.standing(run, counts).await?;
        past_end(&mut self.client, &standing).await
    }

    /// Reads past what an earlier publish has confirmed.
    async fn skip_confirmed(&mut self) -> Result<InputDigest, Error> {
        let mut read = InputDigest::default();
        while read.jobs < self.confirmed
            && let Some(checked) = self.jobs.next()?
        {
            self.places.add(checked.job.seq, self.jobs.input(), checked.place);
            read.add(&checked.job);
            // Nothing else here waits, and whoever interrupts a publish is to be noticed.
            if read.jobs.is_multiple_of(JOBS_PER_REPORT) {
                tokio::task::yield_now().await;
            }
        }
        Ok(read)
    }

    /// Puts a job into the message that is being filled, if it fits there.
    fn add_to_message(&mut self, job: &Job, weight: Weight) -> bool {
        let Some(pending) = self.pending.as_mut().filter(|_| self.grouping.admits(weight)) else {
            return false;
        };
        let limit = self.jobs.limit_bytes().saturating_sub(pending.jobs() * LEDGER_BYTES_PER_JOB);
        pending.add(job, self.grouping.limit_bytes(limit))
    }

    /// A message with its first job. A single job is below the limit: `check` has ensured that.
    fn begin_message(&self, job: Job, is_atomic: bool) -> Filling {
        Filling::new(&Chunk {
            run: self.run.id,
            ledger: self.ledger.clone(),
            manifest: Some(self.manifest),
            session: 0,
            not_atomic: self.run.not_atomic.filter(|_| !is_atomic),
            jobs: vec![job],
        })
    }

    /// Puts the message that is being filled, whose last job is `end`, into the batch, and sends that if it is full.
    async fn close_message(&mut self, end: u64) -> Result<(), Error> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        self.grouping.close();
        self.batched_jobs += pending.jobs() as u64;
        if self.window.push(pending.seal(self.signer.as_ref())) { self.send_batch(end).await } else { Ok(()) }
    }

    /// Sends the batch, whose last job is `end`, as soon as the pace allows it.
    async fn send_batch(&mut self, end: u64) -> Result<(), Error> {
        while let Some(pause) = self.pace.pause(self.batched_jobs).await {
            self.waits = self.pace.is_held_back().then_some(Waits::Backlog);
            tokio::time::sleep(pause).await;
            self.note().await?;
        }
        self.waits = None;
        self.batched_jobs = 0;
        if self.window.is_full() {
            self.await_oldest().await?;
        }
        // There is room: this does not wait.
        self.window.send(end).await.map_err(|error| self.locate(error))?;
        self.note().await
    }

    /// Waits for the older batch, and says so while that takes long. Returns whether there was one.
    async fn await_oldest(&mut self) -> Result<bool, Error> {
        let since = Instant::now();
        loop {
            self.waits = Some(Waits::Broker(since.elapsed())).filter(|_| since.elapsed() >= SAID_AFTER);
            let oldest = tokio::time::timeout(NOTE_EVERY, self.window.await_oldest()).await;
            let Ok(confirmed) = oldest else {
                self.report();
                continue;
            };
            self.waits = None;
            let confirmed = confirmed.map_err(|error| self.locate(error))?;
            self.confirmed = confirmed.unwrap_or(self.confirmed);
            return Ok(confirmed.is_some());
        }
    }

    /// Waits until the broker has confirmed all batches.
    async fn await_confirms(&mut self) -> Result<(), Error> {
        while self.await_oldest().await? {
            self.note().await?;
        }
        Ok(())
    }

    /// Waits until the jobs of the canary have ended, and somebody has approved the rest; says so meanwhile.
    async fn await_approval(&mut self) -> Result<(), Error> {
        let Some(jobs) = self.canary else { return Ok(()) };
        let mut backoff = Backoff::new(self.backoff_max);
        loop {
            match self.look_at_canary(jobs).await {
                Ok(true) => {
                    self.waits = None;
                    return Ok(());
                }
                Ok(false) => tokio::time::sleep(NOTE_EVERY).await,
                Err(error) if is_passing(&error) => {
                    self.notice.warn("the canary cannot be looked at", &error);
                    tokio::time::sleep(backoff.pause()).await;
                }
                Err(error) => return Err(error),
            }
            self.report();
        }
    }

    /// Whether all of the canary has ended and the rest is approved.
    async fn look_at_canary(&mut self, jobs: u64) -> Result<bool, Error> {
        self.write_confirmed().await?;
        let counts = self.client.jobs().count_first(self.run.id, jobs).await?;
        self.waits = Some(Waits::Canary { jobs, ended: counts.ended(), dead: counts.dead });
        Ok(counts.ended() >= jobs && self.client.runs().approved(self.run.id).await?.is_some())
    }

    /// The error with the location of the statement that it is about.
    fn locate(&self, error: queryfleet_broker::Error) -> Error {
        let queryfleet_broker::Error::TooLarge { message, bytes, limit, .. } = &error else {
            return error.into();
        };
        let seq = message.rsplit_once('/').and_then(|(_, seq)| seq.parse().ok());
        // Only the text is at stake: an input that cannot be read again is reported elsewhere.
        let place = seq.and_then(|seq| self.jobs.location_of(seq).ok().flatten());
        Error::TooLarge {
            place: place.map_or_else(|| format!("message {message}"), |place| place.to_string()),
            bytes: *bytes,
            limit: limit.map_or_else(String::new, |limit| format!(" of {limit}")),
            name: self.run.name.clone(),
            source: error.into(),
        }
    }

    fn report(&mut self) {
        (self.progress)(Progress::Publishing {
            name: &self.run.name,
            confirmed: self.confirmed,
            total: self.checked.jobs,
            input: self.jobs.read_so_far(),
            waits: self.waits,
        });
    }

    /// Writes down what is confirmed, at most twice a second. An unavailable database does not hold publishing up: what is
    /// not written down is published twice after an interruption, and the ledger makes duplicates harmless.
    async fn note(&mut self) -> Result<(), Error> {
        self.report();
        if self.noted_at.elapsed() < NOTE_EVERY {
            return Ok(());
        }
        self.noted_at = Instant::now();
        match self.write_confirmed().await {
            Err(error) if is_passing(&error) => {
                self.notice.warn("progress is not written down", &error);
                Ok(())
            }
            written => written,
        }
    }

    async fn write_confirmed(&mut self) -> Result<(), Error> {
        self.places.write(&mut self.client, self.run.id).await?;
        self.client.runs().confirm(self.run.id, self.confirmed).await?;
        let run = self.client.runs().get(&[self.run.id]).await?.into_iter().next();
        if run.is_none_or(|run| matches!(run.state, RunState::Cancelled | RunState::Purged)) {
            return Err(Error::Cancelled(self.run.name.clone()));
        }
        Ok(())
    }

    /// Writes down what is confirmed and, if the input is still the one that was checked, its total; waits for a database
    /// that is unavailable.
    async fn finish(&mut self, read: &InputDigest) -> Result<(), Error> {
        self.places.complete_block();
        let is_same = read.digest() == self.checked.digest();
        let total = is_same.then_some(read.jobs);
        let mut backoff = Backoff::new(self.backoff_max);
        let since = Instant::now();
        while let Err(error) = self.write_end(total).await {
            if !is_passing(&error) {
                return Err(error);
            }
            self.waits = Some(Waits::Database(since.elapsed()));
            self.report();
            self.notice.warn("the end is not written down yet", &error);
            tokio::time::sleep(backoff.pause()).await;
        }
        if is_same {
            return Ok(());
        }
        Err(Error::Moving { path: self.source.clone(), name: self.run.name.clone() })
    }

    async fn write_end(&mut self, total: Option<u64>) -> Result<(), Error> {
        self.write_confirmed().await?;
        match total {
            Some(total) => Ok(self.client.runs().finish_publishing(self.run.id, total).await?),
            None => Ok(()),
        }
    }
}

/// Whether the database may soon be available again.
fn is_passing(error: &Error) -> bool {
    matches!(error, Error::Ledger(error) if !error.is_unfit())
}

/// The seqs of one block that have a ledger row, read when the first of them is asked about.
#[derive(Default)]
struct LedgerRows {
    block: Option<u64>,
    seqs: HashSet<u64>,
    /// Whether those count that have begun. Where nothing runs their messages are lost: a new one meets their row, and the job
    /// is dead as `unknown`.
    begun: bool,
}

impl LedgerRows {
    /// Whether a job has ended, or has begun and is not atomic.
    async fn contain(&mut self, client: &mut LedgerClient, run: &Run, seq: u64) -> Result<bool, Error> {
        let block = (seq - 1) / SEQS_PER_BLOCK;
        if self.block != Some(block) {
            self.seqs = client.jobs().seqs_in_block(run.id, block, self.begun).await?.into_iter().collect();
            self.block = Some(block);
        }
        Ok(self.seqs.contains(&seq))
    }
}
