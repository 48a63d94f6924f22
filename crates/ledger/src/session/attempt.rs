//! One attempt at jobs that are atomic: the packet, what its answers say, and ROLLBACK after an error.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use queryfleet_job::{Chunk, Failure, Job, LedgerState, Outcome, RunId, read_conflict};

use crate::session::drive::{Answers, send};
use crate::session::ledger_row;
use crate::session::packet::{PacketContext, PacketStep, build};
use crate::session::verdict;
use crate::session::verdict::Verdict;
use crate::session::{OpenSession, Session, limited};
use crate::session::{bind, kept, unsent};

/// What ROLLBACK warns of.
const KEPT: &str = "a table that is not transactional kept changes after ROLLBACK";

/// What an attempt has done: COMMIT itself has answered.
#[derive(Debug)]
pub struct Done {
    /// The changed rows of each job.
    pub rows: Vec<u64>,
    /// Whether a job has changed something that no rollback undoes. It is committed, like all the rest; but jobs of this
    /// kind must not share a packet, and must not be tried again after any doubt.
    pub kept: bool,
}

/// How an attempt has failed.
#[derive(Debug)]
pub struct Failed {
    /// The outcome of the attempt. Of a chunk it says nothing about a single job, except by `unknown`.
    pub outcome: Outcome,
    /// So many of the jobs, from the first one on, have left effects behind that no rollback undoes, or may have: the
    /// outcome is theirs, and final. The jobs behind them have not run.
    pub unknown: usize,
    /// The statements may have run, and no ROLLBACK has answered that could have told what they left behind.
    pub unanswered: bool,
}

impl From<Outcome> for Failed {
    fn from(outcome: Outcome) -> Failed {
        Failed { outcome, unknown: 0, unanswered: false }
    }
}

/// The jobs of an attempt.
#[derive(Clone, Copy)]
struct Try<'a> {
    run: RunId,
    jobs: &'a [Job],
    plain: bool,
}

impl Try<'_> {
    /// The first `jobs` of them are unknown for good.
    fn unknown(self, jobs: usize, why: &str, failure: Option<&Failure>) -> Failed {
        let said = failure.map_or_else(String::new, |failure| format!(": {failure}"));
        Failed {
            outcome: Outcome::Unknown(Failure::said(format!("{why}{said}"))),
            unknown: jobs,
            unanswered: false,
        }
    }

    /// The end of an attempt without an answer to ROLLBACK.
    fn unanswered(self, outcome: Outcome, answers: &Answers) -> Failed {
        if answers.kept {
            return self.unknown(self.jobs.len(), KEPT, outcome.failure());
        }
        Failed { outcome, unknown: 0, unanswered: true }
    }
}

impl Session {
    /// One attempt at all of `jobs`, in one packet. `Ok` means that COMMIT itself has answered. An error of a chunk says
    /// nothing about its single jobs. `plain` says that they call nothing which could have effects of its own. Call after
    /// [`prepare`](Self::prepare); bounded by `deadline`, and by `stop`, which ends when a drain or a cancel may wait
    /// no longer.
    ///
    /// # Errors
    /// The outcome of the attempt; the connection is rolled back and usable, or closed.
    pub async fn attempt(
        &mut self,
        chunk: &Chunk,
        jobs: &[Job],
        plain: bool,
        deadline: Duration,
        stop: impl Future<Output = ()>,
    ) -> Result<Done, Failed> {
        let Some(mut live) = self.live.take() else {
            return Err(Outcome::NotSent(Failure::said("there is no connection")).into());
        };
        let run = chunk.run;
        let current = match self.fill(&live, run, jobs, plain) {
            Ok(current) => current,
            // A new connection reads the server's limits anew.
            Err(outcome @ Outcome::Unfit(_)) => return Err(outcome.into()),
            Err(outcome) => {
                self.live = Some(live);
                return Err(outcome.into());
            }
        };
        let tried = Try { run, jobs, plain };
        // What was lost while the packet was on its way is newer than its answer.
        let epoch = self.database.epoch();
        let mut answers = Answers::default();
        let driven = limited(send(&mut live.conn, &self.packet, &mut answers), deadline, stop).await;
        live.left |= !plain || answers.kept;
        match driven {
            Ok(Ok(())) => {
                live.current = Some(current);
                live.answered(epoch);
                self.live = Some(live);
                self.done(tried, answers)
            }
            Ok(Err((place, error))) => Err(self.failed(live, tried, place, error, &answers).await),
            Err(outcome) => {
                let outcome = self.kill(live, outcome).await;
                Err(tried.unanswered(outcome, &answers))
            }
        }
    }

    fn done(&self, tried: Try<'_>, answers: Answers) -> Result<Done, Failed> {
        if answers.hidden {
            let why = "the rows of the ledger that were to say `done` are not in the ledger";
            return Err(tried.unknown(tried.jobs.len(), why, None));
        }
        Ok(Done { rows: answers.rows, kept: answers.kept })
    }

