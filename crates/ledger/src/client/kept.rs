//! The counts of runs, of which those that have ended are kept: counting a million jobs again takes 0.3 s.
//!
//! Of a run that is open, what is kept are the blocks in which every job is done: that never changes, and is no later than
//! the ledger rows in the database's own order, so that neither a failover nor a restored backup leaves more of it than of
//! them. All else is counted in the ledger, every time.
//! Of one that has ended nothing changes any more but through its dead jobs: replayed, discarded, dead again. So what was
//! counted counts for as long as its dead jobs are in the states in which they were then; that an older program has replayed
//! one is seen, too.

use std::collections::{BTreeMap, BTreeSet};

use mysql_async::prelude::Queryable;
use queryfleet_job::RunId;
use serde::{Deserialize, Serialize};

use crate::client::jobs::Counts;
use crate::client::run::{Run, RunState};
use crate::connection::LedgerClient;
use crate::{Error, error_code};

/// Jobs per block that is kept once all of it is done: counted in some 30 ms.
const SEQS_PER_KEPT_BLOCK: u64 = 100_000;
/// The most blocks that are counted each time since not all of their jobs are done, although all of some block behind them
/// are: as many as the column holds.
const MOST_LEFT_OUT: usize = 30;

/// How what is kept of an open run begins, for LIKE.
pub(crate) const KEPT_OF_OPEN: &str = r#"{"total":0,%"#;

/// What is in the kept counts of a run without a dead job.
pub(crate) const KEPT_OF_DONE: &str = r#""dead":0,"cancelled":0,"#;

/// What is kept of a run, as JSON.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of a run that has ended; 0 of one that is open, which programs that know only the former take for nothing.
    total: u64,
    done: u64,
    dead: u64,
    cancelled: u64,
    /// How many of its dead jobs were in which state.
    states: BTreeMap<String, u64>,
    /// Of an open run: all jobs of its first blocks are done, but for those that are left out.
    #[serde(default)]
    blocks: u64,
    #[serde(default)]
    left_out: BTreeSet<u64>,
}

/// What an open run has done block by block.
#[derive(Clone, Debug, Default, PartialEq)]
struct DoneBlocks {
    blocks: u64,
    left_out: BTreeSet<u64>,
}

impl DoneBlocks {
    fn of(kept: Option<&Kept>) -> DoneBlocks {
        match kept.filter(|kept| kept.total == 0) {
            Some(Kept { blocks, left_out, .. }) => DoneBlocks { blocks: *blocks, left_out: left_out.clone() },
            None => DoneBlocks::default(),
        }
    }

    /// The jobs that are known to be done.
    fn done(&self) -> u64 {
        self.blocks.saturating_sub(self.left_out.len() as u64) * SEQS_PER_KEPT_BLOCK
    }

    /// Notes whether all jobs of a block are done, which comes in the order of the blocks, those that were left out apart.
    fn note(&mut self, block: u64, is_done: bool) {
        if block < self.blocks {
            if is_done {
                self.left_out.remove(&block);
            }
            return;
        }
        if !is_done {
            return;
        }
        let between = block - self.blocks;
        if self.left_out.len() as u64 + between <= MOST_LEFT_OUT as u64 {
            self.left_out.extend(self.blocks..block);
            self.blocks = block + 1;
        }
    }
}

/// Whether a run in this state has ended once each of its jobs has: those of a cancelled one are written as that, after those
/// that were executing.
fn can_have_ended(state: RunState) -> bool {
    matches!(state, RunState::Published | RunState::Cancelled)
}

impl LedgerClient {
    /// The counts of these runs, each as if it had just been counted.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn counts_of(&mut self, runs: &[Run]) -> Result<Vec<Counts>, Error> {
        let ids: Vec<String> = runs.iter().map(|run| run.id.to_string()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids = ids.join(", ");
        let kept = self.kept(&ids).await?;
        // Before anything is counted: what changes meanwhile is seen the next time.
        let Some(states) = self.states_of_dead_jobs(&ids).await? else {
            let mut counts = Vec::with_capacity(runs.len());
            for run in runs {
                counts.push(self.jobs().count_run(run).await?);
            }
            return Ok(counts);
        };
        let none = BTreeMap::new();
        let mut counts = Vec::with_capacity(runs.len());
        for run in runs {
            let states = states.get(&run.id).unwrap_or(&none);
            let known = kept.get(&run.id).filter(|kept| {
                can_have_ended(run.state) && Some(kept.total) == run.total && kept.states == *states
            });
            counts.push(match known {
                Some(Kept { done, dead, cancelled, .. }) => {
                    Counts { done: *done, dead: *dead, cancelled: *cancelled, started: 0 }
                }
                None => self.count_and_keep(run, states, kept.get(&run.id)).await?,
            });
        }
        Ok(counts)
    }

