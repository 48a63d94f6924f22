//! Cutting a table into ranges of its key. The ranges are written down before any is published, since the jobs shrink the
//! table that they were cut from; then they are rows for the template like any others.

use std::sync::Arc;
use std::time::Duration;

use queryfleet_job::{Job, Param, RunId};
use queryfleet_ledger::{Catalog, Database, Key, KeyValue, LedgerClient, Range, Walk};
use queryfleet_sql::{Kind, SqlMode};
use sha2::{Digest, Sha256};

use crate::Error;
use crate::input::Input;
use crate::input::template::Template;
use crate::input::value::Value;
use crate::range::file::{RangeFile, columns};
use crate::range::key_name;
use crate::range::range_error;
use crate::range::size::{FIRST_SIZE, Learned, learn};
use crate::range::template::expand;
use crate::range::writer::RangeWriter;
use crate::request::{PublishRequest, RangeSize, Ranges};

/// Ranges that are read at a time.
const RANGES_PER_READ: u64 = 100;
/// How long a trial may take before it is killed.
const TRIAL_LIMIT: Duration = Duration::from_secs(20);
/// What stands before the request in the digest of key ranges. It never changes: a run is known by that digest.
const DIGEST_PREFIX: &str = "--range";

/// A table that can be cut, with all that is known before a run is made.
pub(crate) struct RangeCutter<'a> {
    ranges: Ranges<'a>,
    database: Arc<Database>,
    key: Key,
    mode: SqlMode,
    template: Arc<Template>,
    session_sql: Option<&'a str>,
    /// `None` while the table has no rows.
    extent: Option<Range>,
    /// Whether the run exists.
    is_resumed: bool,
    /// Rows per range; `None` until that is learned.
    size: Option<u64>,
}

/// The run of the request's name, if it exists.
struct BegunRun {
    /// The table's extent, if that is written down: the table may be empty by now.
    extent: Option<Range>,
}

