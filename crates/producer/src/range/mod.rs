//! What is said about ranges: the key, the template, and a range as a row for it.

pub(crate) mod cut;
pub(crate) mod size;

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use queryfleet_ledger::{Key, KeyValue, Range};
use queryfleet_sql::{self, SqlMode};

use crate::input::Input;
use crate::input::keep;
use crate::input::template::Template;
use crate::{Error, Size};

/// How ranges are named in errors.
pub(crate) const NAME: &str = "--range";

/// A table to be cut, and the statement for each of its ranges.
#[derive(Clone, Copy, Debug)]
pub struct Ranges<'a> {
    /// The statement: with `:lo` and `:hi`, the first and the last key of a range, or with `:range`, the condition that a
    /// row is in it.
    pub template: &'a str,
    /// `[DATABASE.]TABLE.COLUMN[,COLUMN…]`: all columns of a unique key, in its order; names may stand in backquotes.
    pub key: &'a str,
    /// Rows a range.
    pub size: Size,
}

/// Ranges as rows for the template, in a file.
pub(crate) struct Rows {
    file: BufWriter<File>,
}

impl Rows {
    /// In a temporary file.
    ///
    /// # Errors
    /// When there is no room for one, as with every call.
    pub(crate) fn new() -> Result<Rows, Error> {
        Ok(Rows { file: BufWriter::new(keep::file(NAME.as_ref())?) })
    }

    /// Adds a range.
    pub(crate) fn add(&mut self, range: &Range) -> Result<(), Error> {
        let row: serde_json::Map<String, serde_json::Value> =
            pairs(range).map(|(name, value)| (name, serde_json::json!(value))).collect();
        serde_json::to_writer(&mut self.file, &row).map_err(|error| unkept(error.into()))?;
        self.file.write_all(b"\n").map_err(unkept)
    }

    /// All of them as an input.
    pub(crate) fn input(self, template: &Arc<Template>) -> Result<Input, Error> {
        let file = self.file.into_inner().map_err(|error| unkept(error.into_error()))?;
        Ok(Input::of_rows(NAME, file, template.clone()))
    }
}

/// The columns of a range's row and their values.
pub(crate) fn pairs(range: &Range) -> impl Iterator<Item = (String, &KeyValue)> {
    let (lo, hi) = match range.descending.as_slice() {
        // Spelled out, as `id BETWEEN :lo AND :hi`, the smaller one comes first, however the walk goes.
        [true] => (&range.hi, &range.lo),
        _ => (&range.lo, &range.hi),
    };
    let ends = [("lo", lo), ("hi", hi)].into_iter();
    ends.flat_map(|(end, key)| names(end, key.len()).into_iter().zip(key))
}

fn unkept(source: std::io::Error) -> Error {
    keep::unkept(NAME.as_ref())(source)
}

/// What is wrong with a range.
pub(crate) fn bad(why: String) -> Error {
    Error::bad(NAME.as_ref(), 1, b"", 0, why)
}

/// The columns of the rows for one end: `lo`, or for a key of several columns `lo_1`, `lo_2`, ….
fn names(end: &str, columns: usize) -> Vec<String> {
    match columns {
        1 => vec![end.to_owned()],
        _ => (1..=columns).map(|column| format!("{end}_{column}")).collect(),
    }
}

/// `[DATABASE.]TABLE.COLUMN[,COLUMN…]` as its parts.
pub(crate) struct Parts<'a> {
    pub(crate) schema: Option<Cow<'a, str>>,
    pub(crate) table: Cow<'a, str>,
    pub(crate) columns: Vec<Cow<'a, str>>,
}

