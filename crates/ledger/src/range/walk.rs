//! Walking a key: where a range of so many rows begins and ends. Whatever is compared or sorted is so by the server,
//! with the same literals that the jobs will have; by us only to be put into text.
//!
//! No row between the first and the last is left out: a range begins at the first row behind the literal of the last
//! key before, and that literal is the key itself: a number, a date, or the bytes of the column's own type and character
//! set. What is left to go wrong is a collation whose index and comparisons disagree. Those that are known are refused
//! (`key.rs`); for the others the rows of text keys are counted once more ([`Walk::verify`]), range by range and all
//! together, in one statement: so a table that is in use gives no false alarm. Numbers, dates and bytes have one order.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, Value};
use queryfleet_job::Param;
use queryfleet_sql::SqlMode;

use crate::range::compare::{Bound, Side, compare};
use crate::range::key::{Column, Key, Kind};
use crate::range::key_value::Bytes;
use crate::{Database, Error, KeyValue};

/// How long it may take to pass the rows of one range.
const RANGE_TIMEOUT: Duration = Duration::from_secs(600);

/// A range of keys: both ends belong to it, with a value for every column of the key.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// The first key, in the order of the walk.
    pub lo: Vec<KeyValue>,
    /// The last key.
    pub hi: Vec<KeyValue>,
    /// For every column whether the walk goes from the largest to the smallest; empty when it does so for none.
    pub descending: Vec<bool>,
}

/// A walk over a key of a table, on a connection of its own, in the directions of its index. It takes no locks.
pub struct Walk<'a> {
    database: &'a Database,
    conn: Conn,
    mode: SqlMode,
    key: &'a Key,
    /// Behind which key the last range began, and the key that it ended with.
    last: Option<(Vec<KeyValue>, Vec<KeyValue>)>,
}

/// What a query of the walk has answered: the rows of place 0 and 1, each with whether it is the end of the walk.
struct Answer {
    ends: [Option<(Vec<KeyValue>, bool)>; 2],
    /// Whether the walk has come further with its last range.
    advances: bool,
}

