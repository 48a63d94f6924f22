//! From statements to numbered jobs: what no worker would run is refused here, with its place.

use std::path::{Path, PathBuf};

use job::lexer::{self, Assignment, Kind, Place, SqlMode};
use job::{Job, Param, envelope};

use crate::input::{Input, InputBytes, Reading};
use crate::rules::Rules;
use crate::used::used;
use crate::{Error, settings};

/// The jobs of all inputs, in order and numbered from 1.
pub(crate) struct Jobs<'a> {
    all: &'a [Input],
    /// Not opened yet.
    inputs: std::slice::Iter<'a, Input>,
    reading: Option<(PathBuf, Reading)>,
    rules: &'a Rules,
    /// What the last `USE` of this input named.
    database: Option<String>,
    /// The line that took a setting back which every session of the run has.
    restored: Option<u64>,
    /// Read, and not looked at.
    ahead: Option<(Job, Place)>,
    seq: u64,
}

/// A job and what the publisher must know of it.
pub(crate) struct Checked {
    pub(crate) job: Job,
    /// Where it stands in the input.
    pub(crate) place: Place,
    pub(crate) kind: Kind,
    /// Whether it can be committed together with its ledger row.
    pub(crate) atomic: bool,
}

impl<'a> Jobs<'a> {
    /// Begins at the start of the first input.
    pub(crate) fn new(inputs: &'a [Input], rules: &'a Rules) -> Jobs<'a> {
        Jobs {
            all: inputs,
            inputs: inputs.iter(),
            reading: None,
            rules,
            database: None,
            restored: None,
            ahead: None,
            seq: 0,
        }
    }

    /// The input that is being read.
    pub(crate) fn path(&self) -> &Path {
        self.reading.as_ref().map_or(Path::new(""), |(path, _)| path)
    }

    /// Bytes of a job in its message, and of a message of several jobs, at most.
    pub(crate) fn limit(&self) -> usize {
        self.rules.limit
    }

    /// How much of the inputs has been read.
    pub(crate) fn read_so_far(&self) -> InputBytes {
        let opened = &self.all[..self.all.len() - self.inputs.len()];
        let read = opened.iter().map(|input| input.read_so_far().read).sum();
        InputBytes { read, total: self.all.iter().map(|input| input.read_so_far().total).sum() }
    }

    /// The next job; `None` at the end of the last input.
    ///
    /// # Errors
    /// What is refused, with file, line and column. After [`Error::is_of_a_statement`] it can go on.
    pub(crate) fn next(&mut self) -> Result<Option<Checked>, Error> {
        while let Some((job, place)) = self.read()? {
            if let Some(checked) = self.check(job, place)? {
                return Ok(Some(checked));
            }
        }
        Ok(None)
    }

    fn read(&mut self) -> Result<Option<(Job, Place)>, Error> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        loop {
            if let Some((_, reading)) = &mut self.reading
                && let Some(next) = reading.next()?
            {
                return Ok(Some(next));
            }
            let Some(input) = self.inputs.next() else { return Ok(None) };
            self.database = None;
            self.restored = None;
            self.reading = Some((input.name().to_owned(), input.open(self.rules.mode, self.rules.limit)?));
        }
    }

    /// Passes over a SET of what every session of the run has; of others takes in those that follow at once, too.
    fn set(&mut self, sql: &str, place: Place, assignments: Vec<Assignment>) -> Result<(), Error> {
        let mut missing = Vec::new();
        let mut last = last_line(sql, place);
        self.assign(assignments, last, &mut missing);
        if missing.is_empty() {
            return Ok(());
        }
        while let Some((job, place)) = self.read_same_input()? {
            let Some(assignments) = lexer::assignments(&job.sql, self.rules.mode) else {
                self.ahead = Some((job, place));
                break;
            };
            last = last_line(&job.sql, place);
            self.assign(assignments, last, &mut missing);
        }
        if let Some((name, value)) = missing.iter().find(|(name, _)| !settings::matters(name)) {
            let why = format!(
                "SET of {name} to {value}, where all text is UTF-8: convert it (of a dump: --default-character-set=utf8mb4)"
            );
            return Err(Error::Bad {
                path: self.path().to_owned(),
                line: place.line,
                column: place.column,
                why,
            });
        }
        let before = self.rules.session_sql.as_ref().map_or_else(String::new, |sql| format!("{sql}; "));
        let session_sql = before + &settings::session_sql(&missing);
        let Place { line, column, .. } = place;
        Err(Error::Settings { path: self.path().to_owned(), line, column, last, session_sql })
    }

    fn assign(&mut self, assignments: Vec<Assignment>, line: u64, missing: &mut Vec<(String, String)>) {
        for assignment in assignments {
            match assignment {
                Assignment::Set { name, value } if self.rules.settings.has(&name, &value) => {
                    if settings::matters(&name) {
                        self.restored = None;
                    }
                }
                Assignment::Set { name, value } => {
                    missing.retain(|(known, _)| *known != name);
                    missing.push((name, value));
                }
                Assignment::Restore { name } if settings::matters(&name) => self.restored = Some(line),
                Assignment::Save | Assignment::Restore { .. } => {}
            }
        }
    }

    fn read_same_input(&mut self) -> Result<Option<(Job, Place)>, Error> {
        self.reading.as_mut().map_or(Ok(None), |(_, reading)| reading.next())
    }

    /// The job of a statement; `None` for a `USE`, which becomes part of the jobs that follow it.
    fn check(&mut self, mut job: Job, place: Place) -> Result<Option<Checked>, Error> {
        let Rules { not_atomic, allow_no_where, engines, .. } = self.rules;
        let (mode, limit) = (self.rules.mode, self.rules.limit);
        let path = || self.path().to_owned();
        let (line, column) = (place.line, place.column);
        let refused = |source| Error::Refused { path: path(), line, column, source };
        let inspected = lexer::inspect(&job.sql, mode).map_err(refused)?;
        let (kind, length) = (inspected.kind, inspected.sql.len());
        if kind == Kind::Use
            && let Some(database) = used(inspected.sql)
        {
            self.database = Some(database);
            return Ok(None);
        }
        if kind == Kind::Set
            && let Some(assignments) = lexer::assignments(inspected.sql, mode)
        {
            return self.set(&job.sql, place, assignments).map(|()| None);
        }
        if kind.is_session_state() {
            lexer::check(&job.sql, mode).map_err(refused)?;
        }
        if let Some(restored) = self.restored {
            let why = format!(
                "statement follows line {restored}, which takes back what --session-sql sets: publish it as a file of its own"
            );
            return Err(Error::Bad { path: path(), line, column, why });
        }
        if !kind.is_atomic() && not_atomic.is_none() {
            return Err(Error::NotAtomic { path: path(), line, column, kind: kind.as_str() });
        }
        if !allow_no_where && changes_all(kind, inspected.sql, mode) {
            return Err(Error::NoWhere { path: path(), line, column, kind: kind.as_str() });
        }
        let database = job.database.as_deref().or(self.database.as_deref());
        let kept = engines.written_by(inspected.sql, database, mode);
        let atomic = kind.is_atomic() && kept.is_none();
        if let Some(table) = kept.filter(|_| not_atomic.is_none()) {
            return Err(Error::NotTransactional { path: path(), line, column, table });
        }
        let marks = if job.sql.contains('?') { lexer::marks(&job.sql, mode).count() } else { 0 };
        if marks != job.params.len() {
            let why =
                format!("statement has {marks} `?` for {} params: give a value for each", job.params.len());
            return Err(Error::Bad { path: path(), line, column, why });
        }
        let values: usize = job.params.iter().map(Param::size).sum();
        // A literal has at most two bytes for one, and its quotes, or `_binary x''`; whether it is too long is worth a look
        // only then.
        if values * 2 > limit.saturating_sub(length + 12 * marks) {
            let bytes = ledger::bound_length(&job, mode);
            if bytes > limit {
                let why = format!("statement has {bytes} bytes with its values, of {} at most", limit);
                return Err(Error::Bad { path: path(), line, column, why });
            }
        }
        // A `;` of its own (after DELIMITER) would be an empty statement in the packet.
        job.sql.truncate(length);
        job.database = job.database.or_else(|| self.database.clone());
        if let Some(bytes) = envelope::length_above(&job, limit) {
            let why = format!(
                "statement has {bytes} bytes in its message, which has several for a control character, a quote or a \
                 backslash, of {limit} at most: split it, or write bytes as 0x… (of a dump: --hex-blob)"
            );
            return Err(Error::Bad { path: path(), line, column, why });
        }
        self.seq += 1;
        job.seq = self.seq;
        Ok(Some(Checked { job, place, kind, atomic }))
    }
}

/// The line on which a statement ends.
fn last_line(sql: &str, place: Place) -> u64 {
    place.line + sql.matches('\n').count() as u64
}

/// Whether the statement is an UPDATE or DELETE of a whole table.
pub(crate) fn changes_all(kind: Kind, sql: &str, mode: SqlMode) -> bool {
    matches!(kind, Kind::Update | Kind::Delete | Kind::With) && lexer::lacks_where(sql, mode)
}
