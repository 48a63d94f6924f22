//! Columns of bits: a text that is assigned to one is taken for its characters, `1` for 49.

use mysql_async::prelude::Queryable;
use mysql_async::{Params, Value};

use crate::Error;
use crate::connection::LedgerClient;

/// A column of the type BIT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits {
    /// Its table.
    pub table: String,
    /// The column.
    pub column: String,
    /// Its place in the table, from 0.
    pub place: usize,
}

/// The columns of bits of all tables and views that have one of these names, in any database.
pub(crate) async fn bit_columns(client: &mut LedgerClient, tables: &[String]) -> Result<Vec<Bits>, Error> {
    let marks = vec!["?"; tables.len()].join(", ");
    let query = format!(
        "SELECT table_name, column_name, ordinal_position FROM information_schema.columns \
         WHERE data_type = 'bit' AND table_name IN ({marks})"
    );
    let names: Vec<Value> = tables.iter().map(Value::from).collect();
    let doing = "look for columns of bits";
    let rows: Vec<(String, String, u64)> =
        client.ask(doing, async |conn| conn.exec(&query, Params::Positional(names)).await).await?;
    let bits =
        |(table, column, place): (String, String, u64)| Bits { table, column, place: place as usize - 1 };
    Ok(rows.into_iter().map(bits).collect())
}
