//! One attempt at jobs that are atomic: the packet, what its answers say, and ROLLBACK after an error.

use std::time::Duration;

use job::{Chunk, Failure, Job, Outcome, RunId, read_conflict};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::error_code::{self, Verdict};
use crate::packet::{Packet, Place, Shape, build};
use crate::session::{Live, Session, limited};
use crate::{bind, claim};

/// A warning of ROLLBACK: some changed tables are not transactional.
const NOT_ROLLED_BACK: u16 = 1196;

impl Session {
    /// One attempt at all of `jobs`, in one packet. `Ok` holds the changed rows of each job, and means that COMMIT
    /// itself has answered. An error of a chunk says nothing about its single jobs. Call after
    /// [`prepare`](Self::prepare); bounded by `deadline`, and by `stop`, which ends when a drain or a cancel may wait
    /// no longer.
    ///
    /// # Errors
    /// The outcome of the attempt; the connection is rolled back and usable, or closed.
    pub async fn attempt(
        &mut self,
        chunk: &Chunk,
        jobs: &[Job],
        deadline: Duration,
        stop: impl Future<Output = ()>,
    ) -> Result<Vec<u64>, Outcome> {
        let Some(mut live) = self.live.take() else {
            return Err(Outcome::NotSent(Failure::said("there is no connection")));
        };
        let current = match self.fill(&live, chunk.run, jobs) {
            Ok(current) => current,
            // A new connection reads the server's limits anew.
            Err(outcome @ Outcome::Unfit(_)) => return Err(outcome),
            Err(outcome) => {
                self.live = Some(live);
                return Err(outcome);
            }
        };
        let driven = limited(drive(&mut live.conn, &self.packet), deadline, stop).await;
        match driven {
            Ok(Ok(rows)) => {
                live.current = Some(current);
                self.live = Some(live);
                Ok(rows)
            }
            Ok(Err((place, error))) => Err(self.failed(live, chunk.run, jobs, place, error).await),
            Err(outcome) => Err(self.kill(live, outcome).await),
        }
    }

    fn fill(&mut self, live: &Live, run: RunId, jobs: &[Job]) -> Result<String, Outcome> {
        let mut statements = Vec::with_capacity(jobs.len());
        for job in jobs {
            let refused = |text: String| Outcome::Refused(Failure::said(text));
            statements.push((job, bind::statement(job, live.facts.sql_mode).map_err(refused)?));
        }
        let shape = Shape {
            ledger: &self.database.tables.ledger,
            savepoint: &live.savepoint,
            current: live.current.as_deref(),
            default: &self.database.schema,
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
        mut live: Live,
        run: RunId,
        jobs: &[Job],
        place: Place,
        error: mysql_async::Error,
    ) -> Outcome {
        let mysql_async::Error::Server(error) = error else {
            return Outcome::LostAfterSend(Failure::said(error.to_string()));
        };
        let verdict = match error_code::read(&error, place, &live.savepoint) {
            Verdict::ConnectionLost(outcome) => return outcome,
            verdict => verdict,
        };
        live.current = None;
        fail::fail_point!("before-rollback", |_| std::process::abort());
        let ending = async {
            live.conn.query_drop("ROLLBACK").await?;
            let partly = live.conn.get_warnings() > 0 && not_rolled_back(&mut live.conn).await?;
            let found = match (&verdict, jobs) {
                (Verdict::EndedBefore, [job]) => {
                    Some(claim::state(&mut live.conn, &self.database.tables.ledger, run, job.seq).await?)
                }
                _ => None,
            };
            Ok::<_, mysql_async::Error>((partly, found))
        };
        let limit = self.database.lock_wait + self.database.connect_timeout;
        let ended = tokio::time::timeout(limit, ending).await;
        let outcome = match (verdict, &ended) {
            (Verdict::EndedBefore, Ok(Ok((_, found)))) => read_conflict(found.flatten()),
            (Verdict::EndedBefore, _) => Outcome::Conflict(Failure::said("the ledger row could not be read")),
            (_, Ok(Ok((true, _)))) => Outcome::Unknown(Failure::said(
                "a table that is not transactional kept changes after ROLLBACK",
            )),
            (Verdict::Ended(outcome) | Verdict::ConnectionLost(outcome), _) => outcome,
        };
        if matches!(ended, Ok(Ok(_))) {
            self.live = Some(live);
        }
        outcome
    }
}

/// Sends the packet and drains every answer. An error comes with the place of the statement that it belongs to.
async fn drive(conn: &mut Conn, packet: &Packet) -> Result<Vec<u64>, (Place, mysql_async::Error)> {
    let mut places = packet.places.iter();
    let mut next = || places.next().copied().unwrap_or(Place::Commit);
    let mut rows = Vec::new();
    let mut place = next();
    let mut answers = conn.query_iter(packet.text.as_str()).await.map_err(|error| (place, error))?;
    loop {
        if place == Place::Statement {
            rows.push(answers.affected_rows());
        }
        let last = answers.is_empty();
        // Also for the last answer: an error of any statement but the first looks like an empty last answer, and the
        // driver keeps it until it is asked for rows. They are read and thrown away one by one: memory stays flat.
        while answers.next().await.map_err(|error| (place, error))?.is_some() {}
        if last {
            break;
        }
        place = next();
    }
    match place {
        Place::Commit => Ok(rows),
        _ => Err((place, mysql_async::Error::Other("the answers ended before COMMIT's".into()))),
    }
}

async fn not_rolled_back(conn: &mut Conn) -> Result<bool, mysql_async::Error> {
    let warnings: Vec<(String, u16, String)> = conn.query("SHOW WARNINGS").await?;
    Ok(warnings.iter().any(|(_, code, _)| *code == NOT_ROLLED_BACK))
}
