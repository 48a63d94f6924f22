//! Statements that cannot be committed together with their ledger row, run as their run says (`--not-atomic`).
//!
//! `park`: row `started`, committed; the statement; row `done`. Whoever finds `started` knows that nobody saw the end
//! and parks the job as unknown; who executes it holds a lock of its session meanwhile, for which others wait: a worker that
//! has only lost the broker does see the end. `repeat`: the statement, then row `done`; whoever finds no row runs it again.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, ServerError};
use queryfleet_job::{Chunk, Class, Failure, Job, LedgerState, NotAtomic, Outcome, RunId, read_conflict};
use queryfleet_sql::{Kind, SqlMode};

use crate::error::Error;
use crate::error_code::{self, DUPLICATE_KEY};
use crate::quote::quoted;
use crate::session::open::OpenSession;
use crate::session::packet::PacketStep;
use crate::session::transaction::Done;
use crate::session::verdict::Verdict;
use crate::session::{Session, bind, ledger_row, limited, verdict};

impl Session {
    /// One attempt at a job that is not atomic. `Ok` means that row `done` is committed.
    /// The connection is closed afterwards: a procedure may have left anything behind in its session.
    ///
    /// # Errors
    /// The outcome of the attempt. Under `park` every doubt is [`Outcome::Unknown`], and only what is known to have
    /// changed nothing takes its `started` row away again.
    pub async fn attempt_not_atomic(
        &mut self,
        chunk: &Chunk,
        job: &Job,
        how: NotAtomic,
        deadline: Duration,
        stop: impl Future<Output = ()>,
    ) -> Result<Done, Outcome> {
        let Some(mut open) = self.open.take() else {
            return Err(Outcome::NotSent(Failure::said("there is no connection")));
        };
        let ledger = &self.database.tables.ledger;
        let row = LedgerRow { ledger, run: chunk.run, seq: job.seq, limit: self.limit() };
        if how == NotAtomic::Park && row.is_executed_elsewhere(&mut open.conn).await {
            self.open = Some(open);
            return Err(Outcome::Pressure(Failure::said("another session still executes the statement")));
        }
        row.begin(&mut open.conn, how).await?;
        let statement = bind::statement(job, open.facts.sql_mode)
            .map_err(|text| Outcome::Refused(Failure::said(text)))?
            .into_owned();
        let database = job.database.as_deref().unwrap_or(&self.database.schema);
        let text = format!("USE {};/* queryfleet {}/{} */ {statement}", quoted(database), row.run, row.seq);
        match limited(execute(&mut open.conn, &text), deadline, stop).await {
            Ok(Ok(done)) => row.finish(&mut open.conn, how).await.map(|()| done),
            Ok(Err(error)) => Err(failed(open, &row, how, job, error).await),
            Err(outcome) => Err(judge(how, self.kill(open, outcome).await, Trace::MayRemain)),
        }
    }
}

/// What a statement that failed has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trace {
    /// Nothing: it had not begun, or was undone, and its `started` row is taken away.
    None,
    /// Nobody knows how far it came.
    MayRemain,
}

/// What a failed attempt comes to.
fn judge(how: NotAtomic, outcome: Outcome, trace: Trace) -> Outcome {
    match (how, trace) {
        (NotAtomic::Park, Trace::MayRemain) => in_doubt(&outcome),
        (NotAtomic::Park, Trace::None) | (NotAtomic::Repeat, _) => outcome,
    }
}

/// Nobody knows how far the statement came.
fn in_doubt(outcome: &Outcome) -> Outcome {
    let failure = outcome.failure().cloned().unwrap_or_default();
    let message = format!("a non-transactional statement was interrupted: {}", failure.message);
    Outcome::Unknown(Failure { message, ..failure })
}

/// Whether a statement that failed with this error has certainly changed nothing. `kind` is unknown of what cannot be
/// read.
fn has_changed_nothing(
    kind: Option<Kind>,
    sql: &str,
    mode: SqlMode,
    error: &ServerError,
    outcome: &Outcome,
) -> bool {
    // Of what a procedure did before its error, or a statement in a table without transactions, much may stay.
    let is_done_in_pieces = kind.is_some_and(|kind| kind == Kind::Call || kind.is_atomic());
    // A procedure that another one calls fails in the same words: it is not the one that the statement names.
    let had_not_begun = match kind {
        Some(Kind::Call) => {
            error_code::is_of_a_routine(error.code) && names_routine_of(&error.message, sql, mode)
        }
        _ => error_code::is_before_the_statement(error.code),
    };
    outcome.class() != Class::LostAfterSend && (had_not_begun || !is_done_in_pieces)
}

