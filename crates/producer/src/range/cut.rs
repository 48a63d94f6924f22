//! Cutting a table into ranges of its key, one job each. The ranges are written down before any is published, since
//! the jobs shrink the table that they were cut from; then they are rows for the template like any others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use queryfleet_job::{Job, Param, RunId};
use queryfleet_ledger::{Catalog, Database, Key, KeyValue, LedgerClient, Range, Walk};
use queryfleet_sql::{self, Kind, SqlMode};
use sha2::{Digest, Sha256};

use crate::input::Input;
use crate::input::template::Template;
use crate::input::value::Value;
use crate::range::size;
use crate::range::{NAME, Ranges, Rows, bad, expand, pairs, parse};
use crate::{Error, PublishRequest, Size, Source};

/// Ranges that are written, or read, at a time.
const AT_ONCE: usize = 100;
/// A walk that is slow writes down what it has this often.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// How long a trial may take before it is killed.
const TRIAL_LIMIT: Duration = Duration::from_secs(20);

/// A table that can be cut, with all that is known before a run is made.
pub(crate) struct Cut<'a> {
    ranges: &'a Ranges<'a>,
    database: &'a Database,
    key: Key,
    mode: SqlMode,
    template: Arc<Template>,
    session_sql: Option<&'a str>,
    /// `None` while the table has no rows.
    extent: Option<Range>,
    begun: bool,
    /// Rows a range; `None` while that is to be learned.
    size: Option<u64>,
}

