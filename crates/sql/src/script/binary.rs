//! Statements of dumps under SET NAMES binary.

use crate::lexer::scanner::SqlMode;
use crate::lexer::token::{Token, TokenKind, Tokens};

/// Words of an INSERT of literals that compute nothing.
const WORDS: [&str; 9] =
    ["insert", "replace", "ignore", "into", "values", "value", "null", "default", "delayed"];

/// An INSERT or REPLACE of plain rows, rewritten so that it does in a utf8mb4 session what it does after SET NAMES
/// binary: there each string is its bytes, which `_binary` before it says as well. `None` for any other statement,
/// since the result of a function, or a comparison, has no such sign.
pub fn with_binary_strings(sql: &str, mode: SqlMode) -> Option<String> {
    let mut written = String::with_capacity(sql.len() + 64);
    // What of the text is not written yet, and the token before.
    let mut from = 0;
    let mut before = None::<Token<'_>>;
    let mut in_rows = false;
    for token in Tokens::new(sql, mode) {
        if before.is_none() && !token.is_any(&["insert", "replace"]) || token.version.is_some() {
            return None;
        }
        let is_plain = match token.kind {
            TokenKind::Word if !in_rows => true,
            TokenKind::Word => token.is_any(&WORDS) || is_conversion(token, before),
            TokenKind::Name => !in_rows,
            TokenKind::Symbol => !in_rows || matches!(token.text, "(" | ")" | "," | "-" | "+" | ";"),
            TokenKind::Number => true,
            TokenKind::String => in_rows,
            TokenKind::Variable => false,
        };
        if !is_plain || !in_rows && token.is_any(&["select", "set", "table", "with"]) {
            return None;
        }
        in_rows |= token.depth == 0 && token.is_any(&["values", "value"]);
        if token.text.starts_with(['n', 'N']) && token.kind == TokenKind::String {
            return None;
        }
        // Bits and hexadecimal digits are bytes anyway.
        if token.kind == TokenKind::String && token.text.starts_with(['\'', '"']) {
            let at = token.at;
            // A prefixed one is of its own character set; two in a row are one string.
            let apart = before.is_some_and(|before| {
                before.kind == TokenKind::Symbol || before.is_any(&["value", "values"])
            });
            if !apart || !token.text.starts_with(['\'', '"']) {
                return None;
            }
            written.push_str(&sql[from..at]);
            written.push_str("_binary");
            from = at;
        }
        before = Some(token);
    }
    written.push_str(&sql[from..]);
    in_rows.then_some(written)
}

/// `CONVERT('…' USING utf8mb4)`, as mydumper writes JSON.
fn is_conversion(token: Token<'_>, before: Option<Token<'_>>) -> bool {
    token.is_any(&["convert", "using"]) || before.is_some_and(|before| before.is("using"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_plain_rows_become_bytes() {
        for (sql, wanted) in [
            (
                "INSERT INTO `t` VALUES\n(1,\"é\",NULL,-1.5),('it''s',0x00)",
                Some("INSERT INTO `t` VALUES\n(1,_binary\"é\",NULL,-1.5),(_binary'it''s',0x00)"),
            ),
            ("replace into t (a, `b`) values ('x')", Some("replace into t (a, `b`) values (_binary'x')")),
            (
                "INSERT INTO t VALUES (CONVERT('{}' USING UTF8MB4))",
                Some("INSERT INTO t VALUES (CONVERT(_binary'{}' USING UTF8MB4))"),
            ),
            ("INSERT INTO t VALUES (HEX('a'))", None),
            ("INSERT INTO t VALUES (_latin1'a')", None),
            ("INSERT INTO t VALUES ('a') ON DUPLICATE KEY UPDATE a = 'b'", None),
            ("INSERT INTO t VALUES ('a' 'b')", None),
            ("INSERT INTO t VALUES (x'00', B'1')", Some("INSERT INTO t VALUES (x'00', B'1')")),
            ("INSERT INTO t VALUES (n'a')", None),
            ("INSERT INTO t VALUES (a)", None),
            ("INSERT INTO t VALUES ('a' = 'b')", None),
            ("INSERT INTO t SELECT 'a'", None),
            ("INSERT INTO t SET a = 'a'", None),
            ("DELETE FROM t WHERE a = 'a'", None),
            ("", None),
        ] {
            assert_eq!(with_binary_strings(sql, SqlMode::default()).as_deref(), wanted, "{sql}");
        }
    }
}
