//! What the server's warnings say of changes that no rollback undoes.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::error_code::NOT_ROLLED_BACK;

/// Whether the warnings of the last statement tell of such changes. The list may be cut, which a statement can do that
/// sets max_error_count in a function: when the jobs are not `plain`, a list that is cut counts as telling of them.
pub(crate) async fn tell_of_kept_changes(conn: &mut Conn, plain: bool) -> Result<bool, mysql_async::Error> {
    let warnings: Vec<(String, u16, String)> = conn.query("SHOW WARNINGS").await?;
    if warnings.iter().any(|(_, code, _)| *code == NOT_ROLLED_BACK) {
        return Ok(true);
    }
    if plain {
        return Ok(false);
    }
    let count: Option<usize> = conn.query_first("SHOW COUNT(*) WARNINGS").await?;
    Ok(count != Some(warnings.len()))
}
