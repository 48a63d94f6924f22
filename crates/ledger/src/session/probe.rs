//! Whether a worker could write what a job makes it write: it is written, and rolled back.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use queryfleet_job::{DeadReason, Failure, RunId};

use crate::NewDeadJob;
use crate::own_mode::{restore_mode, set_own_mode};
use crate::session::dead_row;
use crate::tables::Tables;

/// Which of the tables does not take its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwritten {
    Ledger,
    Dead,
}

/// The rows of a job and of a dead one, of a run that nobody has: the ledger's as the packet writes them, under the
/// mode of the jobs, `mode`; the dead one's under our own.
pub(crate) async fn probe(
    conn: &mut Conn,
    tables: &Tables,
    mode: &str,
) -> Result<(), (Unwritten, mysql_async::Error)> {
    let run = RunId::fresh();
    let ledger = &tables.ledger;
    let claims = format!(
        "START TRANSACTION;INSERT INTO {ledger}(run,seq,state)VALUES({run},1,'started');SAVEPOINT queryfleet;\
         RELEASE SAVEPOINT queryfleet;\
         INSERT INTO {ledger}(run,seq,state)VALUES({run},1,'done')ON DUPLICATE KEY UPDATE state='done'"
    );
    conn.query_drop(claims).await.map_err(|error| (Unwritten::Ledger, error))?;
    let failed = |error| (Unwritten::Dead, error);
    conn.query_drop(set_own_mode()).await.map_err(failed)?;
    let job = NewDeadJob {
        run,
        seq: 2,
        queue: "default",
        reason: DeadReason::Error,
        failure: &Failure::said("tried by a worker that begins"),
        first_error: None,
        attempts: 1,
        worker: "probe",
        statement: "DO 1",
        envelope: b"{}",
        signature: None,
    };
    dead_row::write(conn, tables, &job).await.map_err(failed)?;
    conn.query_drop(format!("ROLLBACK;{}", restore_mode(mode))).await.map_err(failed)
}
