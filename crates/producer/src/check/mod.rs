//! From statements to numbered jobs: what no worker would run is refused here, with its place.

pub(crate) mod rules;
pub(crate) mod sets;
pub(crate) mod used;

use std::path::{Path, PathBuf};

use queryfleet_job::{Job, Param, envelope};
use queryfleet_sql::{self, Kind, Place, Refusal, SqlMode};

use crate::Error;
use crate::check::rules::Rules;
use crate::check::sets::Sets;
use crate::check::used::used;
use crate::input::{Input, InputBytes, Reading};

/// The jobs of all inputs, in order and numbered from 1.
pub(crate) struct Jobs<'a> {
    all: &'a [Input],
    /// Not opened yet.
    inputs: std::slice::Iter<'a, Input>,
    reading: Option<(PathBuf, Reading)>,
    rules: &'a Rules,
    /// What the last `USE` of this input named.
    database: Option<String>,
    /// What the SETs of this input have set.
    sets: Sets,
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
            sets: Sets::default(),
            ahead: None,
            seq: 0,
        }
    }

    /// The same jobs from the beginning.
    pub(crate) fn anew(&self) -> Jobs<'a> {
        Jobs::new(self.all, self.rules)
    }

    /// The input that is being read.
    pub(crate) fn path(&self) -> &Path {
        reading_path(&self.reading)
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
            if let Some((path, reading)) = &mut self.reading {
                match reading.next() {
                    Ok(Some(next)) => return Ok(Some(next)),
                    Ok(None) => {}
                    // Where a string ends is up to the sql_mode, which a SET before it may have said.
                    Err(error @ Error::Split { .. }) => {
                        let (settings, here) =
                            (&self.rules.settings, Place { offset: 0, line: 1, column: 1 });
                        return Err(self.sets.before_statement(settings, path, here).err().unwrap_or(error));
                    }
                    Err(error) => return Err(error),
                }
            }
            let Some(input) = self.inputs.next() else { return Ok(None) };
            self.database = None;
            self.sets = Sets::default();
            self.reading = Some((input.name().to_owned(), input.open(self.rules.mode, self.rules.limit)?));
        }
    }

    /// What is left of a statement when the state of the session is taken from it, what it is, and the length of its text
    /// without a `;`; `None` for what sets that state (USE, SET), or changes nothing.
    fn stateless(&mut self, mut job: Job, place: Place) -> Result<Option<(Job, Kind, usize)>, Error> {
        let mode = self.rules.mode;
        let path = reading_path(&self.reading);
        let refused = |source| {
            let Place { line, column, .. } = place;
            Error::Refused { path: path.to_owned(), line, column, source }
        };
        let inspected = match queryfleet_sql::inspect(&job.sql, mode) {
            Err(Refusal::SessionState { .. }) if queryfleet_sql::is_idle(&job.sql, mode) => return Ok(None),
            inspected => inspected.map_err(refused)?,
        };
        let (kind, mut length) = (inspected.kind, inspected.sql.len());
        match kind {
            Kind::Ddl | Kind::Prepare | Kind::Set if queryfleet_sql::is_idle(&job.sql, mode) => {
                return Ok(None);
            }
            Kind::Use => {
                let Place { line, column, .. } = place;
                let bad = |why| Error::Bad { path: path.to_owned(), line, column, why };
                self.database = Some(used(inspected.sql, mode).map_err(bad)?);
                return Ok(None);
            }
            Kind::Set => {
                if let Some(sets) = queryfleet_sql::assignments(inspected.sql, mode) {
                    let last = last_line(&job.sql, mode, place);
                    return self.sets.take(sets, &self.rules.settings, path, place, last).map(|()| None);
                }
            }
            _ => {}
        }
        if kind.is_session_state() {
            queryfleet_sql::check(&job.sql, mode).map_err(refused)?;
        }
        if self.sets.is_narrow() && job.sql.bytes().any(|byte| byte >= 0xF0) {
            let Place { line, column, .. } = place;
            let why = "statement holds a character of four bytes, such as an emoji, which is none after SET NAMES utf8: \
                       write SET NAMES utf8mb4";
            return Err(Error::Bad { path: path.to_owned(), line, column, why: why.into() });
        }
        if self.sets.is_settled() {
            return Ok(Some((job, kind, length)));
        }
        let as_bytes = if self.sets.is_binary() {
            queryfleet_sql::with_binary_strings(inspected.sql, mode)
        } else {
            None
        };
        self.sets.write_as_bytes(as_bytes.is_some());
        if let Err(error) = self.sets.before_statement(&self.rules.settings, path, place) {
            // The statement itself may be all right.
            self.ahead = Some((job, place));
            return Err(error);
        }
        if let Some(sql) = as_bytes {
            length = sql.len();
            job.sql = sql;
        }
        Ok(Some((job, kind, length)))
    }

    /// The job of a statement; `None` for what becomes part of the jobs that follow it.
    fn check(&mut self, job: Job, place: Place) -> Result<Option<Checked>, Error> {
        let Some((mut job, kind, length)) = self.stateless(job, place)? else { return Ok(None) };
        let Rules { not_atomic, allow_no_where, catalog, .. } = self.rules;
        let (mode, limit) = (self.rules.mode, self.rules.limit);
        let path = || reading_path(&self.reading).to_owned();
        let (line, column) = (place.line, place.column);
        let sql = &job.sql[..length];
        if kind == Kind::Other
            && let Some((command, instead)) = queryfleet_sql::client_command(sql, mode)
        {
            let why = format!("`{command}` is a command of the mariadb client, not SQL: {instead}");
            return Err(Error::Bad { path: path(), line, column, why });
        }
        if kind == Kind::Other && sql[queryfleet_sql::beginning(sql, mode)..].starts_with('\u{feff}') {
            let why =
                "a byte order mark stands before the statement, as where files are joined: remove it".into();
            return Err(Error::Bad { path: path(), line, column, why });
        }
        if !kind.is_atomic() && not_atomic.is_none() {
            let words = first_words(&sql[queryfleet_sql::beginning(sql, mode)..]);
            return Err(Error::NotAtomic { path: path(), line, column, kind: kind.as_str(), words });
        }
        if !allow_no_where && changes_all(kind, sql, mode) {
            return Err(Error::NoWhere { path: path(), line, column, kind: kind.as_str() });
        }
        let database = job.database.as_deref().or(self.database.as_deref());
        let not_held = catalog.not_held(kind, sql, database, mode);
        let atomic = kind.is_atomic() && not_held.is_none();
        if let Some(reason) = not_held.filter(|reason| not_atomic.is_none() || reason.is_forgery()) {
            return Err(Error::NotHeld { path: path(), line, column, reason: Box::new(reason) });
        }
        let marks = if job.sql.contains('?') { queryfleet_sql::marks(&job.sql, mode).count() } else { 0 };
        if marks != job.params.len() {
            let why =
                format!("statement has {marks} `?` for {} params: give a value for each", job.params.len());
            return Err(Error::Bad { path: path(), line, column, why });
        }
        let values: usize = job.params.iter().map(Param::size).sum();
        // A literal has at most two bytes for one, and its quotes, or `_binary x''`; whether it is too long is worth a look
        // only then.
        if values * 2 > limit.saturating_sub(length + 12 * marks) {
            let bytes = queryfleet_ledger::bound_length(&job, mode);
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

fn reading_path(reading: &Option<(PathBuf, Reading)>) -> &Path {
    reading.as_ref().map_or(Path::new(""), |(path, _)| path)
}

/// The line on which a statement ends that begins at `place`.
fn last_line(sql: &str, mode: SqlMode, place: Place) -> u64 {
    place.line + sql[queryfleet_sql::beginning(sql, mode)..].matches('\n').count() as u64
}

/// The beginning of a statement on one line, for an error.
fn first_words(sql: &str) -> String {
    const MOST: usize = 60;
    let head: String = sql.chars().take(4 * MOST).collect();
    let words = head.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = words.chars().take(MOST).collect();
    let more = if shown.len() < words.len() || head.len() < sql.len() { "…" } else { "" };
    shown + more
}

/// Whether the statement is an UPDATE or DELETE of a whole table.
pub(crate) fn changes_all(kind: Kind, sql: &str, mode: SqlMode) -> bool {
    matches!(kind, Kind::Update | Kind::Delete | Kind::With) && queryfleet_sql::lacks_where(sql, mode)
}
