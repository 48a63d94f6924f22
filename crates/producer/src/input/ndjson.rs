//! Reading NDJSON: one job per line, `{"sql": …, "params": […], "database": …, "timeout": "15m"}`.

use std::path::PathBuf;

use queryfleet_job::{Job, Param};
use queryfleet_sql::{Position, SqlMode, Use};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Error;
use crate::input::lines::{Bytes, Lines};
use crate::input::value::Value;
use crate::input::{coerce, json};
use crate::problem::Problem;

/// The jobs of an NDJSON file.
pub(crate) struct Ndjson {
    lines: Lines,
    mode: SqlMode,
    /// The statement read last, and the uses of its `?`s: most often it is that of the next line, too.
    uses: (String, Vec<Use>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    sql: String,
    #[serde(default, borrow)]
    params: Vec<&'a RawValue>,
    database: Option<String>,
    timeout: Option<String>,
    /// For people; [`marks`](crate::input::marks) reads it.
    #[serde(default, rename = "comment")]
    _comment: serde::de::IgnoredAny,
}

impl Ndjson {
    /// Lines under this name, none of them longer than `limit` bytes.
    pub(crate) fn new(name: PathBuf, bytes: Bytes, mode: SqlMode, limit: usize) -> Ndjson {
        Ndjson { lines: Lines::new(name, bytes, limit), mode, uses: Default::default() }
    }

    /// The next job, not yet numbered, and its place; `None` at the end. Blank lines are passed over.
    ///
    /// # Errors
    /// Returns an error if reading fails, or if a line is not such an object.
    pub(crate) fn next(&mut self) -> Result<Option<(Job, Position)>, Error> {
        if !self.lines.advance()? {
            return Ok(None);
        }
        let lines = &self.lines;
        let line: Line<'_> = serde_json::from_str(lines.text()).map_err(|error| lines.json_error(&error))?;
        let values: Result<Vec<Value>, Error> = line
            .params
            .iter()
            .map(|json| json::bindable(json).map_err(|why| lines.value_error(json, why)))
            .collect();
        let values = values?;
        let timeout_ms = match line.timeout {
            Some(text) => Some(timeout_ms(&text).ok_or_else(|| {
                lines.error_at(0, format!("timeout is {text:?}: expected such as \"90s\" or \"15m\""))
            })?),
            None => None,
        };
        let (sql, params) = if values.is_empty() {
            (line.sql, Vec::new())
        } else {
            if self.uses.0 != line.sql {
                self.uses = (line.sql.clone(), queryfleet_sql::uses(&line.sql, self.mode));
            }
            self.bound(values, &line.params)?
        };
        let job = Job { seq: 0, sql, params, database: line.database, timeout_ms };
        Ok(Some((job, lines.place())))
    }

    /// The statement with each value as its use wants it.
    fn bound(&self, values: Vec<Value>, json: &[&RawValue]) -> Result<(String, Vec<Param>), Error> {
        let (sql, uses) = &self.uses;
        if uses.len() != values.len() {
            let at = self.lines.location();
            let problem = Problem::Params { marks: uses.len(), params: values.len() };
            return Err(Error::Statement { at, problem });
        }
        let fitted: Result<Vec<Value>, Error> = values
            .into_iter()
            .zip(uses)
            .zip(json)
            .map(|((value, use_), json)| {
                coerce::coerce(use_, "?", value).map_err(|why| self.lines.value_error(json, why))
            })
            .collect();
        let mut pieces = Vec::new();
        let mut after = 0;
        for mark in queryfleet_sql::marks(sql, self.mode) {
            pieces.push(&sql[after..mark]);
            after = mark + 1;
        }
        pieces.push(&sql[after..]);
        Ok(coerce::fill(pieces, fitted?))
    }
}

fn timeout_ms(text: &str) -> Option<u64> {
    queryfleet_config::parse_duration(text).map(|timeout| timeout.as_millis() as u64)
}