/// Whether an error of a routine (`PROCEDURE a.p does not exist`) names the one that the statement calls.
fn names_routine_of(message: &str, sql: &str, mode: SqlMode) -> bool {
    let mut routines =
        message.split([' ', ';', '\'']).filter_map(|word| word.split_once('.')).map(|(_, name)| name);
    let called = queryfleet_sql::called_procedures(sql, mode);
    let called = called.first().map(|procedure| procedure.table.to_string());
    called.is_some_and(|called| routines.any(|name| name.eq_ignore_ascii_case(&called)))
}

/// Reads an error of the statement; takes its `started` row away when it has changed nothing.
async fn failed(
    mut open: OpenSession,
    row: &LedgerRow<'_>,
    how: NotAtomic,
    job: &Job,
    error: mysql_async::Error,
) -> Outcome {
    let mysql_async::Error::Server(error) = error else {
        let lost = Outcome::LostAfterSend(Failure::said(queryfleet_job::causes(&error)));
        return judge(how, lost, Trace::MayRemain);
    };
    let outcome = match verdict::read(&error, PacketStep::Statement, &open.savepoint) {
        Verdict::Ended(outcome) | Verdict::ConnectionLost(outcome) => outcome,
        Verdict::EndedBefore => Outcome::Conflict(Failure::said("ledger row met by a statement")),
    };
    if how == NotAtomic::Repeat {
        return outcome;
    }
    let kind = queryfleet_sql::inspect(&job.sql, open.facts.sql_mode).map(|inspected| inspected.kind).ok();
    let is_clean = has_changed_nothing(kind, &job.sql, open.facts.sql_mode, &error, &outcome)
        && row.take_back(&mut open.conn).await.is_ok();
    judge(how, outcome, if is_clean { Trace::None } else { Trace::MayRemain })
}

async fn execute(conn: &mut Conn, text: &str) -> Result<Done, mysql_async::Error> {
    let result = conn.query_iter(text).await?;
    result.drop_result().await?;
    Ok(Done { rows: vec![conn.affected_rows()], warnings: conn.get_warnings(), kept: false })
}

/// The ledger row of the job.
struct LedgerRow<'a> {
    ledger: &'a str,
    run: RunId,
    seq: u64,
    /// How long the server may take to read or write it.
    limit: Duration,
}

