//! A slot's connection: opened when it is needed, dropped after any doubt.

pub(crate) mod aftermath;
pub(crate) mod bind;
pub(crate) mod dead_row;
pub(crate) mod drive;
pub(crate) mod kill;
pub(crate) mod ledger_row;
pub(crate) mod not_atomic;
pub(crate) mod open;
#[doc(hidden)]
pub mod packet;
pub(crate) mod probe;
pub(crate) mod ready;
pub(crate) mod transaction;
pub(crate) mod verdict;
pub(crate) mod warnings;

use std::sync::Arc;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use queryfleet_job::{DeadReason, Failure, Outcome};

use crate::connect::Database;
use crate::error::Error;
use crate::facts::SessionFacts;
use crate::session::dead_row::NewDeadJob;
use crate::session::open::{OpenSession, RunSession};
use crate::session::packet::Packet;
use crate::session::probe::Unwritten;

/// How long the killer may take before the slot resumes without knowing: the server's wait_timeout frees the rest.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// The connection of one slot. Opens itself before an attempt; is dropped, never used again, after any doubt.
///
/// [`prepare`](Session::prepare) makes it ready (ready.rs); [`attempt`](Session::attempt) runs jobs that are atomic
/// (transaction.rs), [`attempt_not_atomic`](Session::attempt_not_atomic) one that is not (not_atomic.rs); the rest is here.
pub struct Session {
    database: Arc<Database>,
    /// `None` before the first attempt, after any doubt, and while a method uses it.
    open: Option<OpenSession>,
    packet: Packet,
    /// A connection was lost since [`was_lost`](Session::was_lost) was last asked.
    lost: bool,
}

impl Session {
    /// Connects to nothing yet.
    pub fn new(database: Arc<Database>) -> Session {
        Session { database, open: None, packet: Packet::default(), lost: false }
    }

