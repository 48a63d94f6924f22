//! Writing down the ranges of a run as they are cut.

use std::time::{Duration, Instant};

use queryfleet_job::RunId;
use queryfleet_ledger::{KeyValue, LedgerClient, Range, Walk};

use crate::Error;

/// Ranges that are written at a time.
const RANGES_PER_WRITE: usize = 100;
/// A slow walk writes down what it has this often.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// The ranges that were cut and are not written down yet.
pub(crate) struct RangeWriter<'a> {
    client: &'a mut LedgerClient,
    run: RunId,
    /// The last key of the table.
    end: &'a [KeyValue],
    pending: Vec<Range>,
    /// The seq of the first pending range.
    first_seq: u64,
    /// The last key of what is written; `None` before the first range.
    written_to: Option<Vec<KeyValue>>,
    written_at: Instant,
}

impl<'a> RangeWriter<'a> {
    /// Resumes behind the last written range; seq 0 is that of the table's extent.
    pub(crate) fn new(
        client: &'a mut LedgerClient,
        run: RunId,
        end: &'a [KeyValue],
        last: &(u64, Range),
    ) -> RangeWriter<'a> {
        let mut writer = RangeWriter {
            client,
            run,
            end,
            pending: Vec::new(),
            first_seq: 1,
            written_to: None,
            written_at: Instant::now(),
        };
        writer.resume_behind(last);
        writer
    }

    /// The key behind which the next range begins; `None` at the start of the table.
    pub(crate) fn last_key(&self) -> Option<&[KeyValue]> {
        let pending = self.pending.last().map(|range| range.hi.as_slice());
        pending.or(self.written_to.as_deref())
    }

    /// Whether the last range ends where the table does.
    pub(crate) fn is_complete(&self) -> bool {
        self.last_key() == Some(self.end)
    }

    pub(crate) fn push(&mut self, range: Range) {
        self.pending.push(range);
    }

    /// Verifies and writes the pending ranges when there are enough, when the last write is long ago, or at the end.
    ///
    /// # Errors
    /// Returns [`Error::Ledger`] if the walk has left rows out, or the database fails.
    pub(crate) async fn flush_if_due(&mut self, walk: &mut Walk<'_>) -> Result<(), Error> {
        let is_due = self.pending.len() >= RANGES_PER_WRITE
            || self.is_complete()
            || self.written_at.elapsed() >= WRITE_EVERY;
        let Some(last) = self.pending.last().filter(|_| is_due) else { return Ok(()) };
        let mut last = (self.first_seq + self.pending.len() as u64 - 1, last.clone());
        walk.verify(self.written_to.as_deref(), &self.pending).await?;
        if !self.client.ranges().write(self.run, self.first_seq, &self.pending).await?
            && let Some(theirs) = self.client.ranges().last(self.run).await?
        {
            // Another producer of this run walks too: what is written counts.
            last = theirs;
        }
        self.resume_behind(&last);
        Ok(())
    }

    fn resume_behind(&mut self, (seq, range): &(u64, Range)) {
        self.pending.clear();
        self.first_seq = seq + 1;
        self.written_to = (*seq > 0).then(|| range.hi.clone());
        self.written_at = Instant::now();
    }
}