impl LedgerRow<'_> {
    /// Makes sure that the job has not ended; under `park` writes `started`.
    async fn begin(&self, conn: &mut Conn, how: NotAtomic) -> Result<(), Outcome> {
        let failed = |error| Error::write("begin a non-transactional job")(error).outcome();
        if how == NotAtomic::Park {
            match self.insert(conn, LedgerState::Started).await {
                Ok(()) => return Ok(()),
                Err(error) if is_duplicate(&error) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        match self.within_limit(ledger_row::state(conn, self.ledger, self.run, self.seq)).await {
            Ok(None) if how == NotAtomic::Repeat => Ok(()),
            Ok(found) => Err(read_conflict(found)),
            Err(error) => Err(failed(error)),
        }
    }

    /// Takes the lock of whoever executes this job; whether somebody else has it. It goes with the session: that of this slot's
    /// last attempt may take a moment to end. A server that has no such locks (a cluster may forbid them) leaves it open who
    /// executes what.
    async fn is_executed_elsewhere(&self, conn: &mut Conn) -> bool {
        let LedgerRow { ledger, run, seq, .. } = self;
        // A name has at most 64 characters.
        let name = &queryfleet_job::digest(format!("{ledger} {run}/{seq}").as_bytes())[..48];
        let taken =
            self.within_limit(conn.query_first(format!("SELECT GET_LOCK('queryfleet {name}', 1)"))).await;
        matches!(taken, Ok(Some(Some(0_u8))))
    }

    /// Writes `done` and commits. A procedure may have left its own transaction open: COMMIT ends it together with our row.
    async fn finish(&self, conn: &mut Conn, how: NotAtomic) -> Result<(), Outcome> {
        let written = match how {
            NotAtomic::Park => self.turn_to_done(conn, LedgerState::Started).await,
            NotAtomic::Repeat => match self.insert(conn, LedgerState::Done).await {
                // Another delivery was as fast, or a cancel came while it ran: it took effect, and the row says so.
                Err(error) if is_duplicate(&error) => self.turn_to_done(conn, LedgerState::Cancelled).await,
                inserted => inserted,
            },
        };
        let is_ours = how == NotAtomic::Repeat || conn.affected_rows() == 1;
        let committed = match written {
            Ok(()) => self.within_limit(conn.query_drop("COMMIT")).await,
            Err(error) => Err(error),
        };
        match committed {
            Ok(()) if is_ours => Ok(()),
            Ok(()) => {
                let text = "the statement took effect after its ledger row had been taken for dead";
                Err(Outcome::Unknown(Failure::said(text)))
            }
            Err(error) => {
                let lost = Outcome::LostAfterSend(Failure::said(queryfleet_job::causes(&error)));
                Err(judge(how, lost, Trace::MayRemain))
            }
        }
    }

    /// Takes the `started` row away again.
    async fn take_back(&self, conn: &mut Conn) -> Result<(), mysql_async::Error> {
        let LedgerRow { ledger, run, seq, .. } = self;
        let started = LedgerState::Started.as_str();
        let delete = format!("DELETE FROM {ledger} WHERE run={run} AND seq={seq} AND state='{started}'");
        self.within_limit(conn.query_drop("ROLLBACK")).await?;
        self.within_limit(conn.query_drop(delete)).await
    }

    async fn insert(&self, conn: &mut Conn, state: LedgerState) -> Result<(), mysql_async::Error> {
        let LedgerRow { ledger, run, seq, .. } = self;
        let state = state.as_str();
        let insert = format!("INSERT INTO {ledger}(run,seq,state)VALUES({run},{seq},'{state}')");
        self.within_limit(conn.query_drop(insert)).await
    }

    async fn turn_to_done(&self, conn: &mut Conn, from: LedgerState) -> Result<(), mysql_async::Error> {
        let LedgerRow { ledger, run, seq, .. } = self;
        let done = LedgerState::Done.as_str();
        let from = from.as_str();
        let update =
            format!("UPDATE {ledger} SET state='{done}' WHERE run={run} AND seq={seq} AND state='{from}'");
        self.within_limit(conn.query_drop(update)).await
    }

    /// Does not wait forever for a server that has gone silent; the caller drops the connection.
    async fn within_limit<T>(
        &self,
        work: impl Future<Output = Result<T, mysql_async::Error>>,
    ) -> Result<T, mysql_async::Error> {
        let silent = |_| Err(mysql_async::Error::Other("the server does not answer".into()));
        tokio::time::timeout(self.limit, work).await.unwrap_or_else(silent)
    }
}

fn is_duplicate(error: &mysql_async::Error) -> bool {
    matches!(error, mysql_async::Error::Server(error) if error.code == DUPLICATE_KEY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: u16) -> ServerError {
        ServerError { code, state: "HY000".into(), message: "PROCEDURE a.p does not exist".into() }
    }

    #[test]
    fn only_what_cannot_have_begun_or_stays_whole_has_changed_nothing() {
        let permanent = Outcome::Permanent(Failure::said("no"));
        let lost = Outcome::LostAfterSend(Failure::said("no"));
        for (kind, code, outcome, expected) in [
            // No such procedure: nothing of it has run.
            (Some(Kind::Call), 1305, &permanent, true),
            (Some(Kind::Call), 1142, &permanent, false),
            // A procedure may have committed before its error.
            (Some(Kind::Call), 1062, &permanent, false),
            // An UPDATE of a table without transactions keeps the rows before the error.
            (Some(Kind::Update), 1062, &permanent, false),
            (Some(Kind::Update), 1142, &permanent, true),
            // The server undoes one that fails, or has not begun it.
            (Some(Kind::Ddl), 1062, &permanent, true),
            (None, 1064, &permanent, true),
            (None, 1053, &lost, false),
        ] {
            let found = has_changed_nothing(kind, "CALL p(1)", SqlMode::default(), &error(code), outcome);
            assert_eq!(found, expected, "{kind:?}, {code}");
        }
    }

    #[test]
    fn the_error_of_an_inner_procedure_is_not_that_of_the_statement() {
        for (message, is_own) in [
            ("PROCEDURE a.p does not exist", true),
            ("Incorrect number of arguments for PROCEDURE a.P; expected 2, got 1", true),
            ("execute command denied to user 'x'@'%' for routine 'a.p'", true),
            ("PROCEDURE a.inner_one does not exist", false),
            ("no", false),
        ] {
            let sql = "CALL a.`p`(1, 'inner_one')";
            assert_eq!(names_routine_of(message, sql, SqlMode::default()), is_own, "{message}");
        }
    }

    #[test]
    fn park_calls_every_doubt_unknown_and_repeat_runs_again() {
        for (how, trace, class) in [
            (NotAtomic::Park, Trace::MayRemain, Class::Unknown),
            (NotAtomic::Park, Trace::None, Class::Deadline),
            (NotAtomic::Repeat, Trace::MayRemain, Class::Deadline),
            (NotAtomic::Repeat, Trace::None, Class::Deadline),
        ] {
            let outcome = judge(how, Outcome::Deadline(Failure::said("too late")), trace);
            assert_eq!(outcome.class(), class, "{how:?}, {trace:?}");
            assert!(outcome.failure().unwrap().message.ends_with("too late"));
        }
    }
}