    async fn count_and_keep(
        &mut self,
        run: &Run,
        states: &BTreeMap<String, u64>,
        kept: Option<&Kept>,
    ) -> Result<Counts, Error> {
        if run.state == RunState::Purged {
            return self.jobs().count_run(run).await;
        }
        let before = DoneBlocks::of(kept);
        let (counts, blocks) = self.count_blocks(run, before.clone()).await?;
        let Counts { done, dead, cancelled, .. } = counts;
        let ended = run.total.filter(|total| counts.ended() >= *total && can_have_ended(run.state));
        let keep = match ended {
            Some(total) => {
                let states = states.clone();
                Some(Kept { total, done, dead, cancelled, states, blocks: 0, left_out: BTreeSet::new() })
            }
            None if blocks != before => Some(Kept {
                total: 0,
                done: blocks.done(),
                dead: 0,
                cancelled: 0,
                states: BTreeMap::new(),
                blocks: blocks.blocks,
                left_out: blocks.left_out,
            }),
            None => None,
        };
        if let Some(kept) = keep {
            // Numbers and words only: serde_json has no reason to fail.
            let kept = serde_json::to_string(&kept).unwrap_or_default();
            let update = format!("UPDATE {} SET kept = ? WHERE id = ?", self.database.tables.run);
            // Whoever may not write it, or finds no such column, counts again the next time.
            let _ = self
                .ask("keep the counts of a run", async |conn| conn.exec_drop(update, (kept, run.id.0)).await)
                .await;
        }
        Ok(counts)
    }

    /// Counts a run without the blocks that are done, and says which are now.
    async fn count_blocks(
        &mut self,
        run: &Run,
        mut known: DoneBlocks,
    ) -> Result<(Counts, DoneBlocks), Error> {
        let mut counts = Counts { done: known.done(), ..Counts::default() };
        for block in known.left_out.clone() {
            let found = self.count_block(run, block).await?;
            counts += found;
            known.note(block, found.done == SEQS_PER_KEPT_BLOCK);
        }
        let mut before = known.blocks * SEQS_PER_KEPT_BLOCK;
        // From row to row: blocks without one cost nothing, however many the run's numbers say that there are.
        while let Some((first, _)) = self.jobs().next_seqs(run, before).await? {
            let block = (first - 1) / SEQS_PER_KEPT_BLOCK;
            let found = self.count_block(run, block).await?;
            counts += found;
            known.note(block, found.done == SEQS_PER_KEPT_BLOCK);
            before = (block + 1).saturating_mul(SEQS_PER_KEPT_BLOCK);
        }
        Ok((counts, known))
    }

    async fn count_block(&mut self, run: &Run, block: u64) -> Result<Counts, Error> {
        let first = block * SEQS_PER_KEPT_BLOCK + 1;
        let last = run.last_seq().min((block + 1).saturating_mul(SEQS_PER_KEPT_BLOCK));
        self.jobs().count_seqs(run.id, first, last).await
    }

    async fn kept(&mut self, ids: &str) -> Result<BTreeMap<RunId, Kept>, Error> {
        let query = format!(
            "SELECT id, kept FROM {} WHERE id IN ({ids}) AND kept IS NOT NULL",
            self.database.tables.run
        );
        let rows: Result<Vec<(u64, String)>, Error> =
            self.ask("read the kept counts of runs", async |conn| conn.query(query).await).await;
        let rows = match rows {
            // The tables were made by a version that kept none.
            Err(error) if error.code() == Some(error_code::NO_COLUMN) => Vec::new(),
            rows => rows?,
        };
        let read = |(id, text): (u64, String)| Some((RunId(id), serde_json::from_str(&text).ok()?));
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// `None`: this account may not see dead jobs, and so not know whether what is kept still counts.
    async fn states_of_dead_jobs(
        &mut self,
        ids: &str,
    ) -> Result<Option<BTreeMap<RunId, BTreeMap<String, u64>>>, Error> {
        let query = format!(
            "SELECT run, CAST(state AS CHAR), COUNT(*) FROM {} WHERE run IN ({ids}) GROUP BY run, state",
            self.database.tables.dead
        );
        let rows: Result<Vec<(u64, String, u64)>, Error> =
            self.ask("count dead jobs", async |conn| conn.query(query).await).await;
        let rows = match rows {
            Err(error) if error.code() == Some(error_code::TABLE_DENIED) => return Ok(None),
            rows => rows?,
        };
        let mut states: BTreeMap<RunId, BTreeMap<String, u64>> = BTreeMap::new();
        for (run, state, jobs) in rows {
            states.entry(RunId(run)).or_default().insert(state, jobs);
        }
        Ok(Some(states))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_kept_from_the_first_on_and_few_are_left_out() {
        let mut known = DoneBlocks::default();
        known.note(0, true);
        known.note(1, false);
        assert_eq!((known.blocks, known.done()), (1, SEQS_PER_KEPT_BLOCK));
        // A block without a row and one that is not done, and behind them one that is.
        known.note(3, true);
        assert_eq!((known.blocks, known.left_out.clone()), (4, [1, 2].into()));
        assert_eq!(known.done(), 2 * SEQS_PER_KEPT_BLOCK);
        known.note(1, true);
        known.note(2, false);
        assert_eq!((known.left_out.clone(), known.done()), ([2].into(), 3 * SEQS_PER_KEPT_BLOCK));
        // Far behind: not kept, and counted again.
        known.note(4 + MOST_LEFT_OUT as u64, true);
        known.note(u64::MAX / SEQS_PER_KEPT_BLOCK, true);
        assert_eq!(known.blocks, 4);
        known.note(4, true);
        assert_eq!(known.blocks, 5);
    }

    #[test]
    fn what_is_kept_fits_into_its_column() {
        let left_out: BTreeSet<u64> = (99_999_970..100_000_000).collect();
        assert_eq!(left_out.len(), MOST_LEFT_OUT);
        let kept = Kept {
            total: 0,
            done: u64::MAX,
            dead: 0,
            cancelled: 0,
            states: BTreeMap::new(),
            blocks: 100_000_000,
            left_out,
        };
        assert!(serde_json::to_string(&kept).unwrap().len() <= 400);
    }
}
