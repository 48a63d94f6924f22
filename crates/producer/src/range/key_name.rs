//! The key of a table as a caller writes it: `[DATABASE.]TABLE.COLUMN[,COLUMN…]`.

use std::borrow::Cow;

/// The names in a key.
pub(crate) struct KeyName<'a> {
    pub(crate) schema: Option<Cow<'a, str>>,
    pub(crate) table: Cow<'a, str>,
    pub(crate) columns: Vec<Cow<'a, str>>,
}

/// A key as its parts, without the backquotes that a name with `.`, `,` or a backquote needs.
pub(crate) fn parse(key: &str) -> Option<KeyName<'_>> {
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
    (rest.is_empty() && names.is_empty()).then_some(KeyName { schema, table, columns })
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
