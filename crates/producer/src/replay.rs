//! Replaying dead jobs: each runs once more, exactly once, also when the replay dies in the middle.
//!
//! What is published are the bytes that a worker has written into the dead row, with the signature that it has made: a
//! replay signs nothing, since whoever can write the table could have it sign anything.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use queryfleet_broker::{Broker, Publisher, Route, Topology};
use queryfleet_config::Config;
use queryfleet_job::{Here, Job, LedgerId, Message, NotAtomic, Outcome, RunId, Signer, envelope};
use queryfleet_ledger::{Database, DeadJob, Filter, LedgerClient, Run};

use crate::Error;

/// Jobs that are taken, published and marked at a time.
const AT_ONCE: u32 = 500;
/// Refusals that are told one by one.
const TOLD: usize = 5;

/// What became of dead jobs.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// Those that were brought back, or would be.
    pub jobs: u64,
    /// Those that were not, and stay dead.
    pub refused: u64,
    /// Why the first of them were not.
    pub why: Vec<String>,
}

/// Brings the dead jobs of a filter back; with `dry_run` only says how many. A crash leaves at most [`AT_ONCE`] of them as
/// `replaying`; the next replay publishes those again, and doubles meet on the ledger.
///
/// # Errors
/// As broker and database can fail; what was published stays published.
pub async fn replay(
    config: &Config,
    control: &mut LedgerClient,
    filter: &Filter,
    dry_run: bool,
) -> Result<Replayed, Error> {
    let broker = Arc::new(Broker::new(config, "replay")?);
    let mut judge = Judge::new(config, control).await?;
    // What dies again while it is replayed has had its once more: a row keeps its id, and each id comes by once.
    let (mut after, until) = (0, control.newest_dead().await?);
    let mut replayed = Replayed::default();
    loop {
        let found = control.dead_jobs(filter, (after, until), AT_ONCE).await?;
        let Some(last) = found.last() else { break };
        after = last.id;
        let mut messages = judge.all(control, found, &mut replayed).await?;
        if dry_run {
            replayed.jobs += messages.len() as u64;
            continue;
        }
        let ids: Vec<u64> = messages.iter().map(|(job, _)| job.id).collect();
        let taken = if ids.is_empty() { Vec::new() } else { take(control, &ids).await? };
        for (job, _) in messages.extract_if(.., |(job, _)| taken.binary_search(&job.id).is_err()) {
            replayed.refuse(&job, "the ledger does not call it dead, or its run was closed meanwhile");
        }
        for (queue, messages) in by_queue(messages) {
            let topology = Topology::new(&queue, &config.retry_tiers, config.delivery_limit)?;
            Publisher::new(broker.clone(), topology).publish(Route::Work, &messages).await?;
        }
        if !taken.is_empty() {
            control.end_replay(&taken).await?;
        }
        replayed.jobs += taken.len() as u64;
    }
    broker.close().await;
    Ok(replayed)
}

/// Takes them, sorted; again after a deadlock with workers that write dead rows meanwhile.
async fn take(control: &mut LedgerClient, ids: &[u64]) -> Result<Vec<u64>, Error> {
    loop {
        match control.begin_replay(ids).await {
            Err(error) if error.is_deadlock() => {}
            taken => {
                let mut taken = taken?;
                taken.sort_unstable();
                return Ok(taken);
            }
        }
    }
}

fn by_queue(messages: Vec<(DeadJob, Message)>) -> BTreeMap<String, Vec<Message>> {
    let mut queues = BTreeMap::<String, Vec<Message>>::new();
    for (job, message) in messages {
        queues.entry(job.queue).or_default().push(message);
    }
    queues
}

impl Replayed {
    fn refuse(&mut self, job: &DeadJob, why: &str) {
        self.refused += 1;
        if self.why.len() < TOLD {
            self.why.push(format!("job {} of run {}: {why}", job.seq, job.run));
        }
    }
}

/// What a replay of a dead job would execute: read from the bytes that it would publish, and from nothing beside them.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The job; `None` when its envelope cannot be read.
    pub job: Option<Job>,
    /// SQL for the session that it would run in.
    pub session_sql: Option<String>,
    /// How it would be run when it is not atomic.
    pub not_atomic: Option<NotAtomic>,
    /// Why a replay would not take it, whatever the state of its run.
    pub refused: Option<String>,
}

