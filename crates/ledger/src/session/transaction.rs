//! One attempt at jobs that are atomic: the packet, what its answers say, and ROLLBACK after an error.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use queryfleet_job::{Chunk, Failure, Job, Outcome, RunId};

use crate::session::aftermath::{Aftermath, Failed, Rollback, hidden, judge};
use crate::session::drive::{Answers, send};
use crate::session::open::OpenSession;
use crate::session::packet::{PacketContext, PacketStep, build};
use crate::session::verdict::{self, Verdict};
use crate::session::{Session, bind, ledger_row, limited, warnings};

/// What an attempt has done: COMMIT itself has answered.
#[derive(Debug)]
pub struct Done {
    /// The changed rows of each job.
    pub rows: Vec<u64>,
    /// How many warnings the server has for all of them.
    pub warnings: u16,
    /// Whether a job has changed something that no rollback undoes. It is committed, like all the rest; but jobs of this
    /// kind must not share a packet, and must not be tried again after any doubt.
    pub kept: bool,
}

/// The jobs of an attempt.
#[derive(Clone, Copy)]
struct Try<'a> {
    run: RunId,
    jobs: &'a [Job],
    plain: bool,
}

impl Try<'_> {
    /// An attempt whose connection was lost or killed: ROLLBACK was not sent.
    fn without_rollback(self, verdict: Verdict, answers: &Answers) -> Failed {
        judge(verdict, &self.aftermath(Rollback::NotSent, answers.kept_changes, answers))
    }

    fn aftermath(self, rollback: Rollback, kept_changes: bool, answers: &Answers) -> Aftermath {
        Aftermath { rollback, kept_changes, begun: answers.rows.len(), jobs: self.jobs.len() }
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
        let Some(mut open) = self.open.take() else {
            return Err(Outcome::NotSent(Failure::said("there is no connection")).into());
        };
        let database = match self.fill(&open, chunk.run, jobs, plain) {
            Ok(database) => database,
            // A new connection reads the server's limits anew.
            Err(outcome @ Outcome::Unfit(_)) => return Err(outcome.into()),
            Err(outcome) => {
                self.open = Some(open);
                return Err(outcome.into());
            }
        };
        let tried = Try { run: chunk.run, jobs, plain };
        // What was lost while the packet was on its way is newer than its answer.
        let epoch = self.database.epoch();
        let mut answers = Answers::default();
        let driven = limited(send(&mut open.conn, &self.packet, &mut answers), deadline, stop).await;
        // Before anything else is made of a large statement, such as its dead row.
        self.packet.shed();
        open.is_soiled |= !plain || answers.kept_changes;
        match driven {
            Ok(Ok(())) => {
                open.database = Some(database);
                open.note_answer(epoch);
                self.open = Some(open);
                if answers.hidden {
                    return Err(hidden(jobs.len()));
                }
                Ok(Done { rows: answers.rows, warnings: answers.warnings, kept: answers.kept_changes })
            }
            Ok(Err((step, error))) => Err(self.failed(open, tried, step, error, &answers).await),
            Err(outcome) => {
                let outcome = self.kill(open, outcome).await;
                Err(tried.without_rollback(Verdict::Ended(outcome), &answers))
            }
        }
    }

    /// Builds the packet. Returns the database that is current after it.
    fn fill(&mut self, open: &OpenSession, run: RunId, jobs: &[Job], plain: bool) -> Result<String, Outcome> {
        let mut statements = Vec::with_capacity(jobs.len());
        for job in jobs {
            let refused = |text: String| Outcome::Refused(Failure::said(text));
            statements.push((job, bind::statement(job, open.facts.sql_mode).map_err(refused)?));
        }
        let context = PacketContext {
            ledger: &self.database.tables.ledger,
            savepoint: &open.savepoint,
            current: open.database.as_deref(),
            default: &self.database.schema,
            net: !plain,
        };
        let database = build(&mut self.packet, &context, run, &statements).to_owned();
        // One byte says that it is a query.
        let bytes = 1 + self.packet.text.len() as u64;
        let limit = open.facts.max_allowed_packet;
        if bytes > limit {
            // Not dead: its dead row would be above the limit too.
            return Err(Outcome::Unfit(Failure::said(format!(
                "its packet of {bytes} bytes is above this server's max_allowed_packet of {limit}: raise that"
            ))));
        }
        Ok(database)
    }

    /// Reads what an error means, rolls back, and keeps the connection only if ROLLBACK answers OK.
    async fn failed(
        &mut self,
        mut open: OpenSession,
        tried: Try<'_>,
        step: PacketStep,
        error: mysql_async::Error,
        answers: &Answers,
    ) -> Failed {
        if step == PacketStep::Begin && verdict::proves_not_sent(&error) {
            self.database.lost();
            return Outcome::NotSent(Failure::said(format!(
                "the connection had ended before: {}",
                queryfleet_job::causes(&error)
            )))
            .into();
        }
        let verdict = match error {
            mysql_async::Error::Server(error) => verdict::read(&error, step, &open.savepoint),
            error => {
                Verdict::ConnectionLost(Outcome::LostAfterSend(Failure::said(queryfleet_job::causes(&error))))
            }
        };
        if matches!(verdict, Verdict::ConnectionLost(_)) {
            self.database.lost();
            return tried.without_rollback(verdict, answers);
        }
        open.database = None;
        fail::fail_point!("before-rollback", |_| std::process::abort());
        let epoch = self.database.epoch();
        let rolled_back = self.roll_back(&mut open, tried, answers, &verdict).await;
        let Some((kept_changes, rollback)) = rolled_back else {
            let aftermath = tried.aftermath(Rollback::Unanswered, answers.kept_changes, answers);
            return judge(verdict, &aftermath);
        };
        open.note_answer(epoch);
        self.open = Some(open);
        judge(verdict, &tried.aftermath(rollback, kept_changes || answers.kept_changes, answers))
    }

    /// ROLLBACK, and whether something has changed that it does not undo; `None` when the server has not answered.
    async fn roll_back(
        &self,
        open: &mut OpenSession,
        tried: Try<'_>,
        answers: &Answers,
        verdict: &Verdict,
    ) -> Option<(bool, Rollback)> {
        let conn = &mut open.conn;
        let rolling_back = async {
            // An error that rolled back by itself, a deadlock, has said by now what stayed; ROLLBACK has nothing to say.
            let mut kept_changes =
                !answers.rows.is_empty() && warnings::tell_of_kept_changes(conn, tried.plain).await?;
            conn.query_drop("ROLLBACK").await?;
            kept_changes |=
                conn.get_warnings() > 0 && warnings::tell_of_kept_changes(conn, tried.plain).await?;
            let row = match (verdict, tried.jobs) {
                (Verdict::EndedBefore, [job]) => {
                    ledger_row::state(conn, &self.database.tables.ledger, tried.run, job.seq).await?
                }
                _ => None,
            };
            Ok::<_, mysql_async::Error>((kept_changes, Rollback::Answered { row }))
        };
        tokio::time::timeout(self.limit(), rolling_back).await.ok()?.ok()
    }
}
