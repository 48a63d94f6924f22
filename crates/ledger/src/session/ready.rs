//! Making a session ready for the next jobs: like a new one, on a connection that is known to be alive.
//!
//! What a job leaves behind in its session, no other run meets, and no other job when something that is not plain has
//! run: temporary tables, variables, locks, settings. COM_RESET_CONNECTION forgets all of it but the role, which is
//! compared, and the current database, which every packet names.

use std::time::{Duration, Instant};

use queryfleet_job::RunId;

use crate::session::OpenSession;
use crate::{Error, RunSession, Session, SessionFacts};

/// A connection that has been idle for longer is asked whether it still is one. The server, or a balancer between, may
/// have ended it: a packet on it would cost its jobs an attempt, since nobody could say that it was not received.
const IDLE: Duration = Duration::from_secs(1);

impl OpenSession {
    /// Notes an answer to what was asked in this epoch.
    pub(crate) fn answered(&mut self, epoch: u64) {
        self.since = Instant::now();
        self.epoch = epoch;
    }

    fn is_ready(&self, wanted: &RunSession<'_>, epoch: u64) -> bool {
        let another = |ran| wanted.run != RunSession::NONE.run && ran != wanted.run;
        self.session == wanted.session()
            && !self.left
            && !self.ran.is_some_and(another)
            && self.epoch == epoch
            && self.since.elapsed() < IDLE
    }
}

impl RunSession<'_> {
    fn session(&self) -> (RunId, u32) {
        if self.version == 0 { (RunId(0), 0) } else { (self.run, self.version) }
    }
}

impl Session {
    /// Makes the connection ready for jobs of a run: opens it, or resets it when another run's jobs have run in it, when
    /// they may have left something behind, and when it may have ended meanwhile.
    ///
    /// # Errors
    /// As connecting and the init step can fail.
    pub async fn prepare(&mut self, wanted: RunSession<'_>) -> Result<&SessionFacts, Error> {
        let epoch = self.database.epoch();
        let mut live = match self.live.take() {
            Some(live) if live.is_ready(&wanted, epoch) => live,
            Some(live) => match self.reset(live, &wanted, epoch).await {
                Some(live) => live,
                None => self.open(&wanted).await?,
            },
            None => self.open(&wanted).await?,
        };
        if wanted.run != RunSession::NONE.run {
            live.ran = Some(wanted.run);
        }
        Ok(&self.live.insert(live).facts)
    }

    /// Whether a connection that was there had ended, since this was last asked.
    pub fn was_lost(&mut self) -> bool {
        std::mem::take(&mut self.lost)
    }

    async fn open(&self, wanted: &RunSession<'_>) -> Result<OpenSession, Error> {
        let epoch = self.database.epoch();
        let (conn, facts) = self.database.connect(wanted.sql).await?;
        let savepoint = format!("q{:016x}", getrandom::u64()?);
        let (session, since) = (wanted.session(), Instant::now());
        Ok(OpenSession {
            conn,
            facts,
            savepoint,
            current: None,
            session,
            ran: None,
            left: false,
            since,
            epoch,
        })
    }

    /// `None` when only a new connection will do.
    async fn reset(
        &mut self,
        mut live: OpenSession,
        wanted: &RunSession<'_>,
        epoch: u64,
    ) -> Option<OpenSession> {
        let (database, limit) = (&self.database, self.database.connect_timeout);
        let resetting = async {
            if !live.conn.reset().await.is_ok_and(|is_known| is_known) {
                return None;
            }
            let SessionFacts { role, host, .. } = &live.facts;
            let (role, host) = (role.clone(), host.clone());
            let facts = database.init_step(wanted.sql).run(&mut live.conn).await.ok()?;
            (facts.role == role).then_some(SessionFacts { host, ..facts })
        };
        let facts = tokio::time::timeout(limit, resetting).await.ok().flatten();
        let Some(facts) = facts else {
            self.lost = true;
            database.lost();
            return None;
        };
        live.facts = facts;
        (live.current, live.session, live.ran, live.left) = (None, wanted.session(), None, false);
        live.answered(epoch);
        Some(live)
    }
}
