//! Which column a `?` is assigned to, by itself or as the result of its expression, or compared with.

use std::borrow::Cow;

use crate::lexer::scanner::SqlMode;
use crate::lexer::token::{Token, TokenKind, Tokens};
use crate::values::expression;
use crate::values::operators::{Role, roles};
use crate::values::parts::Compared;
use crate::values::words::is_mark;

/// The column that a `?` is assigned to or compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meets {
    /// None, or none that the text names.
    Nothing,
    /// A column of this name.
    Column(String),
    /// The column of the written table at this place, from 0: an INSERT without a list of columns.
    Place(usize),
    /// Whatever stands in this comparison, which is more than a `=` beside a column.
    Compared(Compared),
}

/// The column that each `?` of a statement is assigned to or compared with, in their order.
pub fn meets(sql: &str, mode: SqlMode) -> Vec<Meets> {
    let tokens: Vec<Token<'_>> = Tokens::new(sql, mode).collect();
    let roles = roles(&tokens);
    let reached = expression::reached(&tokens, &roles);
    let mut assigned = inserted(&tokens);
    assigned.extend(set(&tokens));
    let marks = tokens.iter().enumerate().filter(|(_, token)| is_mark(token)).map(|(at, _)| at);
    marks
        .zip(reached.answers.into_iter().zip(reached.compared))
        .map(|(at, (answers, compared))| {
            let assigned = assigned.iter().find(|(mark, _)| answers && *mark == at);
            match (assigned, compared, beside(&tokens, &roles, at)) {
                (Some((_, meets)), _, _) => meets.clone(),
                (None, Some(compared), column) if compared.is_among || column.is_none() => {
                    Meets::Compared(compared)
                }
                (None, _, Some(column)) => Meets::Column(column.into_owned()),
                (None, _, None) => Meets::Nothing,
            }
        })
        .collect()
}

/// The column on the other side of a comparison or an assignment.
fn beside<'a>(tokens: &[Token<'a>], roles: &[Role], at: usize) -> Option<Cow<'a, str>> {
    let compares = |at: usize| roles.get(at) == Some(&Role::Compares) && tokens[at].kind == TokenKind::Symbol;
    let before = tokens[..at].iter().rposition(|token| !token.is_symbol("("))?;
    if compares(before) {
        let first = (0..before).rev().take_while(|at| compares(*at)).last().unwrap_or(before);
        return tokens.get(first.checked_sub(1)?)?.identifier();
    }
    let closing = tokens[at + 1..].iter().take_while(|token| token.is_symbol(")")).count();
    let mut next = at + 1 + closing;
    if !compares(next) {
        return None;
    }
    while compares(next) {
        next += 1;
    }
    let mut found = tokens.get(next)?.identifier();
    while tokens.get(next + 1).is_some_and(|dot| dot.is_symbol(".")) {
        next += 2;
        found = tokens.get(next)?.identifier();
    }
    found
}

