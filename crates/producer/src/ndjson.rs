//! Reading NDJSON: one job a line, `{"sql": …, "params": […], "database": …, "timeout": "15m"}`.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

use job::{Job, Param};
use serde::Deserialize;

use crate::Error;

/// The jobs of an NDJSON file.
pub(crate) struct Ndjson {
    name: PathBuf,
    lines: BufReader<Box<dyn Read + Send>>,
    line: String,
    number: u64,
    limit: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    sql: String,
    #[serde(default)]
    params: Vec<Param>,
    database: Option<String>,
    timeout: Option<String>,
}

impl Ndjson {
    /// Lines under this name, none of them longer than `limit` bytes.
    pub(crate) fn new(name: PathBuf, bytes: Box<dyn Read + Send>, limit: usize) -> Ndjson {
        Ndjson { name, lines: BufReader::new(bytes), line: String::new(), number: 0, limit }
    }

    /// The next job, not yet numbered, and its line; `None` at the end. Blank lines are passed over.
    ///
    /// # Errors
    /// When reading fails, or a line is not such an object; the line is named.
    pub(crate) fn next(&mut self) -> Result<Option<(Job, u64)>, Error> {
        loop {
            self.line.clear();
            let read = (&mut self.lines).take(self.limit as u64 + 1).read_line(&mut self.line);
            let bytes = read.map_err(|source| Error::Read { path: self.name.clone(), source })?;
            self.number += 1;
            if bytes == 0 {
                return Ok(None);
            }
            if bytes > self.limit {
                return Err(self.bad(format!("longer than {} bytes", self.limit)));
            }
            if !self.line.trim().is_empty() {
                return self.job().map(|job| Some((job, self.number)));
            }
        }
    }

    fn job(&self) -> Result<Job, Error> {
        let line: Line = serde_json::from_str(&self.line).map_err(|error| self.bad(error.to_string()))?;
        let timeout_ms = match line.timeout {
            Some(text) => {
                let timeout = config::parse_duration(&text);
                let timeout =
                    timeout.ok_or_else(|| self.bad("timeout: expected such as \"90s\" or \"15m\"".into()))?;
                Some(timeout.as_millis() as u64)
            }
            None => None,
        };
        Ok(Job { seq: 0, sql: line.sql, params: line.params, database: line.database, timeout_ms })
    }

    fn bad(&self, why: String) -> Error {
        Error::Line { path: self.name.clone(), line: self.number, why }
    }
}
