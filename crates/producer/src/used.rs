//! What a `USE` says.

/// The database that a `USE` names; `None` when it is not `USE name` with a plain or a back-quoted name at its end.
pub(crate) fn used(sql: &str) -> Option<String> {
    let sql = sql.trim_end();
    let Some(quoted) = sql.strip_suffix('`') else {
        let name = sql.rsplit(char::is_whitespace).next()?;
        let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
        return (plain && !name.is_empty()).then(|| name.to_owned());
    };
    let bytes = quoted.as_bytes();
    let mut at = bytes.len();
    while at > 0 {
        at -= 1;
        if bytes[at] == b'`' {
            match at.checked_sub(1).map(|before| bytes[before]) {
                // Doubled inside of the name.
                Some(b'`') => at -= 1,
                _ => return Some(quoted[at + 1..].replace("``", "`")),
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_names_its_database() {
        for (sql, wanted) in [
            ("USE shop", Some("shop")),
            ("use\n `my shop`", Some("my shop")),
            ("/* dump */ USE `a``b`", Some("a`b")),
            ("USE a.b", None),
        ] {
            assert_eq!(used(sql).as_deref(), wanted, "{sql}");
        }
    }
}
