//! Reading and writing single ledger rows, outside of the packet.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use queryfleet_job::{LedgerState, RunId};

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
