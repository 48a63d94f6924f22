//! Sending the packet and reading its answers.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::error_code::NO_SAVEPOINT;
use crate::session::packet::{Packet, PacketStep};

/// What the answers have said so far.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// The changed rows of each job whose statement has been executed, the one that failed included.
    pub(crate) rows: Vec<u64>,
    /// The warnings of those of them that return no rows.
    pub(crate) warnings: u16,
    /// Something has changed that no rollback undoes.
    pub(crate) kept_changes: bool,
    /// The second claim of a chunk has not met the rows of the first: it went to another table.
    pub(crate) hidden: bool,
}

/// Sends the packet and drains every answer. An error comes with the step that it belongs to.
pub(crate) async fn send(
    conn: &mut Conn,
    packet: &Packet,
    answers: &mut Answers,
) -> Result<(), (PacketStep, mysql_async::Error)> {
    match drive(conn, &packet.text, &packet.steps, answers).await {
        Err((PacketStep::NetSavepoint, mysql_async::Error::Server(error))) if error.code == NO_SAVEPOINT => {
            answers.kept_changes = true;
            let (text, steps) = packet.end();
            drive(conn, text, steps, answers).await
        }
        driven => driven,
    }
}

async fn drive(
    conn: &mut Conn,
    text: &str,
    steps: &[PacketStep],
    answers: &mut Answers,
) -> Result<(), (PacketStep, mysql_async::Error)> {
    let mut steps = steps.iter();
    let mut next = || steps.next().copied().unwrap_or(PacketStep::Commit);
    let mut step = next();
    let mut result = conn.query_iter(text).await.map_err(|error| (step, error))?;
    loop {
        let changed = result.affected_rows();
        match step {
            PacketStep::Statement => {
                answers.rows.push(changed);
                // Of returned rows the driver does not tell them: what it has is of the answer before.
                let warnings = if result.columns_ref().is_empty() { result.warnings() } else { 0 };
                answers.warnings = answers.warnings.saturating_add(warnings);
            }
            PacketStep::Net => answers.kept_changes |= result.warnings() > 0,
            _ => {}
        }
        let last = result.is_empty();
        // Also for the last answer: an error of any statement but the first looks like an empty last answer, and the
        // driver keeps it until it is asked for rows. They are read and thrown away one by one: memory stays flat.
        while result.next().await.map_err(|error| (step, error))?.is_some() {}
        if step == PacketStep::Finish {
            // A row that was there counts twice, in a table that only has the ledger's name once.
            answers.hidden |= changed != 2 * answers.rows.len() as u64;
        }
        if last {
            break;
        }
        step = next();
    }
    match step {
        PacketStep::Commit => Ok(()),
        _ => Err((step, mysql_async::Error::Other("the answers ended before COMMIT's".into()))),
    }
}
