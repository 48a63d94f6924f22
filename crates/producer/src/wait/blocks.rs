//! Counting the jobs of a run block by block.

use std::collections::{BTreeMap, BTreeSet};

use queryfleet_ledger::{Counts, Error, LedgerClient, Run, SEQS_PER_BLOCK};

/// Blocks per poll, of those that are moving and again of all open ones in turn.
const BLOCKS_PER_POLL: usize = 4;

/// What has been counted. A block in which every job is done or cancelled is finished, and never counted again. One with
/// dead jobs stays open, because a replay may bring them back.
#[derive(Default)]
pub(crate) struct Blocks {
    /// The sum of all finished blocks.
    finished: Counts,
    open: BTreeMap<u64, Counts>,
    /// Blocks that were opened so far.
    opened: u64,
    /// The block at which the next turn of open ones begins.
    next_turn: u64,
    catches_up: bool,
}

impl Blocks {
    /// Counts some of the blocks anew.
    ///
    /// # Errors
    /// Returns an error if the database fails; what was counted before stays.
    pub(crate) async fn count(&mut self, client: &mut LedgerClient, run: &Run) -> Result<(), Error> {
        let known_jobs = run.total.unwrap_or(run.confirmed);
        while self.opened * SEQS_PER_BLOCK < known_jobs {
            self.open.insert(self.opened, Counts::default());
            self.opened += 1;
        }
        let mut chosen = self.first_moving(known_jobs);
        chosen.extend(self.next_in_turn());
        let chosen: Vec<u64> = chosen.into_iter().collect();
        let mut counted = client.jobs().count_blocks(run.id, &chosen, run.last_seq()).await?;
        let open_before = self.open.len();
        for block in chosen {
            let counts = counted.remove(&block).unwrap_or_default();
            if counts.done + counts.cancelled == SEQS_PER_BLOCK {
                self.open.remove(&block);
                self.finished += counts;
            } else {
                self.open.insert(block, counts);
            }
        }
        self.catches_up = self.open.len() < open_before;
        Ok(())
    }

    /// Whether the last poll has found a block finished.
    pub(crate) fn catches_up(&self) -> bool {
        self.catches_up
    }

    pub(crate) fn sum(&self) -> Counts {
        let mut sum = self.finished;
        for counts in self.open.values() {
            sum += *counts;
        }
        sum
    }

    /// The first blocks with jobs that have not ended: the front of the queue is there.
    fn first_moving(&self, known_jobs: u64) -> BTreeSet<u64> {
        self.open
            .iter()
            .filter(|(block, counts)| {
                let jobs = SEQS_PER_BLOCK.min(known_jobs.saturating_sub(**block * SEQS_PER_BLOCK));
                counts.ended() < jobs
            })
            .map(|(block, _)| *block)
            .take(BLOCKS_PER_POLL)
            .collect()
    }

    /// The next open blocks, whether they move or not, and after the last of them the first again.
    fn next_in_turn(&mut self) -> Vec<u64> {
        let later = self.open.range(self.next_turn..);
        let earlier = self.open.range(..self.next_turn);
        let turn: Vec<u64> = later.chain(earlier).map(|(block, _)| *block).take(BLOCKS_PER_POLL).collect();
        self.next_turn = turn.last().map_or(0, |last| last + 1);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_blocks_come_first_and_all_come_in_turn() {
        let mut blocks = Blocks { opened: 6, ..Blocks::default() };
        let done = Counts { done: SEQS_PER_BLOCK - 1, dead: 1, ..Counts::default() };
        for block in 0..6 {
            blocks.open.insert(block, if block == 3 { Counts::default() } else { done });
        }
        assert_eq!(blocks.first_moving(6 * SEQS_PER_BLOCK), BTreeSet::from([3]));
        assert_eq!(blocks.next_in_turn(), [0, 1, 2, 3]);
        assert_eq!(blocks.next_in_turn(), [4, 5, 0, 1]);
        assert_eq!(blocks.next_in_turn(), [2, 3, 4, 5]);
    }
}
