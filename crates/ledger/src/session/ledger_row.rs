//! The ledger row of one job, read outside of the packet.

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
    word.map(|word| parse_state(&word).map_err(|text| mysql_async::Error::Other(text.into()))).transpose()
}

/// The state that a word of the ledger's ENUM column stands for.
pub(crate) fn parse_state(word: &str) -> Result<LedgerState, String> {
    word.parse().map_err(|error| format!("unknown ledger state, perhaps of a newer version: {error}"))
}
