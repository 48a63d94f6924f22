//! An open connection of a slot, and what is known of its session.

use std::time::{Duration, Instant};

use mysql_async::Conn;
use queryfleet_job::RunId;

use crate::facts::SessionFacts;

/// A connection that has been idle for longer is reset before its next jobs, which also tells whether it still is one. The
/// server, or a balancer between, may have ended it: a packet on it would cost its jobs an attempt, since nobody could say
/// that it was not received. While a slot waits for messages, the consumer pings it every 20 s (`IDLE_PING_INTERVAL`) so
/// that the server does not end it; a ping is an answer, so a slot may be ready without a reset for a second after it.
const RESET_AFTER_IDLE: Duration = Duration::from_secs(1);

/// An open connection, with what makes its session ready for the next jobs or not.
pub(crate) struct OpenSession {
    pub(crate) conn: Conn,
    pub(crate) facts: SessionFacts,
    /// The name of the packet's savepoint, random for each connection.
    pub(crate) savepoint: String,
    /// The current database; `None` when it is not known: at the beginning, after a reset and after an error. The next
    /// packet has a `USE` then.
    pub(crate) database: Option<String>,
    /// Which run's session SQL is in force; `None` when only the configuration's is. A run's never changes.
    pub(crate) run_sql: Option<RunId>,
    /// Whose jobs have run since the session was new or reset. Another run's jobs need a reset first.
    pub(crate) used_by: Option<RunId>,
    /// What ran last may have left something in the session: a variable, a lock, a temporary table. The next jobs need a
    /// reset first, also those of the same run.
    pub(crate) is_soiled: bool,
    /// When the server has last answered. After [`RESET_AFTER_IDLE`] the next jobs need a reset first.
    pub(crate) answered_at: Instant,
    /// How many connections of this worker had been lost when what was answered last was asked. If more have been lost
    /// since, this one may have ended, too, and the next jobs need a reset first.
    pub(crate) epoch: u64,
}

/// The session SQL that a run needs.
pub struct RunSession<'a> {
    /// The run.
    pub run: RunId,
    /// Its session SQL; `None` when it has none.
    pub sql: Option<&'a str>,
}

impl RunSession<'_> {
    /// No run: only the session SQL of the configuration.
    pub const NONE: RunSession<'static> = RunSession { run: RunId(0), sql: None };

    pub(crate) fn run_sql(&self) -> Option<RunId> {
        self.sql.map(|_| self.run)
    }

    pub(crate) fn run(&self) -> Option<RunId> {
        (self.run != RunSession::NONE.run).then_some(self.run)
    }
}

impl OpenSession {
    /// Notes an answer to what was asked in this epoch.
    pub(crate) fn note_answer(&mut self, epoch: u64) {
        self.answered_at = Instant::now();
        self.epoch = epoch;
    }

    /// Whether jobs may run in it without a reset.
    pub(crate) fn is_ready(&self, wanted: &RunSession<'_>, epoch: u64) -> bool {
        let is_another_runs =
            matches!((self.used_by, wanted.run()), (Some(before), Some(next)) if before != next);
        self.run_sql == wanted.run_sql()
            && !self.is_soiled
            && !is_another_runs
            && self.epoch == epoch
            && self.answered_at.elapsed() < RESET_AFTER_IDLE
    }
}
