//! Reading NDJSON: one job a line, `{"sql": …, "params": […], "database": …, "timeout": "15m"}`.

use std::path::PathBuf;

use job::lexer::Place;
use job::{Job, Param};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::lines::{Bytes, Lines};
use crate::{Error, value};

/// The jobs of an NDJSON file.
pub(crate) struct Ndjson {
    lines: Lines,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    sql: String,
    #[serde(default, borrow)]
    params: Vec<&'a RawValue>,
    database: Option<String>,
    timeout: Option<String>,
}

impl Ndjson {
    /// Lines under this name, none of them longer than `limit` bytes.
    pub(crate) fn new(name: PathBuf, bytes: Bytes, limit: usize) -> Ndjson {
        Ndjson { lines: Lines::new(name, bytes, limit) }
    }

    /// The next job, not yet numbered, and its place; `None` at the end. Blank lines are passed over.
    ///
    /// # Errors
    /// When reading fails, or a line is not such an object; the place is named.
    pub(crate) fn next(&mut self) -> Result<Option<(Job, Place)>, Error> {
        if !self.lines.advance()? {
            return Ok(None);
        }
        let lines = &self.lines;
        let line: Line<'_> = serde_json::from_str(lines.text()).map_err(|error| lines.bad_json(&error))?;
        let params: Result<Vec<Param>, Error> = line
            .params
            .iter()
            .map(|json| value::param(json).map_err(|why| lines.bad_value(json, why)))
            .collect();
        let timeout_ms = match line.timeout {
            Some(text) => Some(config::parse_duration(&text).ok_or_else(|| {
                lines.bad(0, format!("timeout is {text:?}: expected such as \"90s\" or \"15m\""))
            })?),
            None => None,
        }
        .map(|timeout| timeout.as_millis() as u64);
        let job = Job { seq: 0, sql: line.sql, params: params?, database: line.database, timeout_ms };
        Ok(Some((job, lines.place())))
    }
}
