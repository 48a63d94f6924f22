//! Cutting a table into ranges of a unique key, one job each.

pub(crate) mod cutter;
pub(crate) mod file;
pub(crate) mod key_name;
pub(crate) mod size;
pub(crate) mod template;
pub(crate) mod writer;

use crate::Error;
use crate::location::Location;
use crate::problem::Problem;

/// How ranges are named in errors.
pub(crate) const INPUT_NAME: &str = "range";

/// What is wrong with the key, or the template for its ranges.
pub(crate) fn range_error(why: String) -> Error {
    Error::Statement { at: Location::start(INPUT_NAME.as_ref()), problem: Problem::Malformed(why) }
}

/// The columns of the rows for one end: `lo`, or for a key of several columns `lo_1`, `lo_2`, ….
pub(crate) fn column_names(end: &str, columns: usize) -> Vec<String> {
    match columns {
        1 => vec![end.to_owned()],
        _ => (1..=columns).map(|column| format!("{end}_{column}")).collect(),
    }
}
