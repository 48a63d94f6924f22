//! Dead jobs: the one table for all that will not be tried again.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, params};
use queryfleet_job::{DeadReason, Failure, LedgerState, RunId};

use crate::error_code::{DEADLOCK, DUPLICATE_KEY};
use crate::own_mode::{restore_mode, set_own_mode};
use crate::tables::Tables;

/// How much of a message that is no job is kept: enough to see what it is.
const BODY_KEPT_BYTES: usize = 16 << 10;
/// How many such messages are kept with their body: who may publish must not fill the database.
const BODIES_KEPT: u64 = 1000;
/// How often the rows are written when the server ends that in a deadlock, which rolls the whole transaction back.
const DEADLOCK_TRIES: u32 = 10;

/// A job's end as dead.
pub struct NewDeadJob<'a> {
    /// Its run.
    pub run: RunId,
    /// Its place in the run.
    pub seq: u64,
    /// The queue that it was served from.
    pub queue: &'a str,
    /// Why.
    pub reason: DeadReason,
    /// The error of the last attempt.
    pub failure: &'a Failure,
    /// The error of the first attempt, when there were several.
    pub first_error: Option<&'a str>,
    /// How many attempts were counted, this one included.
    pub attempts: u32,
    /// The worker that gave up.
    pub worker: &'a str,
    /// The statement, for people and for SQL.
    pub statement: &'a str,
    /// The envelope of this single job, for a replay.
    pub envelope: &'a [u8],
    /// The envelope's signature, by a worker that has verified what it holds.
    pub signature: Option<&'a str>,
}

/// A message that is dead, and no job.
pub(crate) struct Body<'a> {
    pub(crate) queue: &'a str,
    pub(crate) reason: DeadReason,
    pub(crate) message: &'a str,
    pub(crate) worker: &'a str,
    pub(crate) body: &'a [u8],
}

/// [`record_once`], again after a deadlock with a replay that takes other rows of the same tables. `mode` is in force
/// again after it.
pub(crate) async fn record(
    conn: &mut Conn,
    tables: &Tables,
    dead: &NewDeadJob<'_>,
    mode: &str,
) -> Result<Option<DeadReason>, mysql_async::Error> {
    let mut tries = 1;
    loop {
        match record_once(conn, tables, dead, mode).await {
            Err(mysql_async::Error::Server(error)) if error.code == DEADLOCK && tries < DEADLOCK_TRIES => {
                tries += 1
            }
            recorded => return recorded,
        }
    }
}

/// One transaction, under a mode of our own. Returns as what the job died by this.
async fn record_once(
    conn: &mut Conn,
    tables: &Tables,
    dead: &NewDeadJob<'_>,
    mode: &str,
) -> Result<Option<DeadReason>, mysql_async::Error> {
    conn.query_drop(format!("{};START TRANSACTION", set_own_mode())).await?;
    let written = write(conn, tables, dead).await?;
    let end = if written.is_some() { "COMMIT" } else { "ROLLBACK" };
    conn.query_drop(format!("{end};{}", restore_mode(mode))).await?;
    Ok(written)
}

