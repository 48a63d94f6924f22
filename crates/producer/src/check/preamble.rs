//! What an input says for all of its statements: the database of its USEs, and the settings of its SETs. Sessions of the
//! fleet keep neither, so both become a part of each job, or are refused.

use queryfleet_job::Job;
use queryfleet_sql::{Kind, Position, Refusal, SqlMode};

use crate::check::rules::RunRules;
use crate::check::settings::SetTracker;
use crate::check::statement::refuse_session_state;
use crate::check::use_command::database_of_use;
use crate::problem::{PlacedProblem, Problem};

/// What the USEs and SETs of one input have said so far.
#[derive(Default)]
pub(crate) struct Preamble {
    /// What the last USE named.
    database: Option<String>,
    settings: SetTracker,
}

/// A statement that is no preamble.
pub(crate) struct Inspected {
    pub(crate) kind: Kind,
    /// Bytes of its text without a `;` at its end.
    pub(crate) length: usize,
}

impl Preamble {
    /// The database of the statements that follow.
    pub(crate) fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// Takes a USE, a SET or a statement without effect, and returns `None` for those; inspects any other statement.
    ///
    /// # Errors
    /// Returns what is wrong with the statement.
    pub(crate) fn absorb(
        &mut self,
        sql: &str,
        place: Position,
        rules: &RunRules,
    ) -> Result<Option<Inspected>, PlacedProblem> {
        let mode = rules.statement.mode;
        let inspected = match queryfleet_sql::inspect(sql, mode) {
            Err(Refusal::SessionState(_)) if queryfleet_sql::is_idle(sql, mode) => return Ok(None),
            // `/*!50013 */`, of which somebody has taken the inside out: the server answers that it has done it.
            Err(Refusal::Empty) if sql.contains("/*!") || sql.contains("/*M!") => return Ok(None),
            Err(refusal) => return Err(PlacedProblem { place, problem: Problem::Refused(refusal) }),
            Ok(inspected) => inspected,
        };
        match inspected.kind {
            Kind::Ddl | Kind::Prepare | Kind::Set if queryfleet_sql::is_idle(sql, mode) => return Ok(None),
            Kind::Use => {
                let database = database_of_use(inspected.sql, mode);
                self.database = Some(database.map_err(|why| PlacedProblem::malformed(place, why))?);
                return Ok(None);
            }
            Kind::Set => {
                if let Some(sets) = queryfleet_sql::assignments(inspected.sql, mode) {
                    let last_line = last_line(sql, mode, place);
                    self.settings.take(sets, &rules.settings, place, last_line)?;
                    return Ok(None);
                }
            }
            _ => {}
        }
        refuse_session_state(sql, inspected.kind, &rules.statement)
            .map_err(|problem| PlacedProblem { place, problem })?;
        // Of the statement: what its comments hold the client does not send.
        if self.settings.is_narrow()
            && sql[queryfleet_sql::statement_start(sql, mode)..].bytes().any(|byte| byte >= 0xF0)
        {
            let text = "statement holds a character of four bytes, such as an emoji, which is none after SET NAMES utf8: \
                        write SET NAMES utf8mb4";
            return Err(PlacedProblem::malformed(place, text.into()));
        }
        Ok(Some(Inspected { kind: inspected.kind, length: inspected.sql.len() }))
    }

    /// Makes sure, before a statement, that every session of the run has what the SETs say, and writes its strings as
    /// bytes after SET NAMES binary. Returns the length of its text without a `;`.
    ///
    /// # Errors
    /// Returns a problem of the SETs, each once. The statement itself may be all right: look at it again.
    pub(crate) fn apply(
        &mut self,
        job: &mut Job,
        length: usize,
        place: Position,
        rules: &RunRules,
    ) -> Result<usize, PlacedProblem> {
        if self.settings.is_settled() {
            return Ok(length);
        }
        let as_bytes = if self.settings.is_binary() {
            queryfleet_sql::with_binary_strings(&job.sql[..length], rules.statement.mode)
        } else {
            None
        };
        self.settings.write_as_bytes(as_bytes.is_some());
        self.settings.before_statement(&rules.settings, place)?;
        if let Some(sql) = as_bytes {
            job.sql = sql;
            return Ok(job.sql.len());
        }
        Ok(length)
    }

    /// What is wrong with the SETs before a statement that cannot be split off: where a string ends is up to the
    /// sql_mode, which one of them may have set.
    ///
    /// # Errors
    /// Returns a problem of the SETs.
    pub(crate) fn before_unsplit(&mut self, rules: &RunRules) -> Result<(), PlacedProblem> {
        self.settings.before_statement(&rules.settings, Position { offset: 0, line: 1, column: 1 })
    }
}

/// The line on which a statement ends that begins at `place`.
fn last_line(sql: &str, mode: SqlMode, place: Position) -> u64 {
    place.line + sql[queryfleet_sql::statement_start(sql, mode)..].matches('\n').count() as u64
}
