//! Publishing a run: check all of it, then number, chunk, publish, and note what is confirmed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::{Broker, Topology};
use config::Config;
use job::{Chunk, Job, LedgerId, NotAtomic, RunId, Signer, envelope};
use ledger::{Control, Database, Run, RunState};

use crate::batch::Window;
use crate::check::{Checked, Jobs, MESSAGE_LIMIT, Rules};
use crate::input::{Input, Source};
use crate::prefix::Prefix;
use crate::present::Present;
use crate::{Error, run};

/// How often the confirmed prefix is written down while a run is being published.
const NOTE_EVERY: Duration = Duration::from_millis(500);
/// The largest chunk: a transaction of so many statements is no longer a small one.
const LARGEST_CHUNK: usize = 10_000;

/// What is asked to be published.
pub struct Order<'a> {
    /// Where its jobs come from.
    pub source: Source<'a>,
    /// The run's name: a new run when none has it, else that run is gone on with. `None`: a new name.
    pub name: Option<&'a str>,
    /// Jobs a message.
    pub chunk: usize,
    /// Session SQL of the run.
    pub session_sql: Option<&'a str>,
    /// How statements that are not atomic are to be run.
    pub not_atomic: Option<NotAtomic>,
    /// Take UPDATE and DELETE without a WHERE too.
    pub allow_no_where: bool,
    /// Publish a new run although one of the same input has not ended.
    pub again: bool,
    /// Publish those jobs again that the ledger does not have, of a run that was published before.
    pub missing: bool,
}

/// What has been published.
#[derive(Clone, Debug)]
pub struct Published {
    /// The run's id.
    pub run: RunId,
    /// Its name.
    pub name: String,
    /// Jobs in all.
    pub total: u64,
    /// Jobs that an earlier publish had confirmed already, or with `missing`, that the ledger has.
    pub before: u64,
}

/// How far publishing has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The run's name, which publishes on after an interruption.
    pub name: &'a str,
    /// Jobs that the broker has confirmed.
    pub confirmed: u64,
    /// Jobs in all.
    pub total: u64,
}

/// Publishes the whole input and returns when the broker has confirmed the last job. `progress` hears the
/// run's name before anything is published, and then how far it has come.
///
/// # Errors
/// Bad input publishes nothing. Anything later leaves the run to be gone on with: publish again under its name.
pub async fn publish(
    config: &Config,
    order: &Order<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Published, Error> {
    if !(1..=LARGEST_CHUNK).contains(&order.chunk) {
        return Err(Error::Chunk(order.chunk));
    }
    let database = Arc::new(Database::new(config)?);
    let topology = Topology::new(&config.queue, &config.retry_tiers, config.delivery_limit)?;
    let broker = Arc::new(Broker::new(config, "producer")?);
    let mut control = Control::new(database.clone());
    let rules = Rules::new(config, order, &database, &mut control).await?;
    let inputs = order.source.inputs(rules.mode)?;
    let jobs = || Jobs::new(&inputs, &rules);
    let whole = check_all(jobs(), &inputs)?;
    let ledger = control.identity().await?;
    broker.declare(&topology).await?;
    let run = run::find_or_create(&mut control, order, &config.queue, &whole).await?;
    progress(Progress { name: &run.name, confirmed: run.confirmed, total: whole.jobs });
    let signer = Signer::new(config.signing_keys.iter().map(|key| key.expose().as_bytes()));
    let window = Window::new(broker.clone(), &topology, config.confirm_window, config.backoff_max);
    let mut publishing = Publishing {
        source: named(&inputs),
        run,
        ledger,
        signer,
        control,
        window,
        noted: Instant::now(),
        total: whole.jobs,
    };
    let published = publishing.all(order, jobs(), &whole, progress).await;
    broker.close().await;
    published
}

/// The first pass: nothing is published before all of the input is known to be good.
fn check_all(mut jobs: Jobs<'_>, inputs: &[Input]) -> Result<Prefix, Error> {
    let mut prefix = Prefix::default();
    while let Some(checked) = jobs.next()? {
        prefix.add(&checked.job);
    }
    if prefix.jobs == 0 {
        return Err(Error::Empty(named(inputs)));
    }
    Ok(prefix)
}

/// The second pass.
struct Publishing {
    /// The inputs' names, for messages.
    source: PathBuf,
    run: Run,
    ledger: LedgerId,
    signer: Option<Signer>,
    control: Control,
    window: Window,
    noted: Instant,
    total: u64,
}

impl Publishing {
    async fn all(
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

/// The inputs as one name, for messages.
pub(crate) fn named(inputs: &[Input]) -> PathBuf {
    inputs.iter().map(|input| input.name().display().to_string()).collect::<Vec<_>>().join(", ").into()
}
