//! In what use a bound value stands: as a text, as a number, or where it would be taken for a number that is not exact.
//!
//! A quoted text beside a `+` is computed in floating point, a bare number beside a text compares as one. So the use is
//! decided by the statement alone, never by a value: directly beside an operator that computes it is a number,
//! everywhere else a text, and a text that an operator would reach by another way (`n + COALESCE(?, 0)`) is refused. It
//! is no parser: what it does not know counts as one expression with what stands around it.
//!
//! `operators` finds what computes, `expression` what it reaches, `column` what stands on the other side of a `=`.

use crate::lexer::scanner::SqlMode;
use crate::lexer::token::{Token, TokenKind, Tokens};
use crate::values::expression;
use crate::values::operators::{self, Role};
use crate::values::parts::Use;
use crate::values::placeholder::marks;
use crate::values::words::{is_call, is_mark};

/// The use of every `?` of a statement, in their order, as [`crate::marks`] finds them.
pub fn uses(sql: &str, mode: SqlMode) -> Vec<Use> {
    let tokens: Vec<Token<'_>> = Tokens::new(sql, mode).collect();
    let roles = operators::roles(&tokens);
    let reached = expression::reached(&tokens, &roles);
    let count = marks(sql, mode).count();
    if count != reached.uses.len() {
        // Never to be: then nothing is known of any.
        return vec![Use::Unclear("what could not be read".into()); count];
    }
    let marks = tokens.iter().enumerate().filter(|(_, token)| is_mark(token));
    marks.zip(reached.uses).map(|((at, _), reached)| use_of(&tokens, &roles, at, reached)).collect()
}

