//! Walking a key: where a range of so many rows begins and ends. Whatever is compared or sorted is so by the server,
//! with the same literals that the jobs will have; by us only to be put into text.

use std::time::Duration;

use job::Param;
use job::lexer::SqlMode;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, Value};

use crate::bind::literal;
use crate::key::{Column, Key, Kind};
use crate::{Database, Error};

/// How long it may take to pass the rows of one range.
const PATIENCE: Duration = Duration::from_secs(600);

/// A range of keys: both ends belong to it, with a value for every column of the key.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// The first key.
    pub lo: Vec<Param>,
    /// The last key.
    pub hi: Vec<Param>,
}

/// A walk over a key of a table, on a connection of its own. It takes no locks.
pub struct Walk<'a> {
    database: &'a Database,
    conn: Conn,
    mode: SqlMode,
    key: &'a Key,
}

impl<'a> Walk<'a> {
    /// Connects.
    ///
    /// # Errors
    /// As connecting and the init step can fail.
    pub async fn new(database: &'a Database, key: &'a Key) -> Result<Walk<'a>, Error> {
        let (conn, facts) = database.connect(None).await?;
        Ok(Walk { database, conn, mode: facts.sql_mode, key })
    }

    /// From the first key to the last; `None` when the table is empty.
    ///
    /// # Errors
    /// As querying can fail.
    pub async fn extent(&mut self) -> Result<Option<Range>, Error> {
        let Key { table, index, .. } = self.key;
        let (columns, by) = (self.columns(), |direction| self.order(direction));
        let from = format!("{columns}, 0 FROM {table} AS t FORCE INDEX ({index})");
        let query = format!(
            "/* queryfleet extent */ (SELECT 0, {from} ORDER BY {} LIMIT 1) UNION ALL \
             (SELECT 1, {from} ORDER BY {} LIMIT 1)",
            by(""),
            by(" DESC")
        );
        let [lo, hi] = self.ends(&query).await?;
        Ok(lo.zip(hi).map(|((lo, _), (hi, _))| Range { lo, hi }))
    }

    /// The range of `size` rows after a key (`None`: from the first one), in a walk that goes to `end`. The last one
    /// has the very end as its own, whatever has become of that row.
    ///
    /// # Errors
    /// As querying can fail.
    pub async fn next(&mut self, after: Option<&[Param]>, end: &[Param], size: u64) -> Result<Range, Error> {
        let Key { table, index, .. } = self.key;
        let after = after.map_or("1".into(), |after| beyond(&self.literals(after), '>'));
        let end_text = self.literals(end);
        let is_end: Vec<String> = end_text.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let (columns, order, until) = (self.columns(), self.order(""), within(&end_text, '<'));
        let from = format!(
            "{columns}, {} FROM {table} AS t FORCE INDEX ({index}) WHERE ({after}) AND ({until}) ORDER BY {order} LIMIT 1",
            is_end.join(" AND ")
        );
        let query = format!(
            "/* queryfleet range */ (SELECT 0, {from}) UNION ALL (SELECT 1, {from} OFFSET {})",
            size.max(1) - 1
        );
        let end = || end.to_vec();
        Ok(match self.ends(&query).await? {
            [Some((lo, _)), Some((hi, false))] => Range { lo, hi },
            [Some((lo, _)), _] => Range { lo, hi: end() },
            _ => Range { lo: end(), hi: end() },
        })
    }

    /// The rows of place 0 and 1 of a query, each with whether it is the end of the walk.
    async fn ends(&mut self, query: &str) -> Result<[Option<(Vec<Param>, bool)>; 2], Error> {
        let doing = "walk the key of the table";
        let rows: Vec<Row> = match tokio::time::timeout(PATIENCE, self.conn.query(query)).await {
            Ok(answer) => answer.map_err(|source| Error::Query { doing, source })?,
            Err(_) => return Err(self.database.timed_out(PATIENCE, doing)),
        };
        let mut ends = [None, None];
        for row in rows {
            let mut values = row.unwrap();
            let is_end = values.pop().is_some_and(|value| number(&value) == Some(1));
            let place = usize::from(number(&values.remove(0)) == Some(1));
            let read = values.into_iter().zip(&self.key.columns).map(|(value, column)| read(value, column));
            let key = read.collect::<Option<Vec<Param>>>();
            let key = key.ok_or_else(|| Error::Schema("the server answered no key to the walk".into()))?;
            ends[place] = Some((key, is_end));
        }
        Ok(ends)
    }

    fn columns(&self) -> String {
        self.key.columns().collect::<Vec<_>>().join(", ")
    }

    /// With the table's name: no alias or other column of the select list is meant.
    fn order(&self, direction: &str) -> String {
        self.key.columns().map(|name| format!("t.{name}{direction}")).collect::<Vec<_>>().join(", ")
    }

    /// The columns with a key's values.
    fn literals(&self, key: &[Param]) -> Vec<(String, String)> {
        let columns = self.key.columns().map(str::to_owned);
        columns.zip(key).map(|(name, value)| (name, literal(value, self.mode))).collect()
    }
}

/// The condition for keys before (`<`) or after (`>`) one of such columns. Spelled out: servers walk no index for a
/// comparison of rows.
fn beyond(key: &[(String, String)], sign: char) -> String {
    compare(key, sign, "")
}

/// The same with that key included.
fn within(key: &[(String, String)], sign: char) -> String {
    compare(key, sign, "=")
}

fn compare(key: &[(String, String)], sign: char, or_equal: &str) -> String {
    match key {
        [] => "1".into(),
        [(name, value)] => format!("{name} {sign}{or_equal} {value}"),
        [(name, value), rest @ ..] => {
            let rest = compare(rest, sign, or_equal);
            format!("{name} {sign} {value} OR ({name} = {value} AND ({rest}))")
        }
    }
}

impl Key {
    /// The condition that a row is in a range; `lo` and `hi` are the texts of its ends, one for each column.
    pub fn condition(&self, lo: &[String], hi: &[String]) -> String {
        let with = |end: &[String]| -> Vec<(String, String)> {
            self.columns().map(str::to_owned).zip(end.iter().cloned()).collect()
        };
        format!("(({}) AND ({}))", within(&with(lo), '>'), within(&with(hi), '<'))
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
fn read(value: Value, column: &Column) -> Option<Param> {
    let Value::Bytes(bytes) = value else { return None };
    match column.kind {
        Kind::Bytes => Some(Param::Bytes(bytes)),
        Kind::Text => String::from_utf8(bytes).ok().map(Param::Text),
        Kind::Int => {
            let text = String::from_utf8(bytes).ok()?;
            text.parse().map(Param::Int).or_else(|_| text.parse().map(Param::UInt)).ok()
        }
    }
}