impl<'a> RangeCutter<'a> {
    /// Looks at the table and the template.
    ///
    /// # Errors
    /// Returns [`Error::Statement`] if the table has no such key or the template does not fit it, [`Error::Empty`] if it
    /// has no rows, and [`Error::Ledger`] if the database cannot be reached or rejects a query.
    pub(crate) async fn new(
        ranges: Ranges<'a>,
        request: &PublishRequest<'a>,
        client: &mut LedgerClient,
        database: Arc<Database>,
        mode: SqlMode,
    ) -> Result<RangeCutter<'a>, Error> {
        let name = key_name::parse(ranges.key).ok_or_else(|| {
            range_error(format!(
                "{} is no key: expected TABLE.COLUMN, such as orders.id or orders.customer,id; \
                 a name with a dot or a comma in backquotes",
                ranges.key
            ))
        })?;
        let columns: Vec<&str> = name.columns.iter().map(|column| &**column).collect();
        let mut key = client.inspect().key(name.schema.as_deref(), &name.table, &columns).await?;
        let begun = begun_run(request, client).await?;
        if let Some(BegunRun { extent: Some(extent) }) = &begun {
            // Also when the index has changed meanwhile, or an earlier version has begun: it knew one direction only.
            let ascending = vec![false; columns.len()];
            key.set_directions(if extent.descending.is_empty() { &ascending } else { &extent.descending });
        }
        let template = Template::parse(&expand(ranges.template, &key, mode)?, mode)?.for_key_ranges();
        // A statement that is not atomic is refused later, unless the caller has said how to run it, and so vouches for it.
        let is_atomic = queryfleet_sql::check(template.text(), mode).is_ok_and(Kind::is_atomic);
        if is_atomic && let Some(why) = client.inspect().why_moves(&key, template.text(), mode).await? {
            return Err(range_error(format!(
                "the statement {why}: rows that it moves to ranges which come later would be met once more; walk \
                 another unique key, or change all rows in one statement"
            )));
        }
        let session_sql = request.session_sql;
        let extent = Walk::new(&database, &key, session_sql).await?.extent().await?;
        let is_resumed = begun.is_some();
        if extent.is_none() && !is_resumed {
            return Err(Error::Empty(ranges.key.into()));
        }
        let size = match ranges.size {
            RangeSize::Rows(rows) => Some(rows),
            RangeSize::Auto => None,
        };
        let template = Arc::new(template);
        Ok(RangeCutter { ranges, database, key, mode, template, session_sql, extent, is_resumed, size })
    }

    /// Learns the size for a new run, before there is one. A resumed run learns it where its walk resumes.
    ///
    /// # Errors
    /// Returns an error if a table of the database is not transactional, or if the statement fails.
    pub(crate) async fn learn_size(&mut self, client: &mut LedgerClient) -> Result<(), Error> {
        let Some(extent) = &self.extent else { return Ok(()) };
        if self.size.is_none() && !self.is_resumed {
            let mut walk = Walk::new(&self.database, &self.key, self.session_sql).await?;
            self.size = Some(self.learn_behind(client, &mut walk, None, &extent.hi).await?);
        }
        Ok(())
    }

    /// Tries the statement on the next ranges after a key, in transactions that are rolled back.
    async fn learn_behind(
        &self,
        client: &mut LedgerClient,
        walk: &mut Walk<'_>,
        after: Option<&[KeyValue]>,
        end: &[KeyValue],
    ) -> Result<u64, Error> {
        let sample = self.job(&Range { lo: end.to_vec(), hi: end.to_vec(), descending: Vec::new() })?;
        self.refuse_to_try(&sample, &client.inspect().catalog().await?)?;
        let mut size = FIRST_SIZE;
        let mut after = after.map(<[KeyValue]>::to_vec);
        loop {
            let range = walk.next(after.as_deref(), end, size).await?;
            let took = self.database.trial(self.session_sql, &self.job(&range)?, TRIAL_LIMIT).await?;
            let learned = learn(size, took);
            tracing::info!("a statement over {size} rows took {took:?}; next size: {}", learned.size());
            if range.hi == end || matches!(learned, Learned::Use(_)) {
                return Ok(learned.size());
            }
            size = learned.size();
            after = Some(range.hi);
        }
    }

    /// Refuses to run a statement that is not certainly undone by the ROLLBACK behind it.
    fn refuse_to_try(&self, sample: &Job, catalog: &Catalog) -> Result<(), Error> {
        let kind = queryfleet_sql::check(&sample.sql, self.mode)
            .map_err(|refusal| trial_refused(&refusal.to_string()))?;
        if !kind.is_atomic() {
            return Err(trial_refused(&format!("{kind} is non-transactional")));
        }
        match catalog.not_held(kind, &sample.sql, sample.database.as_deref(), self.mode) {
            Some(reason) => Err(trial_refused(&reason.deed())),
            None => Ok(()),
        }
    }

    /// The job of a range, not yet numbered.
    fn job(&self, range: &Range) -> Result<Job, Error> {
        let row: Vec<(String, &KeyValue)> = columns(range).collect();
        let values: Vec<Value> = self
            .template
            .columns
            .iter()
            .filter_map(|column| row.iter().find(|(name, _)| name == column))
            .map(|(_, value)| Value::from(*value))
            .collect();
        self.template.job(&values).map_err(|misfit| range_error(misfit.why))
    }

    /// The digest by which the run is known. It covers the request, not the rows, which the jobs change.
    pub(crate) fn digest(&self) -> Vec<u8> {
        let mut hasher = Sha256::new();
        for text in [DIGEST_PREFIX, self.ranges.template, self.ranges.key, &self.ranges.size.to_string()] {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        hasher.finalize().to_vec()
    }

    /// One range, to check the statement by before anything is written.
    ///
    /// # Errors
    /// Returns [`Error::Spool`] if it cannot be written to a file.
    pub(crate) fn sample(&self) -> Result<Input, Error> {
        let mut file = RangeFile::new()?;
        let nothing = vec![KeyValue::Plain(Param::Null); self.key.columns().len()];
        let empty = Range { lo: nothing.clone(), hi: nothing, descending: Vec::new() };
        file.add(self.extent.as_ref().unwrap_or(&empty))?;
        file.into_input(&self.template)
    }

    /// All ranges of a run, after cutting those that are not written yet.
    ///
    /// # Errors
    /// Returns [`Error::Empty`] for a table without rows, and an error if the database or the file fails. What is
    /// written stays, and is resumed from.
    pub(crate) async fn cut(&self, client: &mut LedgerClient, run: RunId) -> Result<Input, Error> {
        self.walk(client, run).await?;
        let mut file = RangeFile::new()?;
        let mut from = 1;
        loop {
            let ranges = client.ranges().read(run, from, RANGES_PER_READ).await?;
            for (_, range) in &ranges {
                file.add(range)?;
            }
            match ranges.last() {
                Some((last, _)) => from = last + 1,
                None => return file.into_input(&self.template),
            }
        }
    }

    /// Cuts the table from the last written range on.
    async fn walk(&self, client: &mut LedgerClient, run: RunId) -> Result<(), Error> {
        let last = self.last_range(client, run).await?;
        let extent = client.ranges().read(run, 0, 1).await?.pop().map(|(_, extent)| extent);
        let (Some(last), Some(extent)) = (last, extent) else {
            return Err(range_error(format!("ranges of run {run} are gone: publish them as a new run")));
        };
        let after = (last.0 > 0).then_some(last.1.hi.as_slice());
        if after == Some(&extent.hi) {
            return Ok(());
        }
        let mut walk = Walk::new(&self.database, &self.key, self.session_sql).await?;
        let size = match self.size {
            Some(size) => size,
            None => self.learn_behind(client, &mut walk, after, &extent.hi).await?,
        };
        let mut writer = RangeWriter::new(client, run, &extent.hi, &last);
        while !writer.is_complete() {
            writer.push(walk.next(writer.last_key(), &extent.hi, size).await?);
            writer.flush_if_due(&mut walk).await?;
        }
        Ok(())
    }

    /// The last written range, or the table's extent as seq 0, which is written first.
    async fn last_range(&self, client: &mut LedgerClient, run: RunId) -> Result<Option<(u64, Range)>, Error> {
        if let Some(last) = client.ranges().last(run).await? {
            return Ok(Some(last));
        }
        let extent = self.extent.as_ref().ok_or_else(|| Error::Empty(self.ranges.key.into()))?;
        client.ranges().write(run, 0, std::slice::from_ref(extent)).await?;
        Ok(client.ranges().last(run).await?)
    }
}

async fn begun_run(
    request: &PublishRequest<'_>,
    client: &mut LedgerClient,
) -> Result<Option<BegunRun>, Error> {
    let Some(name) = request.name else { return Ok(None) };
    let Some(run) = client.runs().find(name).await? else { return Ok(None) };
    let extent = client.ranges().read(run.id, 0, 1).await?.pop();
    Ok(Some(BegunRun { extent: extent.filter(|(seq, _)| *seq == 0).map(|(_, extent)| extent) }))
}

fn trial_refused(why: &str) -> Error {
    range_error(format!("size auto tries the statement and rolls it back, but {why}: give a number of rows"))
}
