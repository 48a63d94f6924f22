//! What a person, or a program in their place, does with a fleet.

use std::time::Duration;

use queryfleet_config::Config;
use queryfleet_ledger::{HoldRow, NewHold, Until};
use queryfleet_operator::{DeadDetails, DeadFilter, Lift};

use crate::{Error, RunStatus, Statement};

/// No further page of dead jobs is read once their statements have so many bytes.
const MOST_BYTES: usize = 64 << 20;

/// Looks at runs, pauses and resumes the queue, and decides about dead jobs, over one connection to the database.
pub struct Operator(queryfleet_operator::Operator);

/// A job that failed for good. It had no effect, unless its reason is `unknown`: then nobody knows, and somebody has to look before
/// it is brought back. One that is not atomic and failed halfway has the effects of its first half.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeadJob {
    /// The name of its run.
    pub run: String,
    /// Its place among the statements of its run, from 0.
    pub index: u64,
    /// Why it is dead: a word of docs/guarantees.md, such as `error`.
    pub reason: String,
    /// The server's error code.
    pub code: Option<u16>,
    /// The server's SQLSTATE.
    pub sql_state: Option<String>,
    /// What the server, or queryfleet, said.
    pub message: String,
    /// How many attempts were made.
    pub attempts: u32,
    /// The statement, so that it can be repaired and published again; `None` if its message cannot be read.
    pub statement: Option<Statement>,
}

impl DeadJob {
    fn of(DeadDetails { row, name, replay, .. }: DeadDetails) -> DeadJob {
        DeadJob {
            run: name,
            // A job's seq counts from 1.
            index: row.seq.unwrap_or(1).saturating_sub(1),
            reason: row.reason,
            code: row.code,
            sql_state: row.sql_state,
            message: row.message,
            attempts: row.attempts,
            statement: replay.job.map(Statement::of),
        }
    }
}

/// A hold on the queue: no job begins while it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hold {
    /// Its id, by which it is lifted.
    pub id: u64,
    /// Who has placed it; `halt` when too many jobs of a run were dead.
    pub by: String,
    /// Why.
    pub because: String,
    /// Since when, in UTC.
    pub since: String,
    /// Until when, in UTC; `None`: until it is lifted.
    pub until: Option<String>,
}

/// What became of dead jobs that were to be brought back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replayed {
    /// Those that were.
    pub jobs: u64,
    /// Those that were not, and stay dead.
    pub refused: u64,
    /// Why the first of these were not.
    pub reasons: Vec<String>,
}

impl Operator {
    pub(crate) fn of(config: &Config) -> Result<Operator, Error> {
        queryfleet_operator::Operator::new(config).map(Operator).map_err(Error::of_operator)
    }

    /// Makes the tables and queues that are missing. What is there stays as it is.
    ///
    /// # Errors
    /// When a server is unavailable, refuses, or has queues with other arguments.
    pub async fn setup(&mut self) -> Result<(), Error> {
        self.0.setup().await.map_err(Error::of_operator)?;
        Ok(())
    }

    /// Whether the tables are missing, or of an older version.
    ///
    /// # Errors
    /// When the database is unavailable or refuses.
    pub async fn needs_setup(&mut self) -> Result<bool, Error> {
        self.0.needs_setup().await.map_err(Error::of_operator)
    }

    /// How the run with this name or id stands. The first time
    /// counting takes some 0.3 s per million jobs; what was done by then is not counted again.
    ///
    /// # Errors
    /// [`RunFault::Unknown`](crate::RunFault), or when the database is unavailable or refuses.
    pub async fn status(&mut self, run: &str) -> Result<RunStatus, Error> {
        Ok(RunStatus::from(&self.0.status(run).await.map_err(Error::of_operator)?))
    }

    /// The newest runs, the newest first.
    ///
    /// # Errors
    /// When the database is unavailable or refuses.
    pub async fn runs(&mut self, most: u32) -> Result<Vec<RunStatus>, Error> {
        Ok(self.0.newest_runs(most).await.map_err(Error::of_operator)?.iter().map(RunStatus::from).collect())
    }

