//! How each job of a run has ended, as it ends.

use std::collections::BTreeMap;

use queryfleet_job::LedgerState;
use queryfleet_ledger::{LedgerClient, Run, RunState, SEQS_PER_BLOCK};

use crate::{Error, ErrorKind, RunFault};

/// A look at everything ends after the block that brings it to so many.
const FOUND_AT_ONCE: usize = 50_000;
/// Blocks that a look reads at the front of the run, where its jobs end; and of all open ones in turn.
const BLOCKS_AT_FRONT: usize = 3;
const BLOCKS_IN_TURN: usize = 2;

/// How a job has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobEnd {
    /// It took effect.
    Done,
    /// It failed for good: without effect, unless the reason of its [`DeadJob`](crate::DeadJob) is `unknown`.
    Dead,
    /// Its run was cancelled before it began.
    Cancelled,
}

/// A job that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Its place among the statements of its run, from 0.
    pub index: u64,
    /// How it has ended.
    pub end: JobEnd,
}

/// The jobs of a run as they end. It keeps a byte per job of the blocks of 10,000 in which some have ended and not all.
pub struct Outcomes {
    client: LedgerClient,
    run: Run,
    /// Which jobs of a block are known to have ended; empty while none is.
    open: BTreeMap<u64, Vec<bool>>,
    opened: u64,
    next_turn: u64,
    /// Where a look at everything continues.
    next_of_all: u64,
    /// What was found and not returned yet, since a look has failed, or nobody waited for its end.
    found: Vec<Outcome>,
}

impl Outcomes {
    pub(crate) async fn of(mut client: LedgerClient, run: &str) -> Result<Outcomes, Error> {
        let Some(run) = client.runs().find(run).await.map_err(Error::of_ledger)? else {
            let kind = ErrorKind::Run { name: run.to_owned(), fault: RunFault::Unknown };
            return Err(Error::new(kind, format!("run {run} is not in this ledger")));
        };
        let open = BTreeMap::new();
        Ok(Outcomes { client, run, open, opened: 0, next_turn: 0, next_of_all: 0, found: Vec::new() })
    }

    /// Some of the jobs that have ended and were not returned before, in no order; none if nothing was found where it looked:
    /// at the front of the run, and at some of the rest in turn. A dead job that is replayed later is not returned again.
    ///
    /// # Errors
    /// When the database is unavailable or refuses. The next look continues, and returns also what this one had found; so it
    /// does after one that was dropped.
    pub async fn look(&mut self) -> Result<Vec<Outcome>, Error> {
        self.refresh().await?;
        let front = self.open.keys().copied().take(BLOCKS_AT_FRONT);
        let in_turn = self.open.range(self.next_turn..).map(|(block, _)| *block).take(BLOCKS_IN_TURN);
        let mut chosen: Vec<u64> = front.chain(in_turn).collect();
        self.next_turn = chosen.last().filter(|_| chosen.len() > BLOCKS_AT_FRONT).map_or(0, |last| last + 1);
        chosen.sort_unstable();
        chosen.dedup();
        for block in chosen {
            self.read(block).await?;
        }
        Ok(std::mem::take(&mut self.found))
    }

    /// Those of all jobs that have ended and were not returned before, some ten thousand at a time: for the end of a run, until it
    /// returns none, since it reads every block with a job that has not ended.
    ///
    /// # Errors
    /// As [`look`](Self::look).
    pub async fn look_everywhere(&mut self) -> Result<Vec<Outcome>, Error> {
        self.refresh().await?;
        let blocks: Vec<u64> = self.open.range(self.next_of_all..).map(|(block, _)| *block).collect();
        for block in blocks {
            self.read(block).await?;
            self.next_of_all = block + 1;
            if self.found.len() >= FOUND_AT_ONCE {
                return Ok(std::mem::take(&mut self.found));
            }
        }
        self.next_of_all = 0;
        Ok(std::mem::take(&mut self.found))
    }

    /// Whether every job of the run has ended and was returned.
    pub fn is_complete(&self) -> bool {
        let is_opened = self.total().is_some_and(|total| self.opened * SEQS_PER_BLOCK >= total);
        is_opened && self.open.is_empty() && self.found.is_empty()
    }

    /// How many jobs it has, where that changes no more.
    fn total(&self) -> Option<u64> {
        let is_cancelled = self.run.state == RunState::Cancelled;
        self.run.total.or_else(|| is_cancelled.then(|| self.run.last_seq()))
    }

    /// Reads the run's row, and opens the blocks that it has now.
    async fn refresh(&mut self) -> Result<(), Error> {
        if let Some(run) =
            self.client.runs().get(&[self.run.id]).await.map_err(Error::of_ledger)?.into_iter().next()
        {
            self.run = run;
        }
        if self.run.state == RunState::Purged {
            let name = self.run.name.clone();
            let why = format!("run {name} is purged: nobody knows any more how its jobs have ended");
            return Err(Error::new(ErrorKind::Run { name, fault: RunFault::Purged }, why));
        }
        while self.opened * SEQS_PER_BLOCK < self.run.last_seq() {
            self.open.insert(self.opened, Vec::new());
            self.opened += 1;
        }
        Ok(())
    }

    /// Reads a block. What it finds counts as known only together with being found: this may be dropped at the query.
    async fn read(&mut self, block: u64) -> Result<(), Error> {
        let states =
            self.client.jobs().states_in_block(self.run.id, block).await.map_err(Error::of_ledger)?;
        let first = block * SEQS_PER_BLOCK + 1;
        let jobs = match self.total() {
            Some(total) => SEQS_PER_BLOCK.min((total + 1).saturating_sub(first)),
            None => SEQS_PER_BLOCK,
        };
        let Some(seen) = self.open.get_mut(&block) else { return Ok(()) };
        for (seq, state) in states {
            let end = match state {
                LedgerState::Done => JobEnd::Done,
                LedgerState::Dead => JobEnd::Dead,
                LedgerState::Cancelled => JobEnd::Cancelled,
                LedgerState::Started => continue,
            };
            seen.resize(SEQS_PER_BLOCK as usize, false);
            // What is behind the last job is no job of the run.
            if seq <= self.run.last_seq() && !std::mem::replace(&mut seen[(seq - first) as usize], true) {
                self.found.push(Outcome { index: seq - 1, end });
            }
        }
        if seen.iter().filter(|seen| **seen).count() as u64 >= jobs {
            self.open.remove(&block);
        }
        Ok(())
    }
}
