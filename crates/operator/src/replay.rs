//! Replaying dead jobs: each runs once more, exactly once, also when the replay dies in the middle.
//!
//! What is published are the bytes that a worker has written into the dead row, with the signature that it has made: a
//! replay signs nothing, since whoever can write the table could have it sign anything.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::sync::Arc;

use queryfleet_broker::{Broker, ErrorClass, Publisher, Route, Topology};
use queryfleet_config::Config;
use queryfleet_job::{ExecutionSite, Job, LedgerId, Message, NotAtomic, Outcome, RunId, Signer, envelope};
use queryfleet_ledger::{Database, LedgerClient, ReplayableJob, Run};

use crate::{DeadFilter, Error, Operator};

/// Jobs that are taken, published and marked at a time.
const JOBS_AT_ONCE: u32 = 500;
/// Refusals whose reason is kept.
const REASONS_KEPT: usize = 5;

/// What became of dead jobs.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Those that were taken, or would be.
    pub jobs: u64,
    /// Those that were not, and stay dead.
    pub refused: u64,
    /// Why the first of them were not.
    pub reasons: Vec<String>,
}

impl Operator {
    /// Brings the dead jobs of a filter back; with `dry_run` it only counts them. `all` has to be set for an empty filter,
    /// which means the dead jobs of all runs. A crash leaves at most 500 of them as `replaying`; the next replay publishes
    /// those again, and doubles meet on the ledger.
    ///
    /// # Errors
    /// [`Error::NoFilter`], [`Error::NoRun`], [`Error::Ledger`] or [`Error::Broker`]; what was published until then stays
    /// published. A job that cannot be replayed is no error: it is counted in [`Taken::refused`].
    pub async fn replay(&mut self, filter: &DeadFilter, all: bool, dry_run: bool) -> Result<Taken, Error> {
        filter.require_any(all || dry_run)?;
        let filter = self.ledger_filter(filter).await?;
        let broker = Arc::new(Broker::new(&self.config, "replay")?);
        let mut judge = Judge::new(&self.config, &self.database, &mut self.ledger).await?;
        // What dies again while it is replayed has had its turn: a row keeps its id, and each id comes by once.
        let until = self.ledger.dead_jobs().newest_id().await?;
        let mut after = 0;
        let mut replayed = Taken::default();
        loop {
            let found = self.ledger.dead_jobs().replayable(&filter, (after, until), JOBS_AT_ONCE).await?;
            let Some(last) = found.last() else { break };
            after = last.id;
            let messages = judge.messages(&mut self.ledger, found, &mut replayed).await?;
            if dry_run {
                replayed.jobs += messages.len() as u64;
            } else {
                self.publish_again(&broker, messages, &mut replayed).await?;
            }
        }
        broker.close().await;
        if replayed.jobs > 0 && !dry_run {
            self.note("dead replay", filter.run, &format!("{} jobs", replayed.jobs)).await;
        }
        Ok(replayed)
    }

    /// Takes these dead jobs, publishes them, and marks them as replayed.
    async fn publish_again(
        &mut self,
        broker: &Arc<Broker>,
        mut messages: Vec<(ReplayableJob, Message)>,
        replayed: &mut Taken,
    ) -> Result<(), Error> {
        let ids: Vec<u64> = messages.iter().map(|(job, _)| job.id).collect();
        let taken = if ids.is_empty() { Vec::new() } else { take(&mut self.ledger, &ids).await? };
        for (job, _) in messages.extract_if(.., |(job, _)| taken.binary_search(&job.id).is_err()) {
            replayed.refuse(
                job.seq,
                job.run,
                "the ledger does not call it dead, or its run was closed meanwhile",
            );
        }
        // Before any of them can die again.
        let lowered = if taken.is_empty() { Vec::new() } else { self.ledger.halts().lower_bases().await? };
        let mut published = taken;
        for (queue, messages) in by_queue(messages) {
            let topology = Topology::new(&queue, &self.config.retry_tiers, self.config.delivery_limit)?;
            let untaken = publish(Publisher::new(broker.clone(), topology), messages).await?;
            if untaken.is_empty() {
                continue;
            }
            let ids: Vec<u64> = untaken.iter().map(|(job, _)| job.id).collect();
            take_back(&mut self.ledger, &ids).await?;
            for base in &lowered {
                let stay = untaken.iter().filter(|(job, _)| job.run == base.run).count() as u64;
                self.ledger.halts().raise_base(base, stay).await?;
            }
            published.retain(|id| !ids.contains(id));
            for (job, why) in untaken {
                replayed.refuse(job.seq, job.run, &why);
            }
        }
        if !published.is_empty() {
            self.ledger.dead_jobs().end_replay(&published).await?;
        }
        replayed.jobs += published.len() as u64;
        Ok(())
    }