impl<'a> Cut<'a> {
    /// Looks at the table and the template of an order; `None` when it is for no table.
    ///
    /// # Errors
    /// When the table has no such key or no rows, or the template does not fit it; as the database can fail.
    pub(crate) async fn of(
        request: &'a PublishRequest<'_>,
        control: &mut LedgerClient,
        database: &'a Database,
        mode: SqlMode,
    ) -> Result<Option<Cut<'a>>, Error> {
        let Source::Range(ranges) = &request.source else { return Ok(None) };
        let parts = parse(ranges.key).ok_or_else(|| {
            bad(format!(
                "{} is no key: expected TABLE.COLUMN, such as orders.id or orders.customer,id; \
                 a name with a dot or a comma in backquotes",
                ranges.key
            ))
        })?;
        let columns: Vec<&str> = parts.columns.iter().map(|column| &**column).collect();
        let mut key = control.inspect().key(parts.schema.as_deref(), &parts.table, &columns).await?;
        let begun = begun(request, control).await?;
        if let Some(Some(extent)) = &begun {
            // Also when the index has changed meanwhile, or an earlier version has begun: it knew one direction only.
            let ascending = vec![false; columns.len()];
            key.set_directions(if extent.descending.is_empty() { &ascending } else { &extent.descending });
        }
        let template = Template::parse(&expand(ranges.template, &key, mode)?, mode)?.of_keys();
        // What is not atomic is refused later, or its user has said how to run it, and answers for it.
        let is_atomic = queryfleet_sql::check(template.text(), mode).is_ok_and(Kind::is_atomic);
        if is_atomic && let Some(why) = control.inspect().why_moves(&key, template.text(), mode).await? {
            return Err(bad(format!(
                "the statement {why}: rows that it moves to ranges which come later would be met once more; walk \
                 another unique key, or change all rows in one statement"
            )));
        }
        let template = Arc::new(template);
        let session_sql = request.session_sql;
        let extent = Walk::new(database, &key, session_sql).await?.extent().await?;
        let begun = begun.is_some();
        if extent.is_none() && !begun {
            return Err(Error::Empty(ranges.key.into()));
        }
        let size = match ranges.size {
            Size::Rows(rows) => Some(rows),
            Size::Auto => None,
        };
        Ok(Some(Cut { ranges, database, key, mode, template, session_sql, extent, begun, size }))
    }

    /// Learns the size for a new run, before there is one; a run that was begun learns it where its walk goes on.
    ///
    /// # Errors
    /// When a table of the database is not transactional, or the statement fails.
    pub(crate) async fn try_out(&mut self, control: &mut LedgerClient) -> Result<(), Error> {
        if let (None, false, Some(extent)) = (self.size, self.begun, &self.extent) {
            let mut walk = Walk::new(self.database, &self.key, self.session_sql).await?;
            self.size = Some(self.learn(control, &mut walk, None, &extent.hi).await?);
        }
        Ok(())
    }

    /// Tries the statement on the next ranges after a key, in transactions that are rolled back.
    async fn learn(
        &self,
        control: &mut LedgerClient,
        walk: &mut Walk<'_>,
        after: Option<&[KeyValue]>,
        end: &[KeyValue],
    ) -> Result<u64, Error> {
        let sample = self.job(&Range { lo: end.to_vec(), hi: end.to_vec(), descending: Vec::new() })?;
        self.refuse_to_try(&sample, &control.inspect().catalog().await?)?;
        let (mut size, mut after) = (size::FIRST, after.map(<[KeyValue]>::to_vec));
        loop {
            let range = walk.next(after.as_deref(), end, size).await?;
            let took = self.database.trial(self.session_sql, &self.job(&range)?, TRIAL_LIMIT).await?;
            let (better, enough) = size::learn(size, took);
            tracing::info!("a statement over {size} rows took {took:?}, goes on with {better}");
            if enough || range.hi == end {
                return Ok(better);
            }
            (size, after) = (better, Some(range.hi));
        }
    }

    /// Refuses to run a statement that is not certainly undone by the ROLLBACK behind it.
    fn refuse_to_try(&self, sample: &Job, catalog: &Catalog) -> Result<(), Error> {
        let refused = |why: String| {
            bad(format!(
                "--size auto tries the statement and rolls it back, but {why}: give a number of rows"
            ))
        };
        let kind =
            queryfleet_sql::check(&sample.sql, self.mode).map_err(|refusal| refused(refusal.to_string()))?;
        if !kind.is_atomic() {
            return Err(refused(format!("{kind} is not atomic")));
        }
        match catalog.not_held(kind, &sample.sql, sample.database.as_deref(), self.mode) {
            Some(reason) => Err(refused(reason.deed())),
            None => Ok(()),
        }
    }

    /// The job of a range, not yet numbered.
    fn job(&self, range: &Range) -> Result<Job, Error> {
        let pairs: Vec<(String, &KeyValue)> = pairs(range).collect();
        let value = |column: &String| pairs.iter().find(|(name, _)| name == column);
        let values = self.template.columns.iter().filter_map(value).map(|(_, value)| Value::from(*value));
        self.template.job(&values.collect::<Vec<_>>()).map_err(|misfit| bad(misfit.why))
    }

    /// What stands for the whole input: the table itself will change.
    pub(crate) fn digest(&self) -> Vec<u8> {
        let mut hasher = Sha256::new();
        for text in [NAME, self.ranges.template, self.ranges.key, &self.ranges.size.to_string()] {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        hasher.finalize().to_vec()
    }

    /// One range, to check the statement by before anything is written.
    ///
    /// # Errors
    /// When it cannot be kept in a file.
    pub(crate) fn sample(&self) -> Result<Input, Error> {
        let mut rows = Rows::new()?;
        let nothing = vec![KeyValue::Plain(Param::Null); self.key.columns().len()];
        let empty = Range { lo: nothing.clone(), hi: nothing, descending: Vec::new() };
        rows.add(self.extent.as_ref().unwrap_or(&empty))?;
        rows.input(&self.template)
    }

    /// All ranges of a run, after cutting those that are not written yet.
    ///
    /// # Errors
    /// [`Error::Empty`] for a table without rows; as the database can fail. What is written stays, and is gone on from.
    pub(crate) async fn input(&self, control: &mut LedgerClient, run: RunId) -> Result<Input, Error> {
        self.walk(control, run).await?;
        let mut rows = Rows::new()?;
        let mut from = 1;
        loop {
            let ranges = control.ranges().read(run, from, AT_ONCE as u64).await?;
            for (_, range) in &ranges {
                rows.add(range)?;
            }
            match ranges.last() {
                Some((last, _)) => from = last + 1,
                None => return rows.input(&self.template),
            }
        }
    }

    async fn walk(&self, control: &mut LedgerClient, run: RunId) -> Result<(), Error> {
        let mut last = control.ranges().last(run).await?;
        if last.is_none() {
            let extent = self.extent.as_ref().ok_or_else(|| Error::Empty(self.ranges.key.into()))?;
            control.ranges().write(run, 0, std::slice::from_ref(extent)).await?;
            last = control.ranges().last(run).await?;
        }
        let extent = control.ranges().read(run, 0, 1).await?.pop().map(|(_, extent)| extent);
        let (Some((mut seq, mut range)), Some(extent)) = (last, extent) else {
            return Err(bad(format!("ranges of run {run} are gone: publish them as a new run")));
        };
        if seq > 0 && range.hi == extent.hi {
            return Ok(());
        }
        let mut walk = Walk::new(self.database, &self.key, self.session_sql).await?;
        let size = match self.size {
            Some(size) => size,
            None => {
                let after = (seq > 0).then_some(range.hi.as_slice());
                self.learn(control, &mut walk, after, &extent.hi).await?
            }
        };
        let (mut cut, mut written) = (Vec::new(), Instant::now());
        let mut verified = (seq > 0).then(|| range.hi.clone());
        while seq == 0 || range.hi != extent.hi {
            let after = (seq > 0).then_some(range.hi.as_slice());
            range = walk.next(after, &extent.hi, size).await?;
            seq += 1;
            cut.push(range.clone());
            if cut.len() < AT_ONCE && range.hi != extent.hi && written.elapsed() < WRITE_EVERY {
                continue;
            }
            walk.verify(verified.as_deref(), &cut).await?;
            verified = Some(range.hi.clone());
            let first = seq + 1 - cut.len() as u64;
            if !control.ranges().write(run, first, &cut).await?
                && let Some(last) = control.ranges().last(run).await?
            {
                // Another producer of this run walks too: what is written counts.
                (seq, range) = last;
                verified = Some(range.hi.clone());
            }
            cut.clear();
            written = Instant::now();
        }
        Ok(())
    }
}

/// The extent of a run that was made before, as far as it is written down: its table may be empty by now.
async fn begun(
    request: &PublishRequest<'_>,
    control: &mut LedgerClient,
) -> Result<Option<Option<Range>>, Error> {
    let Some(name) = request.name else { return Ok(None) };
    let Some(run) = control.runs().find(name).await? else { return Ok(None) };
    let extent = control.ranges().read(run.id, 0, 1).await?.pop();
    Ok(Some(extent.filter(|(seq, _)| *seq == 0).map(|(_, extent)| extent)))
}
