//! The columns of tables, as far as their types decide what becomes of a text there.

use mysql_async::prelude::Queryable;
use mysql_async::{Params, Value};

use crate::Error;
use crate::connection::LedgerClient;

/// A type whose values no double holds, or any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataType {
    /// BIT: a text that meets one is taken for its characters, `1` for 49.
    Bit,
    /// BIGINT, with a sign or without.
    Bigint,
    /// DECIMAL, also called NUMERIC.
    Decimal,
    /// Any other.
    Other,
}

/// A column of a table or a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumn {
    /// Its table.
    pub table: String,
    /// Its name.
    pub column: String,
    /// Its place in the table, from 0.
    pub place: usize,
    /// Its type.
    pub data_type: DataType,
}

/// Those of all tables and views that have one of these names, in any database.
pub(crate) async fn columns_of(
    client: &mut LedgerClient,
    tables: &[String],
) -> Result<Vec<TableColumn>, Error> {
    let marks = vec!["?"; tables.len()].join(", ");
    let query = format!(
        "SELECT table_name, column_name, ordinal_position, CAST(data_type AS CHAR) FROM information_schema.columns \
         WHERE table_name IN ({marks})"
    );
    let names: Vec<Value> = tables.iter().map(Value::from).collect();
    let doing = "look for the types of columns";
    let rows: Vec<(String, String, u64, String)> =
        client.ask(doing, async |conn| conn.exec(&query, Params::Positional(names)).await).await?;
    let column = |(table, column, place, data_type): (String, String, u64, String)| TableColumn {
        table,
        column,
        place: place as usize - 1,
        data_type: match data_type.to_ascii_lowercase().as_str() {
            "bit" => DataType::Bit,
            "bigint" => DataType::Bigint,
            "decimal" => DataType::Decimal,
            _ => DataType::Other,
        },
    };
    Ok(rows.into_iter().map(column).collect())
}
