//! Statements that cannot be committed together with their ledger row, run as their run says (`--not-atomic`).
//!
//! `park`: row `started`, committed; the statement; row `done`. Whoever finds `started` knows that nobody saw the end
//! and parks the job as unknown. `repeat`: the statement, then row `done`; whoever finds no row runs it again.

use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use queryfleet_job::{Chunk, Class, Failure, Job, LedgerState, NotAtomic, Outcome, read_conflict};
use queryfleet_sql::{self, Kind};

use crate::Error;
use crate::error_code;
use crate::quote::quoted;
use crate::session::bind;
use crate::session::ledger_row;
use crate::session::packet::PacketStep;
use crate::session::verdict;
use crate::session::verdict::Verdict;
use crate::session::{OpenSession, Session, limited};

/// Errors that the server raises before anything has run: no such procedure, wrong arguments, no right to it.
const BEFORE_IT_BEGAN: &[u16] = &[1305, 1318, 1370, 1142, 1044];

impl Session {
    /// One attempt at a job that is not atomic. `Ok` holds the changed rows, and means that row `done` is committed.
    /// The session is not used again afterwards: a procedure may have left anything behind in it.
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
    ) -> Result<u64, Outcome> {
        let Some(mut live) = self.live.take() else {
            return Err(Outcome::NotSent(Failure::said("there is no connection")));
        };
        let limit = self.database.lock_wait + self.database.connect_timeout;
        let row = Row { ledger: &self.database.tables.ledger, run: chunk.run, seq: job.seq, limit };
        row.open(&mut live.conn, how).await?;
        let statement = bind::statement(job, live.facts.sql_mode)
            .map_err(|text| Outcome::Refused(Failure::said(text)))?
            .into_owned();
        let database = job.database.as_deref().unwrap_or(&self.database.schema);
        let text = format!("USE {};/* queryfleet {}/{} */ {statement}", quoted(database), row.run, row.seq);
        match limited(execute(&mut live.conn, &text), deadline, stop).await {
            Ok(Ok(rows)) => row.done(&mut live.conn, how).await.map(|()| rows),
            Ok(Err(error)) => Err(self.clean_up(live, &row, how, job, error).await),
            Err(outcome) => {
                let outcome = self.kill(live, outcome).await;
                Err(if how == NotAtomic::Park { doubt(&outcome) } else { outcome })
            }
        }
    }

    async fn clean_up(
        &self,
        mut live: OpenSession,
        row: &Row<'_>,
        how: NotAtomic,
        job: &Job,
        error: mysql_async::Error,
    ) -> Outcome {
        let mysql_async::Error::Server(server) = error else {
            let lost = Outcome::LostAfterSend(Failure::said(error.to_string()));
            return if how == NotAtomic::Park { doubt(&lost) } else { lost };
        };
        let outcome = match verdict::read(&server, PacketStep::Statement, &live.savepoint) {
            Verdict::Ended(outcome) | Verdict::ConnectionLost(outcome) => outcome,
            Verdict::EndedBefore => Outcome::Conflict(Failure::said("ledger row met by a statement")),
        };
        if how == NotAtomic::Repeat {
            return outcome;
        }
        let kind = queryfleet_sql::inspect(&job.sql, live.facts.sql_mode).map(|inspected| inspected.kind);
        // Of what a procedure did before its error, or a statement in a table without transactions, much may stay.
        let in_pieces = kind.is_ok_and(|kind| kind == Kind::Call || kind.is_atomic());
        let clean = !in_pieces || BEFORE_IT_BEGAN.contains(&server.code);
        if !clean || outcome.class() == Class::LostAfterSend {
            return doubt(&outcome);
        }
        match row.take_back(&mut live.conn).await {
            Ok(()) => outcome,
            Err(_) => doubt(&outcome),
        }
    }
}

/// Nobody knows how far the statement came.
fn doubt(outcome: &Outcome) -> Outcome {
    let failure = outcome.failure().cloned().unwrap_or_default();
    let message = format!("a statement that is not atomic was interrupted: {}", failure.message);
    Outcome::Unknown(Failure { message, ..failure })
}

