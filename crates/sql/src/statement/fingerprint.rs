//! Fingerprints: what statements have in common, and which rows one touches.

use crate::lexer::scanner::SqlMode;
use crate::lexer::token::{Token, TokenKind, Tokens};

/// Two digests of a statement: FNV-1a over its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The same for statements that differ only in their literals, in how many of them a list has, in white space,
    /// comments and the case of unquoted words. Of INSERT … VALUES nothing after VALUES counts.
    pub statement: u64,
    /// Of an UPDATE or DELETE with a WHERE: the same for those whose WHERE, and all after it, is the same.
    pub condition: Option<u64>,
    /// The question marks in that part: the last bound values belong to it.
    pub condition_placeholders: usize,
}

/// The digests of a statement that [`crate::inspect`] has accepted.
pub fn fingerprint(sql: &str, mode: SqlMode) -> Fingerprint {
    let mut tokens = Tokens::new(sql, mode);
    let mut statement = Digest::NEW;
    let mut list = List::Outside;
    let mut first = true;
    let mut inserts = false;
    let mut changes = false;
    while let Some(token) = tokens.next() {
        if std::mem::take(&mut first) {
            inserts = token.is_any(&["insert", "replace"]);
        }
        changes |= token.depth == 0 && token.is_any(&["update", "delete"]);
        list.add(token, &mut statement);
        if inserts && token.depth == 0 && token.is_any(&["values", "value"]) {
            break;
        }
        if changes && token.depth == 0 && token.is("where") {
            let mut condition = Digest::NEW;
            let mut condition_placeholders = 0;
            for token in tokens.by_ref() {
                list.add(token, &mut statement);
                write(token, &mut condition);
                condition_placeholders += usize::from(token.is_symbol("?"));
            }
            return Fingerprint {
                statement: statement.0,
                condition: Some(condition.0),
                condition_placeholders,
            };
        }
    }
    Fingerprint { statement: statement.0, condition: None, condition_placeholders: 0 }
}

/// The position in a list of literals: `1, 2, 3` counts as one literal.
#[derive(Clone, Copy)]
enum List {
    Outside,
    AfterLiteral,
    AfterComma,
}

impl List {
    fn add(&mut self, token: Token<'_>, shape: &mut Digest) {
        let literal = matches!(token.kind, TokenKind::Number | TokenKind::String) || token.is("null");
        *self = match *self {
            List::AfterLiteral if token.is_symbol(",") => List::AfterComma,
            List::AfterComma if literal => List::AfterLiteral,
            before => {
                if matches!(before, List::AfterComma) {
                    shape.add(b",\xFF");
                }
                if literal {
                    shape.add(b"?\xFF");
                    List::AfterLiteral
                } else {
                    write(token, shape);
                    List::Outside
                }
            }
        };
    }
}

/// Adds a token, and a byte behind it that no text holds.
fn write(token: Token<'_>, into: &mut Digest) {
    if token.kind == TokenKind::Word {
        token.text.bytes().for_each(|byte| into.add(&[byte.to_ascii_lowercase()]));
    } else {
        into.add(token.text.as_bytes());
    }
    into.add(b"\xFF");
}

struct Digest(u64);

impl Digest {
    const NEW: Digest = Digest(0xCBF2_9CE4_8422_2325);

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> Fingerprint {
        fingerprint(sql, SqlMode::default())
    }

    #[test]
    fn literals_do_not_count() {
        for (one, other, same) in [
            ("UPDATE t SET a = 1 WHERE id = 2", "update t /* x */ set a='x' where id=3.5e1", true),
            ("UPDATE t SET a = 1 WHERE id IN (1, 2, 3)", "UPDATE t SET a = NULL WHERE id IN (1)", true),
            ("UPDATE t SET a = f(1, b)", "UPDATE t SET a = f(1, 2, b)", true),
            ("UPDATE t SET a = f(1, b)", "UPDATE t SET a = f(1 b)", false),
            ("UPDATE t SET a = 1", "UPDATE u SET a = 1", false),
            ("UPDATE `t` SET a = 1", "UPDATE `T` SET a = 1", false),
            ("INSERT INTO t VALUES (1, 2)", "INSERT INTO t VALUES (1, 2), (3, f(4))", true),
            ("INSERT INTO t (a) VALUES (1)", "INSERT INTO t (b) VALUES (1)", false),
        ] {
            assert_eq!(of(one).statement == of(other).statement, same, "{one} | {other}");
        }
    }

    #[test]
    fn the_same_condition_marks_the_same_rows() {
        for (one, other, same) in [
            ("UPDATE t SET a = 1 WHERE id = 2", "UPDATE t SET b = 5 where ID = 2 -- x", true),
            ("UPDATE t SET a = 1 WHERE id = 2", "UPDATE t SET a = 1 WHERE id = 3", false),
            ("DELETE FROM t WHERE a = 'x'", "DELETE FROM t WHERE a = 'X'", false),
        ] {
            assert_eq!(of(one).condition == of(other).condition, same, "{one} | {other}");
        }
        assert_eq!(of("SELECT 1 FROM t WHERE a = 1").condition, None);
        assert_eq!(of("UPDATE t SET a = (SELECT 1 FROM u WHERE a = 1)").condition, None);
        assert_eq!(of("UPDATE t SET a = ? WHERE b = ? AND c = '?' AND d = ?").condition_placeholders, 2);
    }
}
