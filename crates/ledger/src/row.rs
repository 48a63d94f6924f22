//! Reading rows of the tables of queryfleet.

use mysql_async::Row;
use mysql_async::prelude::FromRow;

use crate::Error;

/// A row of `what`, column by column by their names.
///
/// # Errors
/// [`Error::Schema`] if a column is missing, or is NULL or of a type that its field cannot be. The driver's own error
/// holds the whole row.
pub(crate) fn read<T: FromRow>(row: Row, what: &str) -> Result<T, Error> {
    T::from_row_opt(row).map_err(|_| Error::Schema(format!("a row of {what} is unreadable")))
}
