//! Which jobs the ledger has already, for `publish --missing`.

use std::collections::HashSet;

use queryfleet_job::RunId;
use queryfleet_ledger::{BLOCK, LedgerClient};

use crate::Error;

/// The seqs of one block that have a ledger row; read when the first of them is asked about.
#[derive(Default)]
pub(crate) struct Present {
    block: Option<u64>,
    seqs: HashSet<u64>,
}

impl Present {
    /// Whether a job has ended, or has begun and is not atomic.
    pub(crate) async fn has(
        &mut self,
        control: &mut LedgerClient,
        run: RunId,
        seq: u64,
    ) -> Result<bool, Error> {
        let block = (seq - 1) / BLOCK;
        if self.block != Some(block) {
            self.seqs = control.jobs().seqs_in_block(run, block).await?.into_iter().collect();
            self.block = Some(block);
        }
        Ok(self.seqs.contains(&seq))
    }
}
