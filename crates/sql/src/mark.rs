//! The `?` marks of a statement with bound values.

use super::SqlMode;
use super::scan::{Scanner, Stops};

static MARK: Stops = Stops::syntax().and(b"?");

/// Where the `?`s of a statement stand, in their order: in code, not in strings, quoted identifiers and comments.
/// In a statement whose end is unterminated, which [`super::check()`] refuses, nothing more is found there.
pub fn marks(sql: &str, mode: SqlMode) -> impl Iterator<Item = usize> {
    let mut scanner = Scanner::new(mode);
    let text = sql.as_bytes();
    std::iter::from_fn(move || {
        scanner.run(text, &MARK, true)?;
        scanner.at += 1;
        Some(scanner.at - 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_in_code_only() {
        let sql = "UPDATE t SET a = ?, b = '?' /* ? */ WHERE `?` = ? -- ?";
        let found: Vec<usize> = marks(sql, SqlMode::default()).collect();
        assert_eq!(found, [17, 49 - 1]);
    }
}
