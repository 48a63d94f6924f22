//! Where the jobs stand in their input, on the way to the ledger: who looks at a dead job wants to find its line.

use std::path::Path;

use queryfleet_job::RunId;
use queryfleet_ledger::{JOBS_PER_BLOCK, LedgerClient, PlaceList};
use queryfleet_sql::Position;

use crate::notice::Notice;

/// Blocks that wait for the database at most, some 20 KB each if the places are irregular. While it is away longer, the
/// oldest are given up: a job without a known place is executed like any other.
const MOST_WAITING: usize = 500;

/// Collects places, and writes them in blocks.
#[derive(Default)]
pub(crate) struct Places {
    list: PlaceList,
    /// The number of the block that is being filled, from 0.
    block: u64,
    complete: Vec<(u64, PlaceList)>,
    notice: Notice,
}

impl Places {
    /// Notes the place of the next job.
    pub(crate) fn add(&mut self, seq: u64, input: &Path, place: Position) {
        self.list.add(&input.to_string_lossy(), place.line, place.column);
        if seq.is_multiple_of(JOBS_PER_BLOCK) {
            self.complete_block();
        }
    }

    /// Writes the blocks that are complete, or gives them up if the server refuses them: they hold no run up. While it is
    /// unavailable they are kept for the next call.
    ///
    /// # Errors
    /// Returns the ledger's error if the server is unavailable.
    pub(crate) async fn write(
        &mut self,
        client: &mut LedgerClient,
        run: RunId,
    ) -> Result<(), queryfleet_ledger::Error> {
        if !self.complete.is_empty() {
            match client.places().write(run, &self.complete).await {
                Err(error) if error.code().is_some() => {
                    self.notice.warn("where jobs stand is not written down", &error);
                }
                written => written?,
            }
            self.complete.clear();
        }
        Ok(())
    }

    /// No job follows.
    pub(crate) fn complete_block(&mut self) {
        let list = std::mem::take(&mut self.list);
        if list != PlaceList::default() {
            self.complete.push((self.block, list));
        }
        self.block += 1;
        if self.complete.len() > MOST_WAITING {
            self.complete.remove(0);
        }
    }
}
