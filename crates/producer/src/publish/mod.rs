//! Publishing a run: check all of its input, find or make its row, then publish.

pub(crate) mod batch;
pub(crate) mod manifest;
pub(crate) mod milestones;
pub(crate) mod pace;
pub(crate) mod prefix;
pub(crate) mod present;
pub(crate) mod publishing;
pub(crate) mod run;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use queryfleet_broker::{Broker, Topology};
use queryfleet_config::Config;
use queryfleet_job::{Backoff, Manifest, NotAtomic, RunId, Signer};
use queryfleet_ledger::{Database, LedgerClient};

use crate::Error;
use crate::check::Jobs;
use crate::check::rules::Rules;
use crate::input::{Input, InputBytes, Source};
use crate::notice::Notice;
use crate::publish::batch::{How, Window};
use crate::publish::milestones::Milestones;
use crate::publish::pace::{Limits, Pace};
use crate::publish::prefix::Prefix;
use crate::publish::publishing::{Publishing, State};
use crate::publish::run::Whole;
use crate::range::cut::Cut;

/// Jobs after which the first pass tells how far it is.
const TELL_EVERY: u64 = 1000;
/// The largest chunk: a transaction of so many statements is no longer a small one.
const LARGEST_CHUNK: usize = 10_000;

/// What is asked to be published.
pub struct PublishRequest<'a> {
    /// Where its jobs come from.
    pub source: Source<'a>,
    /// The run's name: a new run when none has it, else that run is gone on with. `None`: a new name.
    pub name: Option<&'a str>,
    /// Jobs a message at most: fewer where a message would be too large, or a rate too uneven.
    pub chunk: usize,
    /// Session SQL of the run.
    pub session_sql: Option<&'a str>,
    /// How statements that are not atomic are to be run.
    pub not_atomic: Option<NotAtomic>,
    /// The SHA-256 of the only input, in hexadecimal: what came otherwise, as over a connection that broke, publishes nothing.
    /// Of several inputs, and of ranges, it is not looked at.
    pub sha256: Option<&'a str>,
    /// Take UPDATE and DELETE without a WHERE too.
    pub allow_no_where: bool,
    /// Publish a new run although one of the same input has not ended.
    pub again: bool,
    /// How it is held back.
    pub limits: Limits,
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

/// How far a publish has come.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// In the first pass, which checks all of the input.
    Checking {
        /// Jobs so far.
        jobs: u64,
        /// How much of the input that was.
        input: InputBytes,
    },
    /// In the second pass.
    Publishing {
        /// The run's name, which publishes on after an interruption.
        name: &'a str,
        /// Jobs that the broker has confirmed.
        confirmed: u64,
        /// Jobs in all.
        total: u64,
        /// How much of the input has been read again.
        input: InputBytes,
    },
}

