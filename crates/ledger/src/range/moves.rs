//! Whether the statement of a walk may put rows of its table into ranges that come later: those rows it would meet once
//! more.

use mysql_async::prelude::Queryable;
use queryfleet_sql::{self, Move, SqlMode, TableName};

use crate::Error;
use crate::connection::LedgerClient;
use crate::range::key::Key;

/// What the server knows of a table that a statement writes.
const ABOUT: &str = "SELECT 'view', '', '', '' FROM information_schema.views WHERE table_schema = ? AND table_name = ? \
    UNION ALL SELECT CONCAT('trigger ', trigger_name), COALESCE(action_statement, ''), sql_mode, event_manipulation \
    FROM information_schema.triggers WHERE event_object_schema = ? AND event_object_table = ?";
/// The columns of a table that follow those of another, and which.
const FOLLOWING: &str = "SELECT k.column_name, k.referenced_table_schema, k.referenced_table_name \
    FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r \
    ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name \
    AND r.table_name = k.table_name \
    WHERE k.table_schema = ? AND k.table_name = ? AND k.referenced_table_name IS NOT NULL \
    AND r.update_rule NOT IN ('RESTRICT', 'NO ACTION')";

/// Why a statement may move rows of the key's table, or add some; `None` when it does not, as far as its own text, the
/// views and triggers that this user may read, and foreign keys say.
pub(crate) async fn why_moves(
    client: &mut LedgerClient,
    key: &Key,
    sql: &str,
    mode: SqlMode,
) -> Result<Option<String>, Error> {
    let columns = key.names();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    match queryfleet_sql::moves(sql, mode, &key.name, &columns) {
        Some(Move::Sets(column)) => return Ok(Some(format!("sets {column}, a column of the key"))),
        Some(Move::Inserts) => return Ok(Some(format!("puts rows into {}", key.name))),
        None => {}
    }
    let kind = queryfleet_sql::inspect(sql, mode).ok().map(|inspected| inspected.kind);
    let deletes = kind == Some(queryfleet_sql::Kind::Delete);
    let Some(written) = queryfleet_sql::written_tables(sql, mode) else {
        return Ok(Some("does not say for sure which tables it writes".into()));
    };
    for table in &written {
        if let Some(why) = moved_through(client, key, table, &columns, deletes).await? {
            return Ok(Some(why));
        }
    }
    if deletes { Ok(None) } else { follows(client, key, &written, &columns).await }
}

/// Through a view on it, or by a trigger.
async fn moved_through(
    client: &mut LedgerClient,
    key: &Key,
    table: &TableName<'_>,
    columns: &[&str],
    deletes: bool,
) -> Result<Option<String>, Error> {
    let database = table.database.as_deref().unwrap_or(&client.database.schema).to_owned();
    let name = table.table.clone().into_owned();
    let doing = "look at what the template writes";
    let about: Vec<(String, String, String, String)> =
        client.ask(doing, async |conn| conn.exec(ABOUT, (&database, &name, &database, &name)).await).await?;
    for (what, body, mode, event) in about {
        if what == "view" {
            if deletes {
                continue;
            }
            return Ok(Some(format!("writes the view {name}, whose columns may be those of the key")));
        }
        let mode = SqlMode::from_server(&mode);
        let is_own = name.to_lowercase() == key.name.to_lowercase();
        if is_own && event == "UPDATE" && !deletes && queryfleet_sql::sets_new(&body, mode, columns) {
            return Ok(Some(format!("fires {what}, which sets a column of the key")));
        }
        // What writes the statement's own table is refused by the server.
        let may_write = |written: Vec<TableName<'_>>| {
            written.iter().any(|table| table.table.to_lowercase() == key.name.to_lowercase())
        };
        if !is_own && queryfleet_sql::tables_written_by_body(&body, mode).is_none_or(may_write) {
            return Ok(Some(format!("fires {what}, which writes {}", key.name)));
        }
    }
    Ok(None)
}

/// By a foreign key that lets a column of the key follow the one it refers to.
async fn follows(
    client: &mut LedgerClient,
    key: &Key,
    written: &[TableName<'_>],
    columns: &[&str],
) -> Result<Option<String>, Error> {
    let following: Vec<(String, String, String)> = client
        .ask("look at the table's foreign keys", async |conn| {
            conn.exec(FOLLOWING, (&key.database, &key.name)).await
        })
        .await?;
    let is_written =
        |name: &str| written.iter().any(|table| table.table.to_lowercase() == name.to_lowercase());
    let is_of_key = |name: &str| columns.iter().any(|column| column.to_lowercase() == name.to_lowercase());
    let found = following.iter().find(|(column, _, table)| is_of_key(column) && is_written(table));
    Ok(found
        .map(|(column, _, table)| format!("writes {table}, which {column} of the key follows (ON UPDATE)")))
}
