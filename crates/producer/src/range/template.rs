//! The statement for each range: `:range` of a template is written out as a condition.

use queryfleet_ledger::Key;
use queryfleet_sql::SqlMode;

use crate::Error;
use crate::range::column_names;
use crate::range::range_error;

/// The template with `:range` written out.
///
/// # Errors
/// Returns [`Error::Statement`] if a placeholder has another name, or if the jobs would meet more than their range.
pub(crate) fn expand(template: &str, key: &Key, mode: SqlMode) -> Result<String, Error> {
    let count = key.columns().len();
    let used: Vec<&str> =
        queryfleet_sql::placeholders(template, mode).map(|placeholder| placeholder.name).collect();
    let has = |name: &str| used.contains(&name);
    if let Some(other) = used.iter().find(|name| !matches!(**name, "lo" | "hi" | "range")) {
        return Err(range_error(format!(
            "placeholder :{other} of the template has no value: a range has :lo, :hi and :range"
        )));
    }
    if count > 1 && (has("lo") || has("hi")) {
        return Err(range_error(
            ":lo and :hi are for keys of one column: write the condition as :range".into(),
        ));
    }
    let both = has("lo") && has("hi");
    if !has("range") && !both {
        return Err(range_error(
            "template has neither :range nor both :lo and :hi, so its jobs would meet more than their range"
                .into(),
        ));
    }
    let ends = |end| column_names(end, count).into_iter().map(|name| format!(":{name}")).collect::<Vec<_>>();
    let (lo, hi) = match key.directions().as_slice() {
        [true] => (ends("hi"), ends("lo")),
        _ => (ends("lo"), ends("hi")),
    };
    let condition = key.condition(&lo, &hi);
    let mut text = String::new();
    let mut after = 0;
    for placeholder in
        queryfleet_sql::placeholders(template, mode).filter(|placeholder| placeholder.name == "range")
    {
        text.push_str(&template[after..placeholder.range.start]);
        text.push_str(&condition);
        after = placeholder.range.end;
    }
    Ok(text + &template[after..])
}