    /// What a replay of each of these dead jobs would execute, after the name of its run.
    pub(crate) async fn previews(
        &mut self,
        jobs: Vec<ReplayableJob>,
    ) -> Result<Vec<(String, ReplayPreview)>, Error> {
        let mut judge = Judge::new(&self.config, &self.database, &mut self.ledger).await?;
        let mut previews = Vec::with_capacity(jobs.len());
        for job in jobs {
            judge.look_up(&mut self.ledger, job.run).await?;
            previews.push((judge.name(job.run), judge.preview(&job)));
        }
        Ok(previews)
    }
}

/// Takes them, sorted; again after a deadlock with workers that write dead rows meanwhile.
async fn take(ledger: &mut LedgerClient, ids: &[u64]) -> Result<Vec<u64>, Error> {
    loop {
        match ledger.dead_jobs().begin_replay(ids).await {
            Err(error) if error.is_deadlock() => {}
            taken => {
                let mut taken = taken?;
                taken.sort_unstable();
                return Ok(taken);
            }
        }
    }
}

/// Puts them back; again after a deadlock, as above.
async fn take_back(ledger: &mut LedgerClient, ids: &[u64]) -> Result<(), Error> {
    loop {
        match ledger.dead_jobs().take_back(ids).await {
            Err(error) if error.is_deadlock() => {}
            taken_back => return Ok(taken_back?),
        }
    }
}

type Replayable = (ReplayableJob, Message);

fn by_queue(messages: Vec<Replayable>) -> BTreeMap<String, Vec<Replayable>> {
    let mut queues = BTreeMap::<String, Vec<Replayable>>::new();
    for (job, message) in messages {
        queues.entry(job.queue.clone()).or_default().push((job, message));
    }
    queues
}

/// Publishes to one queue, and returns those that the broker does not take, each with the reason: a message above its limit,
/// which may have been lowered since the job died, or all of a queue that is gone.
///
/// # Errors
/// An error that goes away by itself: the next replay publishes them.
async fn publish(
    mut publisher: Publisher,
    messages: Vec<Replayable>,
) -> Result<Vec<(ReplayableJob, String)>, Error> {
    let (mut jobs, mut messages): (HashMap<String, ReplayableJob>, Vec<Message>) =
        messages.into_iter().map(|(job, message)| ((message.id.clone(), job), message)).unzip();
    let mut untaken = Vec::new();
    while let Err(error) = publisher.publish_remaining(Route::Work, &mut messages).await {
        let refused: Vec<Message> = match (publisher.class(&error), &error) {
            (ErrorClass::Transient, _) => return Err(error.into()),
            (ErrorClass::TooLarge, queryfleet_broker::Error::TooLarge { message, limit, .. }) => messages
                .extract_if(.., |one| {
                    one.id == *message || limit.is_some_and(|limit| one.body.len() as u64 > limit)
                })
                .collect(),
            _ => std::mem::take(&mut messages),
        };
        if refused.is_empty() {
            return Err(error.into());
        }
        let why = queryfleet_job::causes(&error);
        untaken.extend(refused.iter().filter_map(|one| Some((jobs.remove(&one.id)?, why.clone()))));
    }
    Ok(untaken)
}

