//! Whether the server takes a row, tried: it is written and rolled back.

use mysql_async::prelude::Queryable;

use crate::Error;
use crate::connection::LedgerClient;
use crate::error_code::{DEADLOCK, LOCK_WAIT, NO_DEFAULT, NO_SUCH_TABLE};
use crate::inspect::rights::{DENIED, Table};

/// What became of a row that was written to try it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The server took it, and it was rolled back.
    Yes,
    /// It was not tried: the right or the table is missing, which others say.
    Untried,
    /// What the server said.
    No(String),
}

impl Written {
    /// How an error of writing our own rows is to be read.
    ///
    /// # Errors
    /// When nobody has answered.
    pub fn of(written: Result<(), Error>) -> Result<Written, Error> {
        let Err(error) = written else { return Ok(Written::Yes) };
        Ok(match error.code() {
            None => return Err(error),
            Some(NO_DEFAULT) => Written::Yes,
            Some(code) if code == NO_SUCH_TABLE || DENIED.contains(&code) => Written::Untried,
            Some(LOCK_WAIT | DEADLOCK) => Written::Untried,
            Some(_) => Written::No(error.source_text()),
        })
    }
}

/// Writes a row of nobody's into a table, and rolls it back.
pub(crate) async fn try_write(client: &mut LedgerClient, table: Table) -> Result<Written, Error> {
    let tables = &client.database.tables;
    let run = queryfleet_job::RunId::fresh();
    let id = queryfleet_job::LedgerId::fresh()?;
    let insert = match table {
        Table::Meta => format!("INSERT INTO {} (name, value) VALUES ('tried {run}', '')", tables.meta),
        Table::Run => format!(
            "INSERT INTO {} (id, name, queue, digest, chunk) VALUES ({run}, 'tried {run}', 'doctor', REPEAT('0', 32), 1)",
            tables.run
        ),
        Table::Ledger => {
            format!("INSERT INTO {} (run, seq, state) VALUES ({run}, 1, 'cancelled')", tables.ledger)
        }
        Table::Dead => format!(
            "INSERT INTO {} (queue, reason, message, attempts, worker, envelope) VALUES ('doctor', '', '', 0, '', '')",
            tables.dead
        ),
        Table::Worker => {
            format!("INSERT INTO {} (id, name, queue, slots) VALUES ('{id}', '', 'doctor', 0)", tables.worker)
        }
        Table::Range => {
            format!("INSERT INTO {} (run, seq, lo, hi) VALUES ({run}, 0, '[]', '[]')", tables.range)
        }
        Table::Hold => format!(
            "INSERT INTO {} (queue, placed, placed_by, because) VALUES ('', UTC_TIMESTAMP(3), '', '')",
            tables.hold
        ),
        Table::Place => {
            format!("INSERT INTO {} (run, block, places) VALUES ({run}, 0, '[]')", tables.place)
        }
        Table::Limit => format!(
            "INSERT INTO {} (queue, version, terms, changed, changed_by, because) \
             VALUES ('tried {run}', 0, '{{}}', UTC_TIMESTAMP(3), '', '')",
            tables.limit
        ),
        Table::Permit => format!("INSERT INTO {} (queue, id) VALUES ('tried {run}', 0)", tables.permit),
        Table::Rate => format!("INSERT INTO {} (queue) VALUES ('tried {run}')", tables.rate),
        Table::Governor => format!("INSERT INTO {} (queue) VALUES ('tried {run}')", tables.governor),
        Table::Event => format!(
            "INSERT INTO {} (at, queue, who, what, detail) VALUES (UTC_TIMESTAMP(3), '', '', '', '')",
            tables.event
        ),
    };
    let written = client
        .ask("try to write", async |conn| {
            conn.query_drop("START TRANSACTION").await?;
            conn.query_drop(insert).await?;
            conn.query_drop("ROLLBACK").await
        })
        .await;
    Written::of(written)
}