/// The marks in a row of an INSERT or REPLACE, or in the list of its SELECT, and their columns.
fn inserted(tokens: &[Token<'_>]) -> Vec<(usize, Meets)> {
    let mut found = Vec::new();
    if !tokens.first().is_some_and(|verb| verb.is_any(&["insert", "replace"])) {
        return found;
    }
    let begins = |token: &Token<'_>| token.depth == 0 && token.is_any(&["values", "value", "select"]);
    let Some(list) = tokens.iter().position(begins) else { return found };
    let open = tokens[..list].iter().rposition(|token| token.is_symbol("(") && token.depth == 0);
    let named = open.filter(|_| tokens[list - 1].is_symbol(")"));
    let columns: Option<Vec<Cow<'_, str>>> =
        named.map(|open| tokens[open..list].iter().filter_map(Token::identifier).collect());
    let depth = u32::from(!tokens[list].is("select"));
    // The value that is being read: which of its row, and its first token.
    let mut place = 0;
    let mut from = list + 1;
    for at in list + 1..=tokens.len() {
        let token = tokens.get(at);
        if token.is_some_and(|token| token.depth == 0 && depth == 1 && token.is("on")) {
            break;
        }
        if token.is_some_and(|token| token.depth == 0 && depth == 1 && token.is_symbol("(")) {
            place = 0;
            from = at + 1;
            continue;
        }
        let closes = |token: &Token<'_>| depth == 1 && token.depth == 0 && token.is_symbol(")");
        let ends = token.is_none_or(|token| {
            closes(token)
                || token.depth == depth
                    && (token.is_symbol(",") || token.is_any(&["from", "where", "limit", "on", "union"]))
        });
        if !ends {
            continue;
        }
        let meets = match &columns {
            Some(columns) => {
                columns.get(place).map_or(Meets::Nothing, |name| Meets::Column(name.clone().into_owned()))
            }
            None => Meets::Place(place),
        };
        let marks = (from..at).filter(|at| is_mark(&tokens[*at]));
        found.extend(marks.map(|mark| (mark, meets.clone())));
        place += 1;
        from = at + 1;
        if depth == 0 && token.is_some_and(|token| !token.is_symbol(","))
            || token.is_some_and(|token| token.is("on"))
        {
            break;
        }
    }
    found
}

/// The marks in the list of a SET, and the columns that are assigned to.
fn set(tokens: &[Token<'_>]) -> Vec<(usize, Meets)> {
    const ENDS: &[&str] = &["where", "order", "limit", "returning", "on"];
    let mut found = Vec::new();
    // The column that is assigned to, and the last name that was met.
    let mut column = Meets::Nothing;
    let mut last = None;
    // In the list of a SET; before the `=` of one of its parts.
    let mut inside = false;
    let mut begins = false;
    for (at, token) in tokens.iter().enumerate() {
        let outside = token.depth == 0;
        let is_on_duplicate = token.is("update") && at > 0 && tokens[at - 1].is("key");
        if outside && (token.is("set") || is_on_duplicate) {
            inside = true;
            begins = true;
        } else if outside && inside && token.is_any(ENDS) {
            inside = false;
        } else if outside && inside && token.is_symbol(",") {
            begins = true;
        } else if begins && token.is_symbol("=") {
            column = last.take().map_or(Meets::Nothing, Meets::Column);
            begins = false;
        } else if inside && !begins && is_mark(token) {
            found.push((at, column.clone()));
        }
        last = token.identifier().map(Cow::into_owned).or(last);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_known_where_it_stands_beside_the_mark() {
        let column = |name: &str| Meets::Column(name.into());
        for (sql, wanted) in [
            (
                "UPDATE t SET b = ?, n = n + ? WHERE t.`c` = (?) AND ? <> t.d",
                vec![column("b"), column("n"), column("c"), column("d")],
            ),
            (
                "UPDATE t SET b = f(?) WHERE ? <= s.t.d OR a <=> ?",
                vec![Meets::Nothing, column("d"), column("a")],
            ),
            ("INSERT INTO t (a, `b`) VALUES (1, ?), (?, ? + 0)", vec![column("b"), column("a"), column("b")]),
            (
                "UPDATE t SET t.b = COALESCE(?, 0), c = IF(d = ?, ?, 1), e = (SELECT ?)",
                vec![column("b"), column("d"), column("c"), column("e")],
            ),
            (
                "INSERT INTO t VALUES (1, IF(? < a, ?, 0)) ON DUPLICATE KEY UPDATE b = IFNULL(?, b)",
                vec![column("a"), Meets::Place(1), column("b")],
            ),
            (
                "INSERT INTO t VALUES (?, f(1, ?), (?))",
                vec![Meets::Place(0), Meets::Nothing, Meets::Place(2)],
            ),
            ("REPLACE t (a, b) SELECT ?, ? FROM u WHERE c = ?", vec![column("a"), column("b"), column("c")]),
            ("INSERT INTO t SELECT 1, ?", vec![Meets::Place(1)]),
            ("INSERT INTO t SET a = ?, b = ?", vec![column("a"), column("b")]),
            ("INSERT INTO t VALUES (?) ON DUPLICATE KEY UPDATE b = ?", vec![Meets::Place(0), column("b")]),
        ] {
            assert_eq!(meets(sql, SqlMode::default()), wanted, "{sql}");
        }
    }

    #[test]
    fn what_else_is_compared_is_known() {
        // Which names, whether with several values at once, and whether with more than one column.
        let compared = |names: &str, is_among, is_mixed| {
            let names = names.split_whitespace().map(str::to_owned).collect();
            Meets::Compared(Compared { names, is_among, is_mixed, ..Compared::default() })
        };
        let of_query = |names: &str| {
            let names = names.split_whitespace().map(str::to_owned).collect();
            let is_among = true;
            Meets::Compared(Compared { names, is_among, has_query: true, may_alias: true, is_mixed: true })
        };
        for (condition, wanted) in [
            ("t.n IN (?)", vec![compared("n", false, false)]),
            ("n IN (?, m)", vec![compared("n m", true, true)]),
            ("n NOT BETWEEN ? AND m", vec![compared("n m", true, true)]),
            ("? BETWEEN n AND m AND v = 'x'", vec![compared("n m", true, true)]),
            ("IFNULL(n, m) IN (?, ?)", vec![compared("n m", true, true); 2]),
            ("(n, `v`) IN ((?, 1), (5, 'x'))", vec![compared("n v", true, true)]),
            ("(n, v) IN ((?, 'y'))", vec![compared("n v", true, true)]),
            ("(n, v) = (?, 'y')", vec![compared("n v", false, true)]),
            ("n NOT IN (?, ?)", vec![compared("n", true, false); 2]),
            ("s.t.n BETWEEN ? AND '5'", vec![compared("n", true, false)]),
            ("? BETWEEN n AND '5'", vec![compared("n", true, true)]),
            ("n IN (?, NULL)", vec![compared("n NULL", true, true)]),
            ("v LIKE ?", vec![compared("v", false, false)]),
            ("? > ALL (SELECT n FROM u)", vec![of_query("n")]),
            ("(SELECT n FROM u) = ?", vec![of_query("n")]),
            ("n = ? AND m IN (1, 2)", vec![Meets::Column("n".into())]),
            ("IF(n IN (?, '5'), 1, 0) = 1", vec![compared("n", true, false)]),
        ] {
            assert_eq!(
                meets(&format!("DELETE FROM t WHERE {condition}"), SqlMode::default()),
                wanted,
                "{condition}"
            );
        }
    }
}