async fn execute(conn: &mut Conn, text: &str) -> Result<u64, mysql_async::Error> {
    let result = conn.query_iter(text).await?;
    result.drop_result().await?;
    Ok(conn.affected_rows())
}

/// The ledger row of the job.
struct Row<'a> {
    ledger: &'a str,
    run: queryfleet_job::RunId,
    seq: u64,
    /// How long the server may take to read or write it.
    limit: Duration,
}

impl Row<'_> {
    /// Makes sure that the job has not ended; under `park` leaves the mark that it was begun.
    async fn open(&self, conn: &mut Conn, how: NotAtomic) -> Result<(), Outcome> {
        let failed = |error| Error::write("open the ledger row of a job that is not atomic")(error).outcome();
        if how == NotAtomic::Park {
            match self.insert(conn, LedgerState::Started).await {
                Ok(()) => return Ok(()),
                Err(mysql_async::Error::Server(error)) if error.code == error_code::DUPLICATE_KEY => {}
                Err(error) => return Err(failed(error)),
            }
        }
        match self.soon(ledger_row::state(conn, self.ledger, self.run, self.seq)).await {
            Ok(None) if how == NotAtomic::Repeat => Ok(()),
            Ok(found) => Err(read_conflict(found)),
            Err(error) => Err(failed(error)),
        }
    }

    /// A procedure may have left its own transaction open: COMMIT ends it together with our row.
    async fn done(&self, conn: &mut Conn, how: NotAtomic) -> Result<(), Outcome> {
        let written = match how {
            NotAtomic::Park => {
                let (started, done) = (LedgerState::Started.as_str(), LedgerState::Done.as_str());
                self.soon(conn.query_drop(format!(
                    "UPDATE {} SET state='{done}' WHERE run={} AND seq={} AND state='{started}'",
                    self.ledger, self.run, self.seq
                )))
                .await
            }
            NotAtomic::Repeat => match self.insert(conn, LedgerState::Done).await {
                // Another delivery was as fast, or a cancel came while it ran: it took effect, and the row says so.
                Err(mysql_async::Error::Server(error)) if error.code == error_code::DUPLICATE_KEY => {
                    let (cancelled, done) = (LedgerState::Cancelled.as_str(), LedgerState::Done.as_str());
                    self.soon(conn.query_drop(format!(
                        "UPDATE {} SET state='{done}' WHERE run={} AND seq={} AND state='{cancelled}'",
                        self.ledger, self.run, self.seq
                    )))
                    .await
                }
                other => other,
            },
        };
        let ended = match written {
            Ok(()) => self.soon(conn.query_drop("COMMIT")).await,
            Err(error) => Err(error),
        };
        ended.map_err(|error| {
            let lost = Outcome::LostAfterSend(Failure::said(error.to_string()));
            if how == NotAtomic::Park { doubt(&lost) } else { lost }
        })
    }

    async fn insert(&self, conn: &mut Conn, state: LedgerState) -> Result<(), mysql_async::Error> {
        let Row { ledger, run, seq, .. } = self;
        let state = state.as_str();
        self.soon(
            conn.query_drop(format!("INSERT INTO {ledger}(run,seq,state)VALUES({run},{seq},'{state}')")),
        )
        .await
    }

    async fn take_back(&self, conn: &mut Conn) -> Result<(), mysql_async::Error> {
        let Row { ledger, run, seq, .. } = self;
        let started = LedgerState::Started.as_str();
        self.soon(conn.query_drop("ROLLBACK")).await?;
        self.soon(
            conn.query_drop(format!(
                "DELETE FROM {ledger} WHERE run={run} AND seq={seq} AND state='{started}'"
            )),
        )
        .await
    }

    /// A server that is silent now is no reason to wait for ever; the caller drops the connection.
    async fn soon<T>(
        &self,
        work: impl Future<Output = Result<T, mysql_async::Error>>,
    ) -> Result<T, mysql_async::Error> {
        let silent = |_| Err(mysql_async::Error::Other("the server does not answer".into()));
        tokio::time::timeout(self.limit, work).await.unwrap_or_else(silent)
    }
}
