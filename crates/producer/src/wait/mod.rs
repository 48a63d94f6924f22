//! Waiting for a run: counting what has ended, block by block, until all of it has.

pub(crate) mod missing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use queryfleet_broker::{Broker, Topology};
use queryfleet_config::Config;
use queryfleet_ledger::{BLOCK, Counts, Database, LedgerClient, Run, RunState, Standing};

use crate::Error;
use crate::notice::Notice;
use crate::wait::missing::Missing;

/// Blocks that a poll counts at most, of those that are moving and of the others in turn.
const BLOCKS_A_POLL: usize = 4;
/// The shortest and longest pause between polls.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// A poll may take this part of the time: one in ten. Half of it while finished blocks are still being found, so that
/// ten million jobs that have ended long ago are counted in seconds.
const PAUSE_FACTOR: u32 = 10;

/// How waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every job is done.
    Done,
    /// Every job has ended, some of them dead.
    Dead,
    /// The run was cancelled.
    Cancelled,
    /// The time that the caller gave has passed.
    TimedOut,
    /// Jobs are neither in the ledger nor with the broker nor with a worker.
    Missing,
}

/// Waits until the run has ended, was cancelled, or has come to a stand with jobs missing.
///
/// # Errors
/// [`Error::NoRun`], an unusable configuration, or a database that stays away for longer than `missing_timeout`.
pub async fn wait(
    config: &Config,
    name_or_id: &str,
    timeout: Option<Duration>,
    progress: &mut dyn FnMut(&Standing),
) -> Result<(Ended, Standing), Error> {
    let mut control = LedgerClient::new(Arc::new(Database::new(config)?));
    let mut topology = Topology::new(&config.queue, &config.retry_tiers, config.delivery_limit)?;
    let run = control.runs().find(name_or_id).await?.ok_or_else(|| Error::NoRun(name_or_id.to_owned()))?;
    if run.queue != config.queue {
        topology = Topology::new(&run.queue, &config.retry_tiers, config.delivery_limit)?;
    }
    let mut missing = Missing::new(Broker::new(config, "wait")?, topology, config);
    let (mut blocks, notice) = (Blocks::default(), Notice::default());
    let (started, mut answered) = (Instant::now(), Instant::now());
    let mut standing = Standing { run, counts: Counts::default() };
    loop {
        let asked = Instant::now();
        match poll(&mut control, &mut standing, &mut blocks).await {
            Ok(()) => answered = Instant::now(),
            Err(error) if error.is_unfit() || answered.elapsed() > config.missing_timeout => {
                return Err(error.into());
            }
            Err(error) => notice.warn("waiting for the database", &error),
        }
        progress(&standing);
        let ended = match standing.run.state {
            RunState::Purged => return Err(Error::Closed { name: standing.run.name, state: "purged" }),
            RunState::Cancelled => Some(Ended::Cancelled),
            _ if standing.has_ended() => {
                Some(if standing.counts.dead > 0 { Ended::Dead } else { Ended::Done })
            }
            _ if timeout.is_some_and(|timeout| started.elapsed() >= timeout) => Some(Ended::TimedOut),
            _ if missing.noticed(&mut control, &standing).await => Some(Ended::Missing),
            _ => None,
        };
        if let Some(ended) = ended {
            missing.close().await;
            return Ok((ended, standing));
        }
        let pause = match blocks.catches_up {
            true => asked.elapsed().min(PAUSE.1),
            false => (asked.elapsed() * PAUSE_FACTOR).clamp(PAUSE.0, PAUSE.1),
        };
        tokio::time::sleep(pause).await;
    }
}

async fn poll(
    control: &mut LedgerClient,
    standing: &mut Standing,
    blocks: &mut Blocks,
) -> Result<(), queryfleet_ledger::Error> {
    if let Some(run) = control.runs().get(&[standing.run.id]).await?.into_iter().next() {
        standing.run = run;
    }
    blocks.count(control, &standing.run).await?;
    standing.counts = blocks.sum();
    Ok(())
}

/// What has been counted. A block in which every job is done or cancelled is finished, and never counted again; one
/// with dead jobs stays open, because a replay may bring them back.
#[derive(Default)]
struct Blocks {
    finished: Counts,
    open: BTreeMap<u64, Counts>,
    begun: u64,
    turn: u64,
    /// Whether the last poll has found a block finished.
    catches_up: bool,
}

impl Blocks {
    async fn count(&mut self, control: &mut LedgerClient, run: &Run) -> Result<(), queryfleet_ledger::Error> {
        let known = run.total.unwrap_or(run.confirmed);
        while self.begun * BLOCK < known {
            self.open.insert(self.begun, Counts::default());
            self.begun += 1;
        }
        let chosen = self.chosen(known);
        let mut counted = control.jobs().count_blocks(run.id, &chosen, run.last_seq()).await?;
        let open = self.open.len();
        for block in chosen {
            let counts = counted.remove(&block).unwrap_or_default();
            if counts.done + counts.cancelled == BLOCK {
                self.open.remove(&block);
                self.finished += counts;
            } else {
                self.open.insert(block, counts);
            }
        }
        self.catches_up = self.open.len() < open;
        Ok(())
    }

    /// The first blocks that are moving, where the front of the queue is, and some of all open ones in turn.
    fn chosen(&mut self, known: u64) -> Vec<u64> {
        let size = |block: u64| BLOCK.min(known.saturating_sub(block * BLOCK));
        let moving = self.open.iter().filter(|(block, counts)| counts.ended() < size(**block));
        let mut chosen: Vec<u64> = moving.map(|(block, _)| *block).take(BLOCKS_A_POLL).collect();
        let after = self.open.range(self.turn..).chain(self.open.range(..self.turn));
        let others: Vec<u64> = after.map(|(block, _)| *block).take(BLOCKS_A_POLL).collect();
        self.turn = others.last().map_or(0, |last| last + 1);
        chosen.extend(others);
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

    fn sum(&self) -> Counts {
        let mut sum = self.finished;
        for counts in self.open.values() {
            sum += *counts;
        }
        sum
    }
}
