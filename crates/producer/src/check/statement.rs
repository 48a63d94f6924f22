//! What is refused of a statement, each refusal a pure function of the statement and the rules.

use queryfleet_job::{Job, NotAtomic, Param, envelope};
use queryfleet_ledger::Catalog;
use queryfleet_sql::{Kind, SqlMode};

use crate::problem::Problem;

/// Characters of a statement that an error shows.
const SHOWN_CHARACTERS: usize = 60;
/// Bytes that a value's quotes add to a statement, at most: `_binary x''`.
const QUOTES_BYTES: usize = 12;

/// What statements are checked against.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The sql_mode of a session of the run.
    pub mode: SqlMode,
    /// Maximum bytes of a statement, and of a job in its message.
    pub limit_bytes: usize,
    /// How statements that are not atomic are run; `None` refuses them.
    pub not_atomic: Option<NotAtomic>,
    /// Accept UPDATE and DELETE without a WHERE.
    pub allow_no_where: bool,
}

/// A statement that changes no session state.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    /// Its text and values.
    pub job: &'a Job,
    /// What it is.
    pub kind: Kind,
    /// Bytes of its text without a `;` at its end.
    pub length: usize,
    /// The database of its unqualified names, if it is not the URL's.
    pub database: Option<&'a str>,
}

impl<'a> Statement<'a> {
    /// Its text without a `;` at its end.
    pub fn sql(&self) -> &'a str {
        &self.job.sql[..self.length]
    }

    /// Its text from the first word on.
    fn text(&self, rules: &Rules) -> &'a str {
        &self.sql()[queryfleet_sql::statement_start(self.sql(), rules.mode)..]
    }
}

/// Applies all refusals. Returns whether the statement can be committed together with its ledger row.
///
/// # Errors
/// Returns the first problem.
pub fn check(statement: &Statement<'_>, rules: &Rules, catalog: &Catalog) -> Result<bool, Problem> {
    check_text(statement, rules)?;
    refuse_tables(statement, rules, catalog)
}

/// Applies the refusals that need no server's catalog.
///
/// # Errors
/// Returns the first problem.
pub fn check_text(statement: &Statement<'_>, rules: &Rules) -> Result<(), Problem> {
    refuse_client_command(statement, rules)?;
    refuse_byte_order_mark(statement, rules)?;
    refuse_not_atomic(statement, rules)?;
    refuse_no_where(statement, rules)?;
    refuse_marks(statement, rules)?;
    refuse_size(statement, rules)
}

/// Refuses what would change the state of the session for the jobs that come after it.
///
/// # Errors
/// Returns [`Problem::Refused`].
pub fn refuse_session_state(sql: &str, kind: Kind, rules: &Rules) -> Result<(), Problem> {
    if kind.is_session_state() {
        queryfleet_sql::check(sql, rules.mode)?;
    }
    Ok(())
}

/// Refuses commands of the `mariadb` client, which no server knows.
fn refuse_client_command(statement: &Statement<'_>, rules: &Rules) -> Result<(), Problem> {
    if statement.kind != Kind::Other {
        return Ok(());
    }
    match queryfleet_sql::client_command(statement.sql(), rules.mode) {
        Some((command, instead)) => Err(Problem::ClientCommand { command, instead }),
        None => Ok(()),
    }
}

/// Refuses a byte order mark before a statement, where files were joined.
fn refuse_byte_order_mark(statement: &Statement<'_>, rules: &Rules) -> Result<(), Problem> {
    if statement.kind == Kind::Other && statement.text(rules).starts_with('\u{feff}') {
        let text = "a byte order mark stands before the statement, as where files are joined: remove it";
        return Err(Problem::Malformed(text.into()));
    }
    Ok(())
}

/// Refuses kinds of statements that cannot be rolled back, unless it is said how to run them.
fn refuse_not_atomic(statement: &Statement<'_>, rules: &Rules) -> Result<(), Problem> {
    if statement.kind.is_atomic() || rules.not_atomic.is_some() {
        return Ok(());
    }
    let words = first_words(statement.text(rules));
    Err(Problem::NotAtomic { kind: statement.kind.as_str(), words })
}

/// Refuses UPDATE and DELETE of a whole table, unless that is allowed.
fn refuse_no_where(statement: &Statement<'_>, rules: &Rules) -> Result<(), Problem> {
    if !rules.allow_no_where && changes_all_rows(statement.kind, statement.sql(), rules.mode) {
        return Err(Problem::NoWhere { kind: statement.kind.as_str() });
    }
    Ok(())
}

/// Refuses what reaches a table of queryfleet and, unless it is said how to run such statements, what no transaction
/// holds. Returns whether the statement can be committed together with its ledger row.
fn refuse_tables(statement: &Statement<'_>, rules: &Rules, catalog: &Catalog) -> Result<bool, Problem> {
    let Statement { kind, database, .. } = *statement;
    match catalog.not_held(kind, statement.sql(), database, rules.mode) {
        None => Ok(kind.is_atomic()),
        Some(reason) if rules.not_atomic.is_none() || reason.is_forgery() => {
            Err(Problem::NotHeld(Box::new(reason)))
        }
        Some(_) => Ok(false),
    }
}

/// Refuses a statement with more or fewer `?` than values.
fn refuse_marks(statement: &Statement<'_>, rules: &Rules) -> Result<(), Problem> {
    let marks = marks(statement.job, rules.mode);
    let params = statement.job.params.len();
    if marks == params { Ok(()) } else { Err(Problem::Params { marks, params }) }
}