impl Taken {
    pub(crate) fn refuse(&mut self, seq: u64, run: impl Display, why: &str) {
        self.refused += 1;
        if self.reasons.len() < REASONS_KEPT {
            self.reasons.push(format!("job {seq} of run {run}: {why}"));
        }
    }
}

/// What a replay of a dead job would execute: read from the bytes that it would publish, and from nothing beside them.
#[derive(Clone, Debug)]
pub struct ReplayPreview {
    /// The job; `None` when its envelope cannot be read.
    pub job: Option<Job>,
    /// SQL for the session that it would run in.
    pub session_sql: Option<String>,
    /// How it would be run when it is not atomic.
    pub not_atomic: Option<NotAtomic>,
    /// Why a replay would not take it, whatever the state of its run.
    pub refused: Option<String>,
}

/// Whether a dead row holds the job that it stands for.
struct Judge {
    ledger: LedgerId,
    schema: String,
    signer: Option<Signer>,
    runs: HashMap<RunId, Option<Run>>,
}

impl Judge {
    async fn new(config: &Config, database: &Database, ledger: &mut LedgerClient) -> Result<Judge, Error> {
        let schema = database.schema().to_owned();
        let signer = Signer::new(config.signing_keys.iter().map(|key| key.expose().as_bytes()));
        Ok(Judge { ledger: ledger.identity().await?, schema, signer, runs: HashMap::new() })
    }

    /// The name of a run that was looked up; of one that is gone its id.
    fn name(&self, run: RunId) -> String {
        let found = self.runs.get(&run).and_then(Option::as_ref);
        found.map_or_else(|| run.to_string(), |run| run.name.clone())
    }

    /// Call [`look_up`](Self::look_up) first.
    fn preview(&self, job: &ReplayableJob) -> ReplayPreview {
        let chunk = envelope::decode(&job.envelope).ok();
        let run = self.runs.get(&job.run).and_then(Option::as_ref);
        let terms = run.and_then(|run| run.terms(&self.here(job)).ok());
        ReplayPreview {
            not_atomic: chunk.as_ref().and_then(|chunk| chunk.not_atomic),
            job: chunk.and_then(|chunk| chunk.jobs.into_iter().next()),
            session_sql: terms.and_then(|terms| terms.session_sql),
            refused: self.message(job).err(),
        }
    }

    /// The messages of those that may be replayed; the others are refused.
    async fn messages(
        &mut self,
        ledger: &mut LedgerClient,
        jobs: Vec<ReplayableJob>,
        replayed: &mut Taken,
    ) -> Result<Vec<(ReplayableJob, Message)>, Error> {
        let mut messages = Vec::with_capacity(jobs.len());
        for mut job in jobs {
            self.look_up(ledger, job.run).await?;
            match self.message(&job) {
                Ok(message) => {
                    // It is in the message now.
                    job.envelope = Vec::new();
                    messages.push((job, message));
                }
                Err(why) => replayed.refuse(job.seq, job.run, &why),
            }
        }
        Ok(messages)
    }

    async fn look_up(&mut self, ledger: &mut LedgerClient, run: RunId) -> Result<(), Error> {
        if let Entry::Vacant(place) = self.runs.entry(run) {
            place.insert(ledger.runs().get(&[run]).await?.into_iter().next());
        }
        Ok(())
    }

    fn here(&self, job: &ReplayableJob) -> ExecutionSite {
        ExecutionSite { queue: job.queue.clone(), schema: self.schema.clone(), signer: self.signer.clone() }
    }

    /// The job's message, with no attempts counted: a person has decided that it is worth all of them.
    fn message(&self, job: &ReplayableJob) -> Result<Message, String> {
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
        Ok(envelope::once_more(id, job.envelope.clone(), job.signature.clone(), None, 0, None))
    }
}