impl<'a> Walk<'a> {
    /// Connects; the session is as those of the jobs with this session SQL, which may change what a literal means.
    ///
    /// # Errors
    /// If the database cannot be reached, or the session is not as the init step has set it.
    pub async fn new(
        database: &'a Database,
        key: &'a Key,
        session_sql: Option<&str>,
    ) -> Result<Walk<'a>, Error> {
        let (conn, facts) = database.connect(session_sql).await?;
        Ok(Walk { database, conn, mode: facts.sql_mode, key, last: None })
    }

    /// From the first key to the last; `None` when the table is empty.
    ///
    /// # Errors
    /// If the query fails or takes longer than 10 minutes.
    pub async fn extent(&mut self) -> Result<Option<Range>, Error> {
        let Key { table, index, .. } = self.key;
        let from = format!("{}, 0 FROM {table} AS t FORCE INDEX ({index})", self.columns());
        let query = format!(
            "/* queryfleet extent */ (SELECT 0, {from} ORDER BY {} LIMIT 1) UNION ALL \
             (SELECT 1, {from} ORDER BY {} LIMIT 1)",
            self.order(false),
            self.order(true)
        );
        let [lo, hi] = self.ask(&query).await?.ends;
        Ok(lo.zip(hi).map(|((lo, _), (hi, _))| self.range(lo, hi)))
    }

    /// The range of `size` rows after a key (`None`: from the first one), in a walk that goes to `end`. The last one
    /// has the very end as its own, whatever has become of that row.
    ///
    /// # Errors
    /// [`Error::Key`] when the range before this one had brought the walk no further, or if the query fails.
    pub async fn next(
        &mut self,
        after: Option<&[KeyValue]>,
        end: &[KeyValue],
        size: u64,
    ) -> Result<Range, Error> {
        let query = self.query(after, end, size);
        let Answer { ends, advances } = self.ask(&query).await?;
        if !advances {
            return Err(self.disagrees());
        }
        let end = || end.to_vec();
        let range = match ends {
            [Some((lo, _)), Some((hi, false))] => self.range(lo, hi),
            [Some((lo, _)), _] => self.range(lo, end()),
            _ => self.range(end(), end()),
        };
        self.last = after.map(|after| (after.to_vec(), range.hi.clone()));
        Ok(range)
    }

    /// Counts the rows of ranges that follow each other behind a key, each by itself and all together.
    ///
    /// # Errors
    /// [`Error::Key`] when the counts differ, or if the query fails.
    pub async fn verify(&mut self, after: Option<&[KeyValue]>, ranges: &[Range]) -> Result<(), Error> {
        let is_text = |column: &Column| matches!(column.kind, Kind::Text { .. });
        let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else { return Ok(()) };
        if !self.key.columns.iter().any(is_text) {
            return Ok(());
        }
        let first = match after {
            Some(after) => compare(&self.literals(after), Side::After, ""),
            None => compare(&self.literals(&first.lo), Side::After, "="),
        };
        let Key { table, index, .. } = self.key;
        let count = |from: &str, to: &[KeyValue]| {
            let until = compare(&self.literals(to), Side::Before, "=");
            format!("(SELECT COUNT(*) FROM {table} AS t FORCE INDEX ({index}) WHERE ({from}) AND ({until}))")
        };
        let all = count(&first, &last.hi);
        let mut counts = Vec::with_capacity(ranges.len());
        let mut from = first;
        for range in ranges {
            counts.push(count(&from, &range.hi));
            from = compare(&self.literals(&range.hi), Side::After, "");
        }
        let query = format!("/* queryfleet count */ SELECT {} = {all}", counts.join(" + "));
        let rows = self.rows(&query).await?;
        let same = rows
            .into_iter()
            .next()
            .is_some_and(|row| row.unwrap().iter().any(|same| number(same) == Some(1)));
        if same { Ok(()) } else { Err(self.disagrees()) }
    }

    fn disagrees(&self) -> Error {
        let why = "its index has another order than comparisons with its keys, so ranges would leave rows out: walk another \
                   unique key";
        Error::Key { table: self.key.table.clone(), why: why.into() }
    }

    /// What [`next`](Self::next) asks the server. It must be able to answer out of the index, without sorting.
    pub fn query(&self, after: Option<&[KeyValue]>, end: &[KeyValue], size: u64) -> String {
        let Key { table, index, .. } = self.key;
        let behind = after.map_or("1".into(), |after| compare(&self.literals(after), Side::After, ""));
        let end_text = self.literals(end);
        let is_end: Vec<String> =
            end_text.iter().map(|Bound { name, value, .. }| format!("{name} = {value}")).collect();
        let until = compare(&end_text, Side::Before, "=");
        let from = format!(
            "{}, {} FROM {table} AS t FORCE INDEX ({index}) WHERE ({behind}) AND ({until}) ORDER BY {} LIMIT 1",
            self.columns(),
            is_end.join(" AND "),
            self.order(false)
        );
        format!(
            "/* queryfleet range */ (SELECT 0, {from}) UNION ALL (SELECT 1, {from} OFFSET {}){}",
            size.max(1) - 1,
            self.advance(after)
        )
    }

    /// One more row that says whether the end of the range before is behind the end of the one before that, as the server
    /// compares them.
    fn advance(&self, after: Option<&[KeyValue]>) -> String {
        let Some((passed, after)) = self.last.as_ref().filter(|(_, hi)| Some(hi.as_slice()) == after) else {
            return String::new();
        };
        let columns = &self.key.columns;
        let after = after.iter().zip(columns).map(|(value, column)| self.by_itself(value, column));
        let further: Vec<Bound> = self
            .literals(passed)
            .into_iter()
            .zip(after)
            .map(|(bound, name)| Bound { name, ..bound })
            .collect();
        let nothing = "NULL, ".repeat(columns.len());
        format!(" UNION ALL (SELECT 2, {nothing}{})", compare(&further, Side::After, ""))
    }

    /// A literal that compares as its column does, away from it.
    fn by_itself(&self, value: &KeyValue, column: &Column) -> String {
        let literal = value.literal(self.mode);
        match (&column.kind, value) {
            (Kind::Text { collation, .. }, KeyValue::Text(_)) => format!("{literal} COLLATE {collation}"),
            (Kind::Text { charset, collation }, KeyValue::Plain(_)) => {
                format!("CONVERT({literal} USING {charset}) COLLATE {collation}")
            }
            _ => literal,
        }
    }

    fn range(&self, lo: Vec<KeyValue>, hi: Vec<KeyValue>) -> Range {
        let descending = self.key.directions();
        Range { lo, hi, descending: if descending.contains(&true) { descending } else { Vec::new() } }
    }

    async fn rows(&mut self, query: &str) -> Result<Vec<Row>, Error> {
        let doing = "walk the key of the table";
        match tokio::time::timeout(RANGE_TIMEOUT, self.conn.query(query)).await {
            Ok(answer) => answer.map_err(Error::query(doing)),
            Err(_) => Err(self.database.timed_out(RANGE_TIMEOUT, doing)),
        }
    }

    async fn ask(&mut self, query: &str) -> Result<Answer, Error> {
        let rows = self.rows(query).await?;
        let mut answer = Answer { ends: [None, None], advances: true };
        for row in rows {
            let mut values = row.unwrap();
            let said = values.pop().is_some_and(|value| number(&value) == Some(1));
            let place = number(&values.remove(0));
            if place == Some(2) {
                answer.advances = said;
                continue;
            }
            let read = values.into_iter().zip(&self.key.columns).map(|(value, column)| read(value, column));
            let key = read.collect::<Option<Vec<KeyValue>>>();
            let key = key.ok_or_else(|| Error::Schema("the server answered no key to the walk".into()))?;
            answer.ends[usize::from(place == Some(1))] = Some((key, said));
        }
        Ok(answer)
    }

    /// The columns as they are read: of a text the bytes that it has in its column.
    fn columns(&self) -> String {
        let read = |column: &Column| match column.kind {
            Kind::Text { .. } => format!("HEX(t.{})", column.name),
            _ => format!("t.{}", column.name),
        };
        self.key.columns.iter().map(read).collect::<Vec<_>>().join(", ")
    }

    /// The order of the index, or the other way round. With the table's name: no alias or other column of the select
    /// list is meant.
    fn order(&self, back: bool) -> String {
        let by = |column: &Column| match column.descending != back {
            true => format!("t.{} DESC", column.name),
            false => format!("t.{}", column.name),
        };
        self.key.columns.iter().map(by).collect::<Vec<_>>().join(", ")
    }

    /// The columns with a key's values.
    fn literals(&self, key: &[KeyValue]) -> Vec<Bound> {
        self.key.bounds(key.iter().map(|value| value.literal(self.mode)))
    }
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Bytes(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        Value::Int(n) => Some(*n),
        _ => None,
    }
}

/// A value of the text protocol.
fn read(value: Value, column: &Column) -> Option<KeyValue> {
    let Value::Bytes(bytes) = value else { return None };
    let text = |bytes| String::from_utf8(bytes).ok();
    Some(match &column.kind {
        Kind::Bytes => KeyValue::Plain(Param::Bytes(bytes)),
        Kind::Text { charset, .. } => KeyValue::Text(Bytes::new(charset, &text(bytes)?)?),
        Kind::Date => KeyValue::Plain(Param::Text(text(bytes)?)),
        Kind::Int => {
            let text = text(bytes)?;
            let whole = text.parse().map(Param::Int).or_else(|_| text.parse().map(Param::UInt));
            KeyValue::Plain(whole.ok()?)
        }
    })
}
