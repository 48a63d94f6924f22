//! Making a session ready for the next jobs: like a new one, on a connection that is known to be alive.
//!
//! What a job leaves behind in its session, no other run meets, and no other job when something that is not plain has
//! run: temporary tables, variables, locks, settings. COM_RESET_CONNECTION forgets all of it but the role, which is
//! compared, and the current database, which every packet names when it is not known.
//!
//! A busy slot that serves plain jobs of one run sends packets only. A reset and the init step, two more round trips, come
//! first after a second of idleness, with another run, after a job that is not plain, and when any connection of the worker
//! was lost.

use std::time::Instant;

use crate::error::Error;
use crate::facts::SessionFacts;
use crate::session::Session;
use crate::session::open::{OpenSession, RunSession};

impl Session {
    /// Makes the connection ready for jobs of a run: opens it, or resets it when another run's jobs have run in it, when
    /// they may have left something behind, and when it may have ended meanwhile.
    ///
    /// # Errors
    /// When the server cannot be reached, or the session is not as the init step has set it.
    pub async fn prepare(&mut self, wanted: RunSession<'_>) -> Result<&SessionFacts, Error> {
        let open = self.take_ready(&wanted).await?;
        Ok(&self.open.insert(open).facts)
    }

    /// [`prepare`](Self::prepare), for a caller that gives the connection back when all went well.
    pub(crate) async fn take_ready(&mut self, wanted: &RunSession<'_>) -> Result<OpenSession, Error> {
        let epoch = self.database.epoch();
        let before = match self.open.take() {
            Some(open) if open.is_ready(wanted, epoch) => Some(open),
            Some(open) => self.reset(open, wanted, epoch).await,
            None => None,
        };
        let mut open = match before {
            Some(open) => open,
            None => self.connect(wanted).await?,
        };
        open.used_by = wanted.run().or(open.used_by);
        Ok(open)
    }

    /// Whether a connection that was there had ended, since this was last asked.
    pub fn was_lost(&mut self) -> bool {
        std::mem::take(&mut self.lost)
    }

    async fn connect(&self, wanted: &RunSession<'_>) -> Result<OpenSession, Error> {
        let epoch = self.database.epoch();
        let (conn, facts) = self.database.connect(wanted.sql).await?;
        let savepoint = format!("q{:016x}", getrandom::u64()?);
        Ok(OpenSession {
            conn,
            facts,
            savepoint,
            database: None,
            run_sql: wanted.run_sql(),
            used_by: None,
            is_soiled: false,
            answered_at: Instant::now(),
            epoch,
        })
    }

    /// `None` when only a new connection will do.
    async fn reset(
        &mut self,
        mut open: OpenSession,
        wanted: &RunSession<'_>,
        epoch: u64,
    ) -> Option<OpenSession> {
        let database = &self.database;
        let resetting = async {
            if !open.conn.reset().await.is_ok_and(|is_known| is_known) {
                return None;
            }
            let facts = database.init_step(wanted.sql).run(&mut open.conn).await.ok()?;
            (facts.role == open.facts.role).then_some(facts)
        };
        let facts = tokio::time::timeout(database.connect_timeout, resetting).await.ok().flatten();
        let Some(facts) = facts else {
            self.lost = true;
            database.lost();
            return None;
        };
        let host = std::mem::take(&mut open.facts.host);
        open.facts = SessionFacts { host, ..facts };
        open.database = None;
        open.run_sql = wanted.run_sql();
        open.used_by = None;
        open.is_soiled = false;
        open.note_answer(epoch);
        Some(open)
    }
}
