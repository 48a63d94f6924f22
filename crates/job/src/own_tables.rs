//! The tables of queryfleet itself, which no job may change: a job that did could call others done.

use queryfleet_sql::{Kind, SqlMode, may_change_tables_with_prefix};

/// What the names of all tables of queryfleet begin with.
pub const TABLE_PREFIX: &str = "queryfleet_";

/// Whether a table has the name of one of queryfleet's, of this ledger or of another.
pub fn is_own_table(table: &str) -> bool {
    let start = table.as_bytes().get(..TABLE_PREFIX.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(TABLE_PREFIX.as_bytes()))
}

/// Whether a statement of this kind, which [`queryfleet_sql::inspect`] has accepted, may change a table of queryfleet.
/// One that only reads such a table, or reads it and writes others, may not.
pub fn may_change_own_tables(sql: &str, kind: Kind, mode: SqlMode) -> bool {
    may_change_tables_with_prefix(sql, kind, mode, TABLE_PREFIX)
}