/// A key as its parts, without the backquotes that a name with `.`, `,` or a backquote needs.
pub(crate) fn parse(key: &str) -> Option<Parts<'_>> {
    let (first, mut rest) = name(key)?;
    let mut names = vec![first];
    while let Some(after) = rest.strip_prefix('.') {
        let (next, after) = name(after)?;
        names.push(next);
        rest = after;
    }
    let mut columns = vec![names.pop()?];
    while let Some(after) = rest.strip_prefix(',') {
        let (next, after) = name(after)?;
        columns.push(next);
        rest = after;
    }
    let table = names.pop()?;
    let schema = names.pop();
    (rest.is_empty() && names.is_empty()).then_some(Parts { schema, table, columns })
}

/// The name at the head of a text, and what follows it.
fn name(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let text = text.trim_start();
    let Some(quoted) = text.strip_prefix('`') else {
        let (name, rest) = text.split_at(text.find(['.', ',']).unwrap_or(text.len()));
        let name = name.trim_end();
        return (!name.is_empty()).then_some((name.into(), rest));
    };
    let mut from = 0;
    loop {
        let end = from + quoted[from..].find('`')?;
        let rest = &quoted[end + 1..];
        if rest.starts_with('`') {
            // Two of them are one that belongs to the name.
            from = end + 2;
            continue;
        }
        let name = quoted[..end].replace("``", "`");
        return (end > 0).then_some((name.into(), rest.trim_start()));
    }
}

/// The template with `:range` written out.
pub(crate) fn expand(template: &str, key: &Key, mode: SqlMode) -> Result<String, Error> {
    let count = key.columns().len();
    let used: Vec<&str> =
        queryfleet_sql::placeholders(template, mode).map(|placeholder| placeholder.name).collect();
    let has = |name: &str| used.contains(&name);
    if let Some(other) = used.iter().find(|name| !matches!(**name, "lo" | "hi" | "range")) {
        return Err(bad(format!(
            "placeholder :{other} of the template has no value: a range has :lo, :hi and :range"
        )));
    }
    if count > 1 && (has("lo") || has("hi")) {
        return Err(bad(":lo and :hi are for keys of one column: write the condition as :range".into()));
    }
    let both = has("lo") && has("hi");
    if !has("range") && !both {
        return Err(bad(
            "template has neither :range nor both :lo and :hi, so its jobs would meet more than their range"
                .into(),
        ));
    }
    let ends = |end| names(end, count).into_iter().map(|name| format!(":{name}")).collect::<Vec<_>>();
    let (lo, hi) = match key.directions().as_slice() {
        [true] => (ends("hi"), ends("lo")),
        _ => (ends("lo"), ends("hi")),
    };
    let condition = key.condition(&lo, &hi);
    let (mut text, mut after) = (String::new(), 0);
    for placeholder in
        queryfleet_sql::placeholders(template, mode).filter(|placeholder| placeholder.name == "range")
    {
        text.push_str(&template[after..placeholder.range.start]);
        text.push_str(&condition);
        after = placeholder.range.end;
    }
    Ok(text + &template[after..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_sql_reads_names() {
        for (key, schema, table, columns) in [
            ("t.id", None, "t", &["id"][..]),
            ("shop.orders.customer, id", Some("shop"), "orders", &["customer", "id"]),
            ("`a.b`.`c`", None, "a.b", &["c"]),
            ("s . `a,``b` .x, `y.z` ,`,`", Some("s"), "a,`b", &["x", "y.z", ","]),
            ("`s`.t.````", Some("s"), "t", &["`"]),
            ("größe.ü", None, "größe", &["ü"]),
        ] {
            let parts = parse(key).unwrap_or_else(|| panic!("{key}"));
            assert_eq!((parts.schema.as_deref(), &*parts.table), (schema, table), "{key}");
            assert_eq!(parts.columns, columns, "{key}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for key in [
            "", "t", "t.", ".id", "t.a,", "t.a,b.c", "a.b.c.d", "`t.id", "``.id", "`t`x.id", "t.`a`b",
            "`a```.", " . ",
        ] {
            assert!(parse(key).is_none(), "{key}");
        }
    }
}