/// What a replay of a dead job would execute.
///
/// # Errors
/// As the database can fail.
pub async fn show(config: &Config, control: &mut LedgerClient, job: DeadJob) -> Result<Shown, Error> {
    let mut judge = Judge::new(config, control).await?;
    judge.look_up(control, job.run).await?;
    let refused = judge.message(&job).err();
    let chunk = envelope::decode(&job.envelope).ok();
    let not_atomic = chunk.as_ref().and_then(|chunk| chunk.not_atomic);
    let run = judge.runs.get(&job.run).and_then(Option::as_ref);
    let terms = run.and_then(|run| run.terms(&judge.here(&job)).ok());
    Ok(Shown {
        job: chunk.and_then(|chunk| chunk.jobs.into_iter().next()),
        session_sql: terms.and_then(|terms| terms.session_sql),
        not_atomic,
        refused,
    })
}

/// Whether a dead row holds the job that it stands for.
struct Judge {
    ledger: LedgerId,
    schema: String,
    signer: Option<Signer>,
    runs: HashMap<RunId, Option<Run>>,
}

impl Judge {
    async fn new(config: &Config, control: &mut LedgerClient) -> Result<Judge, Error> {
        let schema = Database::new(config)?.schema().to_owned();
        let signer = Signer::new(config.signing_keys.iter().map(|key| key.expose().as_bytes()));
        Ok(Judge { ledger: control.identity().await?, schema, signer, runs: HashMap::new() })
    }

    /// The messages of those that may be replayed; the others are refused.
    async fn all(
        &mut self,
        control: &mut LedgerClient,
        jobs: Vec<DeadJob>,
        replayed: &mut Replayed,
    ) -> Result<Vec<(DeadJob, Message)>, Error> {
        let mut messages = Vec::with_capacity(jobs.len());
        for mut job in jobs {
            self.look_up(control, job.run).await?;
            match self.message(&job) {
                Ok(message) => {
                    // It is in the message now.
                    job.envelope = Vec::new();
                    messages.push((job, message));
                }
                Err(why) => replayed.refuse(&job, &why),
            }
        }
        Ok(messages)
    }

    async fn look_up(&mut self, control: &mut LedgerClient, run: RunId) -> Result<(), Error> {
        if let Entry::Vacant(place) = self.runs.entry(run) {
            place.insert(control.runs(&[run]).await?.into_iter().next());
        }
        Ok(())
    }

    fn here(&self, job: &DeadJob) -> Here {
        Here { queue: job.queue.clone(), schema: self.schema.clone(), signer: self.signer.clone() }
    }

    /// The job's message, with no attempts counted: a person has decided that it is worth all of them.
    fn message(&self, job: &DeadJob) -> Result<Message, String> {
        let signature = job.signature.as_deref();
        if let Some(signer) = &self.signer
            && !signer.verify(&job.envelope, signature.unwrap_or_default())
        {
            return Err("its envelope is not signed with a key of QUERYFLEET_SIGNING_KEY here, and only what a \
                worker has signed is replayed: see `queryfleet dead show`, and publish the statement as a run of its own"
                .into());
        }
        let chunk = envelope::decode(&job.envelope).map_err(|error| error.to_string())?;
        let is_it = chunk.run == job.run && chunk.ledger == self.ledger && {
            matches!(chunk.jobs.as_slice(), [one] if one.seq == job.seq)
        };
        if !is_it {
            return Err("its envelope is that of another job".into());
        }
        let Some(Some(run)) = self.runs.get(&job.run) else { return Err("its run is gone".into()) };
        let fits = run.terms(&self.here(job)).and_then(|terms| terms.fits(&chunk));
        fits.map_err(|outcome: Outcome| outcome.failure().cloned().unwrap_or_default().message)?;
        let id = format!("{}/{}", job.run, job.seq);
        let (body, signature) = (job.envelope.clone(), job.signature.clone());
        Ok(envelope::once_more(id, body, signature, None, 0, None))
    }
}
