//! Conditions that rows are before or after a key, as the server compares them.

use crate::range::key::{Column, Key};

/// A column and a value of it.
pub(crate) struct Bound {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) descending: bool,
}

/// On which side of a key, in the order of the walk.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Before,
    After,
}

/// The condition for keys on one side of such values. Spelled out: servers walk no index for a comparison of rows.
pub(crate) fn compare(key: &[Bound], side: Side, or_equal: &str) -> String {
    let sign = |bound: &Bound| if matches!(side, Side::After) != bound.descending { '>' } else { '<' };
    match key {
        [] => "1".into(),
        [last] => format!("{} {}{or_equal} {}", last.name, sign(last), last.value),
        [first, rest @ ..] => {
            let Bound { name, value, .. } = first;
            let rest = compare(rest, side, or_equal);
            format!("{name} {} {value} OR ({name} = {value} AND ({rest}))", sign(first))
        }
    }
}

impl Key {
    /// The condition that a row is in a range; `lo` and `hi` are the texts of its ends, one for each column.
    pub fn condition(&self, lo: &[String], hi: &[String]) -> String {
        let with = |end: &[String]| self.bounds(end.iter().cloned());
        let from = compare(&with(lo), Side::After, "=");
        let to = compare(&with(hi), Side::Before, "=");
        format!("(({from}) AND ({to}))")
    }

    /// The columns with values.
    pub(crate) fn bounds(&self, values: impl Iterator<Item = String>) -> Vec<Bound> {
        let bound = |(column, value): (&Column, String)| Bound {
            name: column.name.clone(),
            value,
            descending: column.descending,
        };
        self.columns.iter().zip(values).map(bound).collect()
    }
}
