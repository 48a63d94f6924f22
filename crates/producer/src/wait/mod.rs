//! Waiting for a run: counting what has ended, block by block, until all of it has.

mod blocks;
pub(crate) mod observer;
pub(crate) mod reason;

use std::sync::Arc;
use std::time::{Duration, Instant};

use queryfleet_broker::{Broker, Topology};
use queryfleet_config::Config;
use queryfleet_ledger::{Counts, Database, GivenUp, LedgerClient, RunState, RunStatus, Standing};

use crate::Error;
use crate::wait::blocks::Blocks;
use crate::wait::observer::Observer;
use crate::wait::reason::Reason;

/// The shortest pause between polls.
const MIN_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between polls.
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// The pause is this many times as long as the poll was. While finished blocks are still being found it is only as long
/// as the poll, so that ten million jobs that ended long ago are counted in seconds.
const PAUSE_FACTOR: u32 = 10;

/// How waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every job is done.
    Done,
    /// Every job has ended, some of them dead.
    Dead,
    /// Every job has ended, and the dead ones were discarded, or replaced by another run.
    Repaired,
    /// The run was cancelled.
    Cancelled,
    /// Its canary has ended, and nobody has approved the rest.
    Unapproved,
    /// The queue is held for its dead jobs.
    Halted,
    /// The time that the caller gave has passed.
    TimedOut,
    /// Jobs are neither in the ledger nor with the broker nor with a worker.
    Missing,
}

/// How long to wait for a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patience {
    /// Stop after this time.
    pub timeout: Option<Duration>,
    /// Give up when the database has been unavailable for this time; `None`: never.
    pub give_up_after: Option<Duration>,
}

/// Waits until the run has ended, was cancelled, or has stalled with jobs missing. `progress` is called after each poll,
/// with the reason why the run does not move, if it has not moved for a second.
///
/// # Errors
/// Returns [`Error::NoRun`], [`Error::Purged`] if the run was purged, and an error if the configuration cannot be used, if
/// the database refuses, or if it is unavailable: at the first question, or for longer than `give_up_after`.
pub async fn wait(
    config: &Config,
    name_or_id: &str,
    patience: Patience,
    progress: &mut (dyn FnMut(&Standing, Option<&Reason>) + Send),
) -> Result<(Ended, Standing), Error> {
    let mut client = LedgerClient::new(Arc::new(Database::new(config)?));
    let mut topology = Topology::new(&config.queue, &config.retry_tiers, config.delivery_limit)?;
    let run = client.runs().find(name_or_id).await?.ok_or_else(|| Error::NoRun(name_or_id.to_owned()))?;
    if run.queue != config.queue {
        topology = Topology::new(&run.queue, &config.retry_tiers, config.delivery_limit)?;
    }
    let mut observer = Observer::new(Broker::new(config, "wait")?, topology, config);
    let mut blocks = Blocks::default();
    let started = Instant::now();
    let mut answered = Instant::now();
    let mut standing = Standing { run, counts: Counts::default(), given_up: GivenUp::default() };
    loop {
        let asked = Instant::now();
        let mut is_available = true;
        match poll(&mut client, &mut standing, &mut blocks).await {
            Ok(()) => answered = Instant::now(),
            Err(error)
                if error.is_unfit()
                    || patience.give_up_after.is_some_and(|limit| answered.elapsed() > limit) =>
            {
                return Err(error.into());
            }
            Err(_) => is_available = false,
        }
        if !is_available {
            observer.database_unavailable(answered.elapsed());
        }
        progress(&standing, observer.reason());
        let ended = match standing.run.state {
            RunState::Purged => return Err(Error::Purged(standing.run.name)),
            RunState::Cancelled => Some(Ended::Cancelled),
            _ if standing.has_ended() => Some(match standing.status() {
                RunStatus::Finished => Ended::Dead,
                RunStatus::Repaired => Ended::Repaired,
                _ => Ended::Done,
            }),
            _ if patience.timeout.is_some_and(|timeout| started.elapsed() >= timeout) => {
                Some(Ended::TimedOut)
            }
            _ if is_available && is_unapproved(&mut client, &standing).await => Some(Ended::Unapproved),
            _ if is_available
                && matches!(observer.reason(), Some(Reason::Held { .. }))
                && matches!(client.halts().is_held(standing.run.id).await, Ok(true)) =>
            {
                Some(Ended::Halted)
            }
            _ if is_available
                && observer.is_missing(&mut client, &standing.run, standing.counts.ended()).await =>
            {
                Some(Ended::Missing)
            }
            _ => None,
        };
        if let Some(ended) = ended {
            observer.close().await;
            return Ok((ended, standing));
        }
        let pause = if blocks.catches_up() {
            asked.elapsed().min(MAX_PAUSE)
        } else {
            (asked.elapsed() * PAUSE_FACTOR).clamp(MIN_PAUSE, MAX_PAUSE)
        };
        tokio::time::sleep(pause).await;
    }
}

/// Whether all that is published of a run is its canary, which has ended, and nobody has approved the rest.
async fn is_unapproved(client: &mut LedgerClient, standing: &Standing) -> bool {
    let Some(canary) = standing.run.canary.filter(|canary| standing.counts.ended() >= *canary) else {
        return false;
    };
    standing.run.confirmed <= canary && matches!(client.runs().approved(standing.run.id).await, Ok(None))
}

/// Reads the run's row and counts more of its blocks.
async fn poll(
    client: &mut LedgerClient,
    standing: &mut Standing,
    blocks: &mut Blocks,
) -> Result<(), queryfleet_ledger::Error> {
    if let Some(run) = client.runs().get(&[standing.run.id]).await?.into_iter().next() {
        standing.run = run;
    }
    blocks.count(client, &standing.run).await?;
    *standing = client.standing(standing.run.clone(), blocks.sum()).await?;
    Ok(())
}