    /// Holds the queue: no job begins until the hold is lifted, or, if a time is given, until that has passed. Returns the
    /// hold's id. Workers notice within two seconds; running statements end by themselves.
    ///
    /// # Errors
    /// When the database is unavailable or refuses.
    pub async fn pause(&mut self, because: &str, time: Option<Duration>) -> Result<u64, Error> {
        let queue = self.0.queue().to_owned();
        let by = queryfleet_config::login_name();
        let until = time.map(Until::After);
        let hold = NewHold { queue: &queue, until, ends_running: false, by: &by, because };
        Ok(self.0.pause(hold).await.map_err(Error::of_operator)?.hold.id)
    }

    /// The holds that are in force.
    ///
    /// # Errors
    /// When the database is unavailable or refuses.
    pub async fn holds(&mut self) -> Result<Vec<Hold>, Error> {
        let rows = self.0.holds().await.map_err(Error::of_operator)?;
        let of = |HoldRow { hold, since, until }: HoldRow| Hold {
            id: hold.id,
            by: hold.by,
            because: hold.because,
            since,
            until,
        };
        Ok(rows.into_iter().map(of).collect())
    }

    /// Lifts a hold.
    ///
    /// # Errors
    /// [`ErrorKind::Hold`](crate::ErrorKind) if it is not in force, or when the database is unavailable or refuses.
    pub async fn resume(&mut self, hold: u64) -> Result<(), Error> {
        self.0.resume(&Lift::These(vec![hold])).await.map_err(Error::of_operator)?;
        Ok(())
    }

    /// Cancels a run: what has not begun is never executed.
    ///
    /// # Errors
    /// [`RunFault::State`](crate::RunFault) if it has ended, or when the database is unavailable or refuses.
    pub async fn cancel(&mut self, run: &str) -> Result<RunStatus, Error> {
        Ok(RunStatus::from(&self.0.cancel(run, false).await.map_err(Error::of_operator)?))
    }

    /// Approves what a run has behind its canary.
    ///
    /// # Errors
    /// [`RunFault::State`](crate::RunFault) if it has no canary, or one that has not ended, or when the database is unavailable
    /// or refuses.
    pub async fn approve(&mut self, run: &str) -> Result<(), Error> {
        self.0.approve(run).await.map_err(Error::of_operator)?;
        Ok(())
    }

    /// Dead jobs of a run that nobody has decided about, in the order of their statements: at most so many, and no more once
    /// their statements have 64 MiB together.
    ///
    /// # Errors
    /// [`RunFault::Unknown`](crate::RunFault), or when the database is unavailable or refuses.
    pub async fn dead_jobs(&mut self, run: &str, most: usize) -> Result<Vec<DeadJob>, Error> {
        let filter = of_run(run);
        let mut after: Option<DeadDetails> = None;
        let mut found = Vec::new();
        let mut bytes = 0;
        while found.len() < most && bytes < MOST_BYTES {
            let mut page = self.0.dead_jobs(&filter, after.as_ref()).await.map_err(Error::of_operator)?;
            page.truncate(most - found.len());
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            for job in page.into_iter().map(DeadJob::of) {
                bytes += job.statement.as_ref().map_or(0, |statement| statement.sql().len());
                found.push(job);
            }
        }
        Ok(found)
    }

    /// Brings the dead jobs of a run back: each is executed once more, exactly once. One of the reason `unknown` may have had its
    /// effect before: look at [`dead_jobs`](Self::dead_jobs) first.
    ///
    /// # Errors
    /// [`RunFault::Unknown`](crate::RunFault), or when a server is unavailable or refuses. What was brought back until then
    /// stays so.
    pub async fn replay(&mut self, run: &str) -> Result<Replayed, Error> {
        let queryfleet_operator::Taken { jobs, refused, reasons } =
            self.0.replay(&of_run(run), false, false).await.map_err(Error::of_operator)?;
        Ok(Replayed { jobs, refused, reasons })
    }

    /// Gives the dead jobs of a run up, and returns how many they were.
    ///
    /// # Errors
    /// [`RunFault::Unknown`](crate::RunFault), or when the database is unavailable or refuses.
    pub async fn discard(&mut self, run: &str) -> Result<u64, Error> {
        self.0.discard(&of_run(run), false, false).await.map_err(Error::of_operator)
    }
}

fn of_run(run: &str) -> DeadFilter {
    DeadFilter { run: Some(run.to_owned()), ..DeadFilter::default() }
}