fn use_of(tokens: &[Token<'_>], roles: &[Role], at: usize, reached: Use) -> Use {
    let before = at.checked_sub(1).map(|before| tokens[before]);
    if before.is_some_and(|before| before.is("offset"))
        || before.is_some_and(|before| before.is_any(&["first", "next"]))
            && at > 1
            && tokens[at - 2].is("fetch")
    {
        return Use::Count;
    }
    if let Some(before) = before
        && before.kind == TokenKind::Word
        && before.text.starts_with('_')
        && !before.is_any(&["_utf8mb4", "_utf8mb3", "_utf8", "_binary"])
    {
        return Use::Introduced(before.text.to_owned());
    }
    if matches!(reached, Use::Count) {
        return reached;
    }
    if is_beside_operator(tokens, roles, at) {
        return Use::Number;
    }
    reached
}

/// Whether what computes stands right before or behind it, parentheses around it alone looked through.
fn is_beside_operator(tokens: &[Token<'_>], roles: &[Role], at: usize) -> bool {
    let mut first = at;
    let mut last = at;
    while first > 0
        && tokens[first - 1].is_symbol("(")
        && tokens.get(last + 1).is_some_and(|next| next.is_symbol(")"))
        && (first == 1 || !is_call(tokens, first - 1))
    {
        first -= 1;
        last += 1;
    }
    let is_operator = |at: usize| roles.get(at) == Some(&Role::Computes);
    first.checked_sub(1).is_some_and(is_operator) || is_operator(last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> Vec<Use> {
        let found = uses(sql, SqlMode::default());
        assert_eq!(found.len(), marks(sql, SqlMode::default()).count(), "{sql}");
        found
    }

    /// One letter for each: a text, a number, a count, unclear, constant, introduced.
    fn letters(sql: &str) -> String {
        let letter = |use_: &Use| match use_ {
            Use::Text => 't',
            Use::Number => 'n',
            Use::Count => 'c',
            Use::Unclear(_) => 'u',
            Use::Constant => 'k',
            Use::Introduced(_) => 'i',
            Use::Bits(_) | Use::Among(_) => 'b',
        };
        of(sql).iter().map(letter).collect()
    }

    #[test]
    fn beside_an_operator_it_is_a_number() {
        for (sql, wanted) in [
            ("UPDATE t SET n = n + ? WHERE id = ?", "nt"),
            ("UPDATE t SET n = ? - n, m = ?, o = -?, p = ~ ?", "ntnn"),
            ("UPDATE t SET a = a * ?, b = b / ?, c = c % ?, d = d DIV ?, e = e MOD ?", "nnnnn"),
            ("UPDATE t SET a = a & ?, b = b | ?, c = c ^ ?, d = d << ?, e = ? >> e", "nnnnn"),
            ("UPDATE t SET n = n + (?), m = ((?)) * 2 WHERE (?) + 0 = a", "nnn"),
            ("UPDATE t SET n = n /* a */ + -- b\n ? WHERE id = ?", "nt"),
            ("INSERT INTO t (a, b, c) VALUES (?, ? + 0, ?), (?, ?, ?*2)", "tntttn"),
        ] {
            assert_eq!(letters(sql), wanted, "{sql}");
        }
    }

    #[test]
    fn everything_else_is_a_text() {
        for sql in [
            "UPDATE t SET a = ?, n = n + 1 WHERE b = ? AND c LIKE ? OR n + 1 > 5",
            "INSERT INTO t VALUES (?, 'a?', ?, 1 + 2, ?)",
            "INSERT INTO t (a) SELECT ? FROM u WHERE n * 2 > 5 AND x = ?",
            "UPDATE t SET a = COALESCE(?, b), c = CONCAT(c, ?) WHERE id IN (?, ?) AND d BETWEEN ? AND ?",
            "UPDATE t SET d = d + INTERVAL ? DAY, e = ? - INTERVAL 1 HOUR, f = INTERVAL ? DAY + f",
            "UPDATE t SET d = DATE_ADD(d, INTERVAL ? MINUTE) WHERE d < NOW() - INTERVAL ? DAY AND e = ?",
            "UPDATE t SET n = IF(kind = ?, n + 1, n), m = n + (name = ?)",
            "UPDATE t SET n = CASE WHEN a = ? THEN n + 1 WHEN b <> ? THEN n * 2 ELSE 0 END",
            "UPDATE t SET n = n + (SELECT m FROM u WHERE u.id = ? AND u.n > 0)",
            "UPDATE t SET n = n + CAST(? AS DECIMAL(20, 2)), m = m * CONVERT(?, SIGNED), o = o + CAST(? AS CHAR)",
            "UPDATE t SET a = ? WHERE doc->'$.a' = ? AND doc->>'$.b' = ?",
            "SELECT *, t.*, COUNT(*), ? FROM t WHERE a = ? AND b || ? AND c && ?",
            "UPDATE t SET j = JSON_SET(j, '$.a', ?) WHERE `a+b` = ? AND c = 'x + y' /* + */ AND d = ?",
            "UPDATE t SET a = ? WHERE b = DATE ? AND c >= ? AND d <> ? AND e != ? AND f <=> ? AND g <= ?",
            "INSERT INTO t (a, n) VALUES (?, ?) ON DUPLICATE KEY UPDATE n = n + VALUES(n), a = ?",
            "UPDATE t SET n = COALESCE(?, 0), m = IF(a = ?, 1, 0), o = CASE WHEN a = ? THEN 1 ELSE 0 END",
            "DELETE FROM t WHERE STRCMP(a, ?) = 0 AND FIND_IN_SET(?, b) > 0 AND LEFT(c, 3) = ? AND IFNULL(d, '') = ?",
            "INSERT INTO t (a, b) SELECT * FROM (SELECT CONCAT(?) AS a, CAST(? AS SIGNED) AS b) q WHERE NOT EXISTS \
             (SELECT 1 FROM t WHERE a = ?)",
            "INSERT INTO t (a) (SELECT ?)",
            "DELETE FROM t WHERE n = COALESCE(CONCAT(?), a) AND m = n + CONCAT(?) AND (a, b) = (?, ?)",
            "UPDATE t SET j = JSON_SET(j, '$.a', n + 1, '$.b', ?), c = CONCAT(n * 2, ?, CASE WHEN a = ? THEN 1 END)",
            "UPDATE t JOIN u ON u.id = ? AND u.n = t.n + 1 SET t.a = ? ORDER BY LEFT(a, ?)",
        ] {
            assert_eq!(letters(sql).replace('t', ""), "", "{sql}");
        }
    }

    #[test]
    fn a_text_that_an_operator_reaches_is_unclear() {
        for sql in [
            "UPDATE t SET n = n + COALESCE(?, 0)",
            "UPDATE t SET n = COALESCE(?, 0) - n",
            "UPDATE t SET n = COALESCE(n + 1, ?)",
            "DELETE FROM t WHERE n + 0 = ?",
            "DELETE FROM t WHERE ? = n + 0 AND a = 1",
            "DELETE FROM t WHERE n + 0 IN (1, ?)",
            "DELETE FROM t WHERE n * 2 BETWEEN 5 AND ?",
            "DELETE FROM t WHERE n * value = ?",
            "UPDATE t SET n = n + CASE WHEN a = 1 THEN ? ELSE 0 END",
            "UPDATE t SET n = CASE n + 0 WHEN ? THEN 1 END",
            "UPDATE t SET n = CASE m WHEN ? THEN 1 ELSE 2 END",
            "UPDATE t SET n = CASE ? WHEN m THEN 1 END",
            "UPDATE t SET n = n + (SELECT ?)",
            "UPDATE t SET n = n + (SELECT 1 UNION SELECT ?)",
            "UPDATE t SET n = n + IF(a = 1, ?, 0)",
            "UPDATE t SET n = ROUND(?, 2)",
            "UPDATE t SET n = GREATEST(n, ?)",
            "UPDATE t SET n = MOD(?, 7)",
            "UPDATE t SET n = SUM(?)",
            "UPDATE t SET n = n + CONCAT(1, ?)",
            "UPDATE t SET c = CONCAT(COALESCE(n + 1, ?), 5)",
            "DELETE FROM t ORDER BY FIELD(n, ?) LIMIT 1",
            "UPDATE t SET n = f(n + 1, ?)",
            "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE n = n + COALESCE(VALUES(n), ?)",
            "UPDATE t SET n = (? COLLATE utf8mb4_bin) + 1",
            "DELETE FROM t WHERE n > 5 AND -n < ?",
            "UPDATE t SET n = INTERVAL(COALESCE(?, 1), 2, 3) + 1",
            "DELETE FROM t WHERE n IN (1, ?)",
            "DELETE FROM t WHERE n BETWEEN 1 AND ?",
            "DELETE FROM t WHERE ? > 9007199254740993",
            "DELETE FROM t WHERE COALESCE(n, 0) = ?",
            "DELETE FROM t WHERE n = COALESCE(m, ?)",
            "DELETE FROM t WHERE n = (SELECT ?)",
            "DELETE FROM t WHERE n IN (SELECT ?)",
            "DELETE FROM t WHERE n = CASE WHEN a = 'x' THEN ? ELSE m END",
            "UPDATE t SET n = CASE m WHEN 1 THEN 2 WHEN ? THEN 3 END",
            "INSERT INTO t SELECT q.x FROM (SELECT ? AS x) q",
            "INSERT INTO t SELECT q.x FROM u JOIN (SELECT 1, COALESCE(?, 0) AS x) q ON q.x = u.x",
            "UPDATE t, (SELECT 5 AS y, ? AS x) q SET t.n = q.x",
            "UPDATE t JOIN (u JOIN (SELECT ? AS x) q) SET t.n = q.x",
            "WITH q AS (SELECT ? AS x) SELECT x FROM q",
            "INSERT INTO t WITH p AS (SELECT 1), q (x) AS (SELECT ?) SELECT x FROM q",
            "UPDATE t SET n = (WITH q AS (SELECT ? AS x) SELECT x FROM q)",
            "INSERT INTO t SELECT * FROM (VALUES (1, ?)) q",
        ] {
            assert_eq!(letters(sql), "u", "{sql}");
        }
    }

    #[test]
    fn rows_are_counted_and_constants_and_character_sets_are_told() {
        for (sql, wanted) in [
            ("DELETE FROM t WHERE a = ? LIMIT ?", "tc"),
            ("SELECT 1 FROM t WHERE a = ? LIMIT ?, ?", "tcc"),
            ("SELECT 1 FROM t LIMIT ? OFFSET ?", "cc"),
            ("SELECT 1 FROM t OFFSET ? ROWS FETCH NEXT ? ROWS ONLY", "cc"),
            ("DELETE FROM t WHERE id = (SELECT id FROM u LIMIT ?) AND a = ?", "ct"),
            ("DELETE FROM t ORDER BY ? LIMIT 1", "k"),
            ("DELETE FROM t ORDER BY a, ? DESC LIMIT 1", "k"),
            ("SELECT a FROM t GROUP BY ?", "k"),
            ("DELETE FROM t ORDER BY a = ? LIMIT 1", "t"),
            ("UPDATE t SET a = _latin1 ?, b = _utf8mb4 ?", "it"),
        ] {
            assert_eq!(letters(sql), wanted, "{sql}");
        }
    }
}