/// Refuses a statement that is too long with its values written out.
fn refuse_size(statement: &Statement<'_>, rules: &Rules) -> Result<(), Problem> {
    let Statement { job, length, .. } = *statement;
    let limit = rules.limit_bytes;
    let values: usize = job.params.iter().map(Param::size).sum();
    // A literal has at most two bytes for one, and its quotes; only past that is the exact length worth computing.
    if values * 2 <= limit.saturating_sub(length + QUOTES_BYTES * job.params.len()) {
        return Ok(());
    }
    let bytes = queryfleet_ledger::bound_length(job, rules.mode);
    if bytes > limit { Err(Problem::TooLongWithValues { bytes, limit }) } else { Ok(()) }
}

/// The job of a statement that passed the other checks, of this length without its `;`. A `;` of its own (after
/// DELIMITER) would be an empty statement in the packet.
///
/// # Errors
/// Returns [`Problem::TooLongForMessage`].
pub fn into_job(mut job: Job, length: usize, database: Option<&str>, rules: &Rules) -> Result<Job, Problem> {
    job.sql.truncate(length);
    if job.database.is_none() {
        job.database = database.map(str::to_owned);
    }
    match envelope::length_above(&job, rules.limit_bytes) {
        Some(bytes) => Err(Problem::TooLongForMessage { bytes, limit: rules.limit_bytes }),
        None => Ok(job),
    }
}

/// Whether a statement is an UPDATE or DELETE of a whole table.
pub(crate) fn changes_all_rows(kind: Kind, sql: &str, mode: SqlMode) -> bool {
    matches!(kind, Kind::Update | Kind::Delete | Kind::With) && queryfleet_sql::lacks_where(sql, mode)
}

fn marks(job: &Job, mode: SqlMode) -> usize {
    if job.sql.contains('?') { queryfleet_sql::marks(&job.sql, mode).count() } else { 0 }
}

/// The beginning of a statement on one line, for an error.
fn first_words(sql: &str) -> String {
    let head: String = sql.chars().take(4 * SHOWN_CHARACTERS).collect();
    let words = head.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = words.chars().take(SHOWN_CHARACTERS).collect();
    let more = if shown.len() < words.len() || head.len() < sql.len() { "…" } else { "" };
    shown + more
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        mode: SqlMode { no_backslash_escapes: false, ansi_quotes: false },
        limit_bytes: 100,
        not_atomic: None,
        allow_no_where: false,
    };

    /// What all refusals but that of tables say of a statement.
    fn problem(job: &Job, rules: &Rules) -> String {
        let inspected = queryfleet_sql::inspect(&job.sql, rules.mode).unwrap();
        let statement = Statement { job, kind: inspected.kind, length: inspected.sql.len(), database: None };
        let found = refuse_session_state(&job.sql, inspected.kind, rules)
            .and_then(|()| check_text(&statement, rules))
            .and_then(|()| into_job(job.clone(), statement.length, None, rules).map(drop));
        found.err().map(|problem| problem.to_string()).unwrap_or_default()
    }

    #[test]
    fn each_refusal_says_what_is_wrong() {
        let long = format!("DO '{}'", "x".repeat(100));
        for (sql, says) in [
            ("UPDATE t SET a = 1 WHERE id = 7;", ""),
            ("DO 1", ""),
            ("BEGIN", "session"),
            ("source x.sql", "is a command of the mariadb client"),
            ("\u{feff}UPDATE t SET a = 1 WHERE id = 7", "a byte order mark"),
            ("CALL p(1)", "call is non-transactional (`CALL p(1)`)"),
            ("/* x */ DROP\n  TABLE t", "(`DROP TABLE t`): it cannot be committed together"),
            ("DELETE FROM t", "delete without a WHERE"),
            ("DO ?", "statement has 1 `?` for 0 params"),
            (&long, "bytes in its message"),
        ] {
            let said = problem(&Job::new(0, sql), &RULES);
            assert!(said.contains(says) && said.is_empty() == says.is_empty(), "{sql}: {said}");
        }
    }

    #[test]
    fn what_is_allowed_is_not_refused() {
        let rules = Rules { not_atomic: Some(NotAtomic::Park), allow_no_where: true, ..RULES };
        for sql in ["CALL p(1)", "DROP TABLE t", "DELETE FROM t"] {
            assert_eq!(problem(&Job::new(0, sql), &rules), "", "{sql}");
        }
    }

    #[test]
    fn values_count_with_their_literals() {
        for (length, says) in [(10, ""), (60, ""), (120, "bytes with its values, of 100 at most")] {
            let job = Job { params: vec![Param::Text("x".repeat(length))], ..Job::new(0, "DO ?") };
            let said = problem(&job, &RULES);
            assert!(said.contains(says) && said.is_empty() == says.is_empty(), "{length}: {said}");
        }
    }

    #[test]
    fn a_job_has_no_semicolon_and_its_own_database_first() {
        let rules = Rules { limit_bytes: 1000, ..RULES };
        let job = into_job(Job::new(0, "DO 1;"), 4, Some("shop"), &rules).unwrap();
        assert_eq!((job.sql.as_str(), job.database.as_deref()), ("DO 1", Some("shop")));
        let own = Job { database: Some("own".into()), ..Job::new(0, "DO 1") };
        assert_eq!(into_job(own, 4, Some("shop"), &rules).unwrap().database.as_deref(), Some("own"));
    }
}
