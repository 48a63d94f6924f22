//! What the server says of changes that no rollback undoes.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::error_code::NOT_ROLLED_BACK;

/// Whether the last statement has told of such changes. The list of its warnings may be cut, which a statement can do
/// that sets max_error_count in a function: of what is not `plain` a list that is cut tells of everything.
pub(crate) async fn is_told(conn: &mut Conn, plain: bool) -> Result<bool, mysql_async::Error> {
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