/// Publishes the whole input and returns when the broker has confirmed the last job. `progress` hears the
/// run's name before anything is published, and then how far it has come.
///
/// # Errors
/// Bad input publishes nothing. Anything later leaves the run to be gone on with: publish again under its name. Only
/// [`Error::Cancelled`] ends it.
pub async fn publish(
    config: &Config,
    request: &PublishRequest<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Published, Error> {
    if !(1..=LARGEST_CHUNK).contains(&request.chunk) {
        return Err(Error::Chunk(request.chunk));
    }
    let database = Arc::new(Database::new(config)?);
    let topology = Topology::new(&config.queue, &config.retry_tiers, config.delivery_limit)?;
    let broker = Arc::new(Broker::new(config, "producer")?);
    let mut control = LedgerClient::new(database.clone());
    if let Some(name) = request.name {
        run::check_name(&mut control, name).await?;
    }
    let rules = Rules::new(config, request, &database, &mut control).await?;
    let mut cut = Cut::of(request, &mut control, &database, rules.mode).await?;
    // Of a table that is yet to be cut: one range of it, so that a bad statement makes no run.
    let mut inputs = match &cut {
        Some(cut) => vec![cut.sample()?],
        None => request.source.inputs(&mut control, rules.mode).await?,
    };
    if let (Some(sha256), [input]) = (request.sha256, inputs.as_slice()) {
        input.verify(sha256)?;
    }
    let (mut prefix, milestones) = check_all(Jobs::new(&inputs, &rules), &inputs, progress)?;
    if let Some(cut) = &mut cut {
        cut.try_out(&mut control).await?;
    }
    let whole = match &cut {
        Some(cut) => Whole { digest: cut.digest(), milestones: None },
        None => Whole { digest: prefix.digest(), milestones: Some(milestones) },
    };
    let ledger = control.identity().await?;
    declare(&broker, &topology, config).await?;
    let place = |seq| place(Jobs::new(&inputs, &rules), seq);
    let mut run = run::find_or_create(&mut control, request, &config.queue, &whole, place).await?;
    if let Some(cut) = &cut {
        inputs = vec![cut.input(&mut control, run.id).await?];
        (prefix, _) = check_all(Jobs::new(&inputs, &rules), &inputs, progress)?;
    }
    let signer = Signer::new(config.signing_keys.iter().map(|key| key.expose().as_bytes()));
    let manifest_of = Manifest {
        v: queryfleet_job::manifest::VERSION,
        ledger: ledger.clone(),
        run: run.id,
        queue: config.queue.clone(),
        schema: database.schema().to_owned(),
        session_sql: request.session_sql.map(str::to_owned),
        not_atomic: request.not_atomic,
        input: queryfleet_job::hex(&whole.digest),
        total: prefix.jobs,
    };
    let manifest;
    (run, manifest) = manifest::seal(&mut control, run, &manifest_of, signer.as_ref()).await?;
    let chunk = Pace::chunk(request.limits, request.chunk);
    let size = Pace::batch(request.limits, config.confirm_window, chunk);
    let how = How { backoff_max: config.backoff_max, signer: signer.clone(), notice: Arc::default() };
    let window = Window::new(broker.clone(), &topology, size, how);
    let confirmed = if request.missing { 0 } else { run.confirmed };
    let mut publishing = Publishing {
        request,
        chunk,
        jobs: Jobs::new(&inputs, &rules),
        whole: prefix,
        source: named(&inputs),
        run,
        ledger,
        manifest,
        signer,
        control,
        window,
        pace: Pace::new(request.limits, broker.clone(), &topology),
        backoff_max: config.backoff_max,
        notice: Notice::default(),
        progress,
        state: State::new(confirmed),
    };
    let published = publishing.all().await;
    broker.close().await;
    published
}

/// Declares the topology. A broker that refuses for now, at a limit of connections or with its virtual host down, is
/// waited for as long as `wait` waits for a database.
async fn declare(
    broker: &Broker,
    topology: &Topology,
    config: &Config,
) -> Result<(), queryfleet_broker::Error> {
    let (since, mut backoff, notice) = (Instant::now(), Backoff::new(config.backoff_max), Notice::default());
    loop {
        match broker.declare(topology).await {
            Err(error) if error.is_refusal_for_now() && since.elapsed() < config.missing_timeout => {
                notice.warn("publishing waits", &error);
                tokio::time::sleep(backoff.pause()).await;
            }
            declared => return declared,
        }
    }
}

/// The first pass: nothing is published before all of the input is known to be good.
fn check_all(
    mut jobs: Jobs<'_>,
    inputs: &[Input],
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(Prefix, Milestones), Error> {
    let (mut prefix, mut milestones) = (Prefix::default(), Milestones::default());
    while let Some(checked) = jobs.next()? {
        prefix.add(&checked.job);
        milestones.pass(&prefix);
        if prefix.jobs.is_multiple_of(TELL_EVERY) {
            progress(Progress::Checking { jobs: prefix.jobs, input: jobs.read_so_far() });
        }
    }
    if prefix.jobs == 0 {
        return Err(Error::Empty(named(inputs)));
    }
    Ok((prefix, milestones))
}

/// Where a job stands in the input; `None` when that has no such job.
pub(crate) fn place(mut jobs: Jobs<'_>, seq: u64) -> Result<Option<String>, Error> {
    while let Some(checked) = jobs.next()? {
        if checked.job.seq == seq {
            return Ok(Some(format!("{}:{}", jobs.path().display(), checked.place)));
        }
    }
    Ok(None)
}

/// The inputs as one name, for messages.
pub(crate) fn named(inputs: &[Input]) -> PathBuf {
    inputs.iter().map(|input| input.name().display().to_string()).collect::<Vec<_>>().join(", ").into()
}