/// Ledger row `dead`, dead row, in the transaction that is open. A job that has ended already stays as it ended. A
/// `started` row (of a job that is not atomic) becomes `dead`, and the job `unknown` whatever the reason: another attempt had
/// begun, and a reason that says that nothing took effect invites a replay. Returns the reason that was written.
pub(crate) async fn write(
    conn: &mut Conn,
    tables: &Tables,
    dead: &NewDeadJob<'_>,
) -> Result<Option<DeadReason>, mysql_async::Error> {
    let (reason, message) = match claim(conn, tables, dead).await? {
        Claimed::Ended => return Ok(None),
        Claimed::Begun if dead.reason != DeadReason::Unknown => {
            let message =
                format!("an attempt had begun, and nobody saw its end; then: {}", dead.failure.message);
            (DeadReason::Unknown, message)
        }
        Claimed::New | Claimed::Begun => (dead.reason, dead.failure.message.clone()),
    };
    let insert = format!(
        "INSERT INTO {} (run, seq, queue, state, reason, code, sql_state, message, first_error, attempts, worker, \
         statement, envelope) VALUES (:run, :seq, :queue, 'dead', :reason, :code, :sqlstate, :message, :first_error, \
         :attempts, :worker, :statement, '') ON DUPLICATE KEY UPDATE queue = VALUES(queue), state = 'dead', \
         reason = VALUES(reason), code = VALUES(code), sql_state = VALUES(sql_state), message = VALUES(message), \
         first_error = VALUES(first_error), attempts = VALUES(attempts), worker = VALUES(worker), \
         statement = VALUES(statement), died = CURRENT_TIMESTAMP(3)",
        tables.dead
    );
    let values = params! {
        "run" => dead.run.0,
        "seq" => dead.seq,
        "queue" => dead.queue,
        "reason" => reason.as_str(),
        "code" => dead.failure.code,
        "sqlstate" => dead.failure.sqlstate.as_deref(),
        "message" => message,
        "first_error" => dead.first_error,
        "attempts" => dead.attempts,
        "worker" => dead.worker,
        "statement" => dead.statement,
    };
    conn.exec_drop(insert, values).await?;
    // On its own: a statement that the server has just taken may exceed its max_allowed_packet together with its envelope.
    let update = format!("UPDATE {} SET envelope = ?, signature = ? WHERE run = ? AND seq = ?", tables.dead);
    conn.exec_drop(update, (dead.envelope, dead.signature, dead.run.0, dead.seq)).await?;
    Ok(Some(reason))
}

/// What the job's ledger row was before it became `dead`.
enum Claimed {
    /// There was none.
    New,
    /// `started`.
    Begun,
    /// The job has ended otherwise, and the row stays.
    Ended,
}

/// Takes the job's ledger row for `dead`.
async fn claim(
    conn: &mut Conn,
    tables: &Tables,
    dead: &NewDeadJob<'_>,
) -> Result<Claimed, mysql_async::Error> {
    let NewDeadJob { run, seq, .. } = dead;
    let state = LedgerState::Dead.as_str();
    let insert = format!("INSERT INTO {}(run,seq,state)VALUES({run},{seq},'{state}')", tables.ledger);
    match conn.query_drop(insert).await {
        Ok(()) => return Ok(Claimed::New),
        Err(mysql_async::Error::Server(error)) if error.code == DUPLICATE_KEY => {}
        Err(error) => return Err(error),
    }
    let started = LedgerState::Started.as_str();
    let update = format!(
        "UPDATE {} SET state='{state}' WHERE run={run} AND seq={seq} AND state='{started}'",
        tables.ledger
    );
    conn.query_drop(update).await?;
    Ok(if conn.affected_rows() == 1 { Claimed::Begun } else { Claimed::Ended })
}

/// A dead row of its own, without run, seq and ledger row. Of the body only the beginning is kept, and nothing of it when
/// there are many such rows. Returns whether that is so.
pub(crate) async fn record_body(
    conn: &mut Conn,
    tables: &Tables,
    row: &Body<'_>,
    mode: &str,
) -> Result<bool, mysql_async::Error> {
    let Body { queue, reason, message, worker, body } = row;
    let count = format!(
        "SELECT COUNT(*) FROM (SELECT id FROM {} WHERE digest IS NOT NULL LIMIT {BODIES_KEPT}) kept",
        tables.dead
    );
    let are_many = conn.query_first(count).await?.unwrap_or(0_u64) >= BODIES_KEPT;
    let room = if are_many { 0 } else { BODY_KEPT_BYTES };
    let kept = &body[..body.len().min(room)];
    let message = match kept.len() < body.len() {
        true => format!("{message} (kept: the first {} of its {} bytes)", kept.len(), body.len()),
        false => (*message).to_owned(),
    };
    let insert = format!(
        "INSERT INTO {} (digest, queue, reason, message, attempts, worker, envelope) VALUES (?, ?, ?, ?, 0, ?, ?) \
         ON DUPLICATE KEY UPDATE died = CURRENT_TIMESTAMP(3)",
        tables.dead
    );
    let message = queryfleet_job::foreign(message);
    conn.query_drop(set_own_mode()).await?;
    conn.exec_drop(insert, (queryfleet_job::digest(body), queue, reason.as_str(), message, worker, kept))
        .await?;
    conn.query_drop(restore_mode(mode)).await?;
    Ok(are_many)
}
