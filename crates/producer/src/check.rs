//! From statements to numbered jobs: what no worker would run is refused here, with its place.

use std::path::PathBuf;

use job::lexer::{self, Kind, Place, SqlMode};
use job::{Job, NotAtomic, Param};

use crate::Error;
use crate::input::{Input, Reading};

/// The jobs of all inputs, in order and numbered from 1.
pub(crate) struct Jobs<'a> {
    inputs: std::slice::Iter<'a, Input>,
    reading: Option<(PathBuf, Reading)>,
    mode: SqlMode,
    limit: usize,
    not_atomic: Option<NotAtomic>,
    /// What the last `USE` of this input named.
    database: Option<String>,
    seq: u64,
}

/// A job and what the publisher must know of it.
pub(crate) struct Checked {
    pub(crate) job: Job,
    /// Where it stands in the input.
    pub(crate) place: Place,
    /// Whether it can be committed together with its ledger row.
    pub(crate) atomic: bool,
}

impl<'a> Jobs<'a> {
    /// Begins at the start of the first input; no statement may be longer than `limit` bytes.
    pub(crate) fn new(
        inputs: &'a [Input],
        mode: SqlMode,
        not_atomic: Option<NotAtomic>,
        limit: usize,
    ) -> Jobs<'a> {
        Jobs { inputs: inputs.iter(), reading: None, mode, limit, not_atomic, database: None, seq: 0 }
    }

    /// The next job; `None` at the end of the last input.
    ///
    /// # Errors
    /// What is refused, with file, line and column.
    pub(crate) fn next(&mut self) -> Result<Option<Checked>, Error> {
        while let Some((job, place)) = self.read()? {
            if let Some(checked) = self.check(job, place)? {
                return Ok(Some(checked));
            }
        }
        Ok(None)
    }

    fn read(&mut self) -> Result<Option<(Job, Place)>, Error> {
        loop {
            if let Some((_, reading)) = &mut self.reading
                && let Some(next) = reading.next()?
            {
                return Ok(Some(next));
            }
            let Some(input) = self.inputs.next() else { return Ok(None) };
            self.database = None;
            self.reading = Some((input.name().to_owned(), input.open(self.mode, self.limit)?));
        }
    }

    /// The job of a statement; `None` for a `USE`, which becomes part of the jobs that follow it.
    fn check(&mut self, mut job: Job, place: Place) -> Result<Option<Checked>, Error> {
        let path = || self.reading.as_ref().map(|(path, _)| path.clone()).unwrap_or_default();
        let (line, column) = (place.line, place.column);
        let refused = |source| Error::Refused { path: path(), line, column, source };
        let inspected = lexer::inspect(&job.sql, self.mode).map_err(refused)?;
        let (kind, length) = (inspected.kind, inspected.sql.len());
        if kind == Kind::Use
            && let Some(database) = used(inspected.sql)
        {
            self.database = Some(database);
            return Ok(None);
        }
        if kind.is_session_state() {
            lexer::check(&job.sql, self.mode).map_err(refused)?;
        }
        if !kind.is_atomic() && self.not_atomic.is_none() {
            return Err(Error::NotAtomic { path: path(), line, column, kind: kind.as_str() });
        }
        let marks = if job.sql.contains('?') { lexer::marks(&job.sql, self.mode).count() } else { 0 };
        if marks != job.params.len() {
            let why =
                format!("statement has {marks} `?` for {} params: give a value for each", job.params.len());
            return Err(Error::Bad { path: path(), line, column, why });
        }
        let values: usize = job.params.iter().map(Param::size).sum();
        // A literal has at most two bytes for one, and its quotes; whether it is too long is worth a look only then.
        if values * 2 > self.limit.saturating_sub(length + 4 * marks) {
            let bytes = ledger::bound_length(&job, self.mode);
            if bytes > self.limit {
                let why = format!("statement has {bytes} bytes with its values, of {} at most", self.limit);
                return Err(Error::Bad { path: path(), line, column, why });
            }
        }
        // A `;` of its own (after DELIMITER) would be an empty statement in the packet.
        job.sql.truncate(length);
        self.seq += 1;
        job.seq = self.seq;
        job.database = job.database.or_else(|| self.database.clone());
        Ok(Some(Checked { job, place, atomic: kind.is_atomic() }))
    }
}

/// The database that a `USE` names; `None` when it is not `USE name` with a plain or a back-quoted name at its end.
fn used(sql: &str) -> Option<String> {
    let sql = sql.trim_end();
    let Some(quoted) = sql.strip_suffix('`') else {
        let name = sql.rsplit(char::is_whitespace).next()?;
        let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
        return (plain && !name.is_empty()).then(|| name.to_owned());
    };
    let bytes = quoted.as_bytes();
    let mut at = bytes.len();
    while at > 0 {
        at -= 1;
        if bytes[at] == b'`' {
            match at.checked_sub(1).map(|before| bytes[before]) {
                // Doubled inside of the name.
                Some(b'`') => at -= 1,
                _ => return Some(quoted[at + 1..].replace("``", "`")),
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_names_its_database() {
        for (sql, wanted) in [
            ("USE shop", Some("shop")),
            ("use\n `my shop`", Some("my shop")),
            ("/* dump */ USE `a``b`", Some("a`b")),
            ("USE a.b", None),
        ] {
            assert_eq!(used(sql).as_deref(), wanted, "{sql}");
        }
    }
}
