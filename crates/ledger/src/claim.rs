//! Reading and writing single ledger rows, outside of the packet.

use job::{Job, LedgerState, RunId};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;

/// The state of a job; `None` when it has no row.
pub(crate) async fn state(
    conn: &mut Conn,
    ledger: &str,
    run: RunId,
    seq: u64,
) -> Result<Option<LedgerState>, mysql_async::Error> {
    let query = format!("SELECT CAST(state AS CHAR) FROM {ledger} WHERE run={run} AND seq={seq}");
    let word: Option<String> = conn.query_first(query).await?;
    word.map(|word| word.parse().map_err(|text: String| mysql_async::Error::Other(text.into()))).transpose()
}

/// The statement of a job as it is to be sent: bound values written in as literals, by the driver's own writer and
/// for the sql_mode in force.
pub(crate) fn statement(job: &Job, mode: job::lexer::SqlMode) -> Result<std::borrow::Cow<'_, str>, String> {
    let _ = mode;
    if job.params.is_empty() {
        return Ok(job.sql.as_str().into());
    }
    Err("bound values are not supported yet".into())
}
