//! Reading rows of the tables of queryfleet.

use mysql_async::Row;
use mysql_async::prelude::FromValue;

/// A column of a row of `what`, by its place in the SELECT. The error names both.
pub(crate) fn read_column<T: FromValue>(row: &Row, index: usize, what: &str) -> Result<T, String> {
    row.get_opt(index).and_then(Result::ok).ok_or_else(|| format!("column {index} of {what} is unreadable"))
}