    /// What the session is; `None` while there is no connection.
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.open.as_ref().map(|open| &open.facts)
    }

    /// Ends the connection, and forgets what a large packet has left in memory: the driver keeps a buffer of its size
    /// for as long as the connection lives.
    pub async fn shed(&mut self) {
        self.close().await;
        self.packet = Packet::default();
    }

    /// Whether this session can write the ledger and the dead jobs now: what a job makes a worker write is written, and
    /// rolled back. Call after [`prepare`](Self::prepare).
    ///
    /// # Errors
    /// What the server says to the rows; the connection is closed then.
    pub async fn probe(&mut self) -> Result<(), Error> {
        let Some(mut open) = self.open.take() else {
            return Err(Error::Schema("there is no connection".into()));
        };
        let limit = self.limit();
        let epoch = self.database.epoch();
        let probing = probe::probe(&mut open.conn, &self.database.tables, &open.facts.sql_mode_words);
        match tokio::time::timeout(limit, probing).await {
            Ok(Ok(())) => {}
            Ok(Err((table, error))) => {
                let doing = match table {
                    Unwritten::Ledger => "write the ledger: run `queryfleet setup`, or see its GRANTs",
                    Unwritten::Dead => "write dead jobs: run `queryfleet setup`, or see its GRANTs",
                };
                return Err(Error::write(doing)(error));
            }
            Err(_) => return Err(self.database.timed_out(limit, "probe the ledger")),
        }
        open.note_answer(epoch);
        self.open = Some(open);
        Ok(())
    }

    /// Keeps an idle connection alive, or notices that it is gone. Returns whether there is one.
    pub async fn ping(&mut self) -> bool {
        let limit = self.database.connect_timeout;
        let epoch = self.database.epoch();
        if let Some(mut open) = self.open.take() {
            if matches!(tokio::time::timeout(limit, open.conn.ping()).await, Ok(Ok(()))) {
                open.note_answer(epoch);
                self.open = Some(open);
            } else {
                self.database.lost();
            }
        }
        self.open.is_some()
    }

    /// Ends the connection, politely when it still answers.
    pub async fn close(&mut self) {
        if let Some(open) = self.open.take() {
            let _ = tokio::time::timeout(self.database.connect_timeout, open.conn.disconnect()).await;
        }
    }

    /// Ends the connection of a statement that may run no longer. Nothing else is started before the killer has
    /// answered; the ledger decides what became of the job. When the kill fails the outcome says so.
    pub(crate) async fn kill(&self, open: OpenSession, outcome: Outcome) -> Outcome {
        let Err(error) = self.database.kill(&open.facts, KILL_TIMEOUT).await else { return outcome };
        let why = queryfleet_job::causes(&error);
        let unkilled = |Failure { message, .. }| {
            let locks = "it could not be killed, and its locks stay until wait_timeout";
            Failure::said(format!("{message}; {locks}: {why}"))
        };
        match outcome {
            Outcome::Deadline(failure) => Outcome::Deadline(unkilled(failure)),
            Outcome::Interrupted(failure) => Outcome::Interrupted(unkilled(failure)),
            other => other,
        }
    }

    /// Writes a job's end as dead: its ledger row and its dead row in one transaction. Returns the reason that it wrote, which
    /// is `unknown` of a job that had begun; `None` when an earlier delivery had ended the job.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses a row. Nothing is written then, or the next delivery meets 1062.
    pub async fn record_dead(&mut self, dead: &NewDeadJob<'_>) -> Result<Option<DeadReason>, Error> {
        let mut open = self.take_ready(&RunSession::NONE).await?;
        let recorded = self
            .bounded(dead_row::record(
                &mut open.conn,
                &self.database.tables,
                dead,
                &open.facts.sql_mode_words,
            ))
            .await;
        if recorded.is_ok() {
            self.open = Some(open);
        }
        recorded
    }

    /// Writes a message without a readable run and seq as dead; known by its digest, so a second one changes nothing.
    /// Of the body only the beginning is kept, and nothing of it when there are many such messages; returns whether
    /// that is so. Call after [`prepare`](Self::prepare).
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the row. Nothing is written then.
    pub async fn record_body(
        &mut self,
        queue: &str,
        reason: DeadReason,
        message: &str,
        worker: &str,
        body: &[u8],
    ) -> Result<bool, Error> {
        let Some(mut open) = self.open.take() else {
            return Err(Error::Schema("there is no connection".into()));
        };
        let tables = &self.database.tables;
        let row = dead_row::Body { queue, reason, message, worker, body };
        let recorded = self
            .bounded(dead_row::record_body(&mut open.conn, tables, &row, &open.facts.sql_mode_words))
            .await;
        if recorded.is_ok() {
            self.open = Some(open);
        }
        recorded
    }

    /// How long our own statements may take.
    fn limit(&self) -> Duration {
        self.database.lock_wait + self.database.connect_timeout
    }

    async fn bounded<T>(
        &self,
        recording: impl Future<Output = Result<T, mysql_async::Error>>,
    ) -> Result<T, Error> {
        let limit = self.limit();
        match tokio::time::timeout(limit, recording).await {
            Ok(result) => result.map_err(Error::write("record a dead job")),
            Err(_) => Err(self.database.timed_out(limit, "record a dead job")),
        }
    }
}

/// Bounds a statement by its deadline and by `stop`.
pub(crate) async fn limited<T>(
    work: impl Future<Output = T>,
    deadline: Duration,
    stop: impl Future<Output = ()>,
) -> Result<T, Outcome> {
    // Unconstrained: rows that always wait to be read use up the task's budget at every turn, and a timer without
    // budget never rings. A statement that returns rows faster than we read them would have no deadline.
    let passed = tokio::task::unconstrained(tokio::time::sleep(deadline));
    let stop = tokio::task::unconstrained(stop);
    tokio::select! {
        biased;
        done = work => Ok(done),
        () = passed => {
            let text = format!("statement passed its deadline of {} s", deadline.as_secs_f64());
            Err(Outcome::Deadline(Failure::said(text)))
        }
        () = stop => Err(Outcome::Interrupted(Failure::said("statement was ended by a drain or a cancel"))),
    }
}