    fn fill(&mut self, live: &OpenSession, run: RunId, jobs: &[Job], plain: bool) -> Result<String, Outcome> {
        let mut statements = Vec::with_capacity(jobs.len());
        for job in jobs {
            let refused = |text: String| Outcome::Refused(Failure::said(text));
            statements.push((job, bind::statement(job, live.facts.sql_mode).map_err(refused)?));
        }
        let shape = PacketContext {
            ledger: &self.database.tables.ledger,
            savepoint: &live.savepoint,
            current: live.current.as_deref(),
            default: &self.database.schema,
            net: !plain,
        };
        let current = build(&mut self.packet, &shape, run, &statements).to_owned();
        // One byte says that it is a query.
        let (bytes, most) = (1 + self.packet.text.len() as u64, live.facts.max_allowed_packet);
        if bytes > most {
            // Not dead: its dead row would be above the limit too.
            return Err(Outcome::Unfit(Failure::said(format!(
                "its packet of {bytes} bytes is above this server's max_allowed_packet of {most}: raise that"
            ))));
        }
        Ok(current)
    }

    /// Reads what an error means, rolls back, and keeps the connection only if ROLLBACK answers OK.
    async fn failed(
        &mut self,
        mut live: OpenSession,
        tried: Try<'_>,
        place: PacketStep,
        error: mysql_async::Error,
        answers: &Answers,
    ) -> Failed {
        let first = place == PacketStep::Begin;
        if first && unsent::is_proven(&error) {
            self.database.lost();
            return Outcome::NotSent(Failure::said(format!("the connection had ended before: {error}")))
                .into();
        }
        let mysql_async::Error::Server(error) = error else {
            self.database.lost();
            return tried.unanswered(Outcome::LostAfterSend(Failure::said(error.to_string())), answers);
        };
        let verdict = match verdict::read(&error, place, &live.savepoint) {
            Verdict::ConnectionLost(outcome) => {
                self.database.lost();
                return tried.unanswered(outcome, answers);
            }
            verdict => verdict,
        };
        live.current = None;
        fail::fail_point!("before-rollback", |_| std::process::abort());
        let epoch = self.database.epoch();
        let ended = self.roll_back(&mut live, tried, answers, &verdict).await;
        if ended.is_some() {
            live.answered(epoch);
            self.live = Some(live);
        }
        judge(tried, verdict, ended, answers)
    }

    /// ROLLBACK, and what it leaves behind; `None` when the server has not answered.
    async fn roll_back(
        &self,
        live: &mut OpenSession,
        tried: Try<'_>,
        answers: &Answers,
        verdict: &Verdict,
    ) -> Option<RolledBack> {
        let (conn, limit) = (&mut live.conn, self.database.lock_wait + self.database.connect_timeout);
        let ending = async {
            // An error that rolled back by itself, a deadlock, has said by now what stayed; ROLLBACK has nothing to say.
            let mut kept = !answers.rows.is_empty() && kept::is_told(conn, tried.plain).await?;
            conn.query_drop("ROLLBACK").await?;
            kept |= conn.get_warnings() > 0 && kept::is_told(conn, tried.plain).await?;
            let row = match (verdict, tried.jobs) {
                (Verdict::EndedBefore, [job]) => {
                    ledger_row::state(conn, &self.database.tables.ledger, tried.run, job.seq).await?
                }
                _ => None,
            };
            Ok::<_, mysql_async::Error>(RolledBack { kept, row })
        };
        tokio::time::timeout(limit, ending).await.ok()?.ok()
    }
}

/// What ROLLBACK has left.
struct RolledBack {
    /// Something has changed that no rollback undoes.
    kept: bool,
    /// The ledger's row of a single job that had one before.
    row: Option<LedgerState>,
}

/// What an error with a server's code comes to.
fn judge(tried: Try<'_>, verdict: Verdict, ended: Option<RolledBack>, answers: &Answers) -> Failed {
    let began = answers.rows.len();
    let outcome = match verdict {
        Verdict::Ended(outcome) | Verdict::ConnectionLost(outcome) => outcome,
        Verdict::EndedBefore => {
            return match ended {
                Some(RolledBack { row, .. }) => read_conflict(row),
                None => Outcome::Conflict(Failure::said("the ledger row could not be read")),
            }
            .into();
        }
    };
    let kept = answers.kept || ended.as_ref().is_some_and(|ended| ended.kept);
    match ended {
        _ if matches!(outcome, Outcome::Unknown(_)) => {
            Failed { outcome, unknown: tried.jobs.len(), unanswered: false }
        }
        _ if kept => tried.unknown(began, KEPT, outcome.failure()),
        None if began > 0 => tried.unanswered(outcome, answers),
        // The server would have said so: of what a statement has changed by its functions and triggers, too.
        _ => outcome.into(),
    }
}
