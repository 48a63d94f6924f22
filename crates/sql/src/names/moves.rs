//! Whether a statement may move rows of a table to where a walk along its key meets them once more.

use std::borrow::Cow;

use crate::lexer::scanner::SqlMode;
use crate::lexer::token::{Token, Tokens};
use crate::names::verb::{self, Verb};

/// Why rows may be met more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// It sets this column of the key.
    Sets(String),
    /// It puts rows into the table.
    Inserts,
}

/// What ends the list of a SET.
const AFTER_SET: &[&str] = &["where", "order", "limit", "returning"];
/// What follows the table of an INSERT or REPLACE.
const AFTER_TABLE: &[&str] = &["values", "value", "select", "set", "with", "table", "partition", "on"];

/// Whether a statement moves rows of `table`, or adds some, as far as its own text says. Where a name may be the
/// table's it is: that of another database counts, too.
pub fn moves(sql: &str, mode: SqlMode, table: &str, key: &[&str]) -> Option<Move> {
    let tokens: Vec<Token<'_>> = Tokens::new(sql, mode).collect();
    let portion = |two: &[Token<'_>]| two[0].is("portion") && two[1].is("of");
    if tokens.windows(2).any(portion) {
        // What is left of a period becomes a row of its own.
        return Some(Move::Inserts);
    }
    let Some(Verb { token: verb, .. }) = verb::find(&mut Tokens::new(sql, mode)) else {
        // What is not understood may do anything.
        return Some(Move::Inserts);
    };
    let behind = tokens.iter().position(|token| token.at > verb.at).unwrap_or(tokens.len());
    let rest = &tokens[behind..];
    let is_table = |token: &Token<'_>| token.identifier().is_some_and(|name| is_same(&name, table));
    if verb.is_any(&["insert", "replace", "load"]) {
        let is_load = verb.is("load");
        let until = |token: &&Token<'_>| is_load || token.depth == 0 && !ends_table(token);
        return rest.iter().take_while(until).any(is_table).then_some(Move::Inserts);
    }
    if !verb.is("update") {
        return None;
    }
    let set = rest.iter().position(|token| token.depth == 0 && token.is("set"))?;
    let tables = &rest[..set];
    let names: Vec<Cow<'_, str>> = tables
        .iter()
        .enumerate()
        .filter(|(_, token)| is_table(token))
        .flat_map(|(at, _)| names_at(tables, at))
        .collect();
    assigned_columns(&rest[set + 1..]).find_map(|(qualifier, column)| {
        let is_of_table = match qualifier {
            Some(qualifier) => names.iter().any(|name| is_same(name, &qualifier)),
            None => !names.is_empty(),
        };
        let is_of_key = key.iter().any(|name| is_same(name, &column));
        (is_of_table && is_of_key).then(|| Move::Sets(column.into_owned()))
    })
}

/// Whether a trigger gives a column of the key another value than the statement: `SET NEW.id = …`, or NEW.id as an
/// argument of a CALL, which may be one that is written to.
pub fn sets_new(body: &str, mode: SqlMode, key: &[&str]) -> bool {
    let tokens: Vec<Token<'_>> = Tokens::new(body, mode).collect();
    let calls = tokens.iter().any(|token| token.is("call"));
    tokens.windows(4).any(|four| {
        let is_column =
            four[2].identifier().is_some_and(|column| key.iter().any(|name| is_same(name, &column)));
        let is_new = four[0].identifier().is_some_and(|name| is_same(&name, "new"))
            && four[1].is_symbol(".")
            && is_column;
        is_new && (calls || four[3].is_symbol("=") || four[3].is_symbol(":"))
    })
}

fn ends_table(token: &Token<'_>) -> bool {
    token.is_symbol("(") || token.is_any(AFTER_TABLE)
}

/// The names of the table that begins at this token of a join: its own, and its alias.
fn names_at<'a>(tables: &[Token<'a>], at: usize) -> Vec<Cow<'a, str>> {
    let after = tables.get(at + 1).filter(|next| next.is("as")).map_or(at + 1, |_| at + 2);
    [Some(at), Some(after)].into_iter().flatten().filter_map(|at| tables.get(at)?.identifier()).collect()
}

/// What the list of a SET assigns to: columns, with what is written before them.
fn assigned_columns<'a>(list: &[Token<'a>]) -> impl Iterator<Item = (Option<Cow<'a, str>>, Cow<'a, str>)> {
    let end = list.iter().position(|token| token.depth == 0 && token.is_any(AFTER_SET)).unwrap_or(list.len());
    let parts = list[..end].split(|token| token.depth == 0 && token.is_symbol(","));
    parts.filter_map(|part| {
        let target = part.iter().take_while(|token| !(token.is_symbol("=") || token.is_symbol(":")));
        let names: Vec<Cow<'_, str>> = target.filter_map(Token::identifier).collect();
        let column = names.last()?.clone();
        Some((names.len().checked_sub(2).map(|at| names[at].clone()), column))
    })
}

fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_that_sets_the_key_is_known() {
        for (body, wanted) in [
            ("SET NEW.id = NEW.id + 51", true),
            ("BEGIN SET @a = 1, new . `ID` := 5; END", true),
            ("BEGIN CALL p(NEW.id); END", true),
            ("SET NEW.n = NEW.id + 1", false),
            ("INSERT INTO log VALUES (NEW.id, OLD.id)", false),
            ("IF NEW.id <> OLD.id THEN SET NEW.n = 1; END IF", false),
        ] {
            assert_eq!(sets_new(body, SqlMode::default(), &["id"]), wanted, "{body}");
        }
    }

    #[test]
    fn what_moves_rows_of_the_table_is_known() {
        let sets = || Some(Move::Sets("id".into()));
        for (sql, wanted) in [
            ("UPDATE t SET n = n + 1 WHERE id BETWEEN 1 AND 2", None),
            ("UPDATE t SET id = id + 51, n = n + 1 WHERE id BETWEEN 1 AND 2", sets()),
            ("UPDATE t SET n = 1, `ID` = id WHERE 1", Some(Move::Sets("ID".into()))),
            ("UPDATE t SET n = 1, t.id = 5", sets()),
            ("UPDATE db.`t` SET db.t.id = 5", sets()),
            ("UPDATE t AS x JOIN u ON u.id = x.id SET x.id = 5", sets()),
            ("UPDATE u JOIN t x USING (id) SET x . `id` = 5", sets()),
            ("UPDATE u JOIN t USING (id) SET u.id = 5, t.n = 1", None),
            ("UPDATE u JOIN t USING (id) SET id = 5", sets()),
            ("UPDATE u SET id = 5 WHERE k IN (SELECT id FROM t)", None),
            ("UPDATE u JOIN (SELECT id FROM t) d SET u.id = 5", None),
            ("UPDATE t /*! SET id = 5, */ SET n = 1", sets()),
            ("WITH c AS (SELECT 1) UPDATE t JOIN c SET t.id = 5", sets()),
            ("WITH do AS (SELECT 1) UPDATE t JOIN do SET t.id = 5", sets()),
            ("ANALYZE UPDATE t SET t.id = 5", sets()),
            ("/*!99999 WITH do AS (SELECT 1) */ UPDATE t SET t.n = 5", Some(Move::Inserts)),
            ("UPDATE t SET m = (SELECT 1 FROM u WHERE id = 5), n = 2", None),
            ("UPDATE t FOR PORTION OF p FROM 1 TO 2 SET n = 1", Some(Move::Inserts)),
            ("DELETE FROM t FOR PORTION OF p FROM 1 TO 2", Some(Move::Inserts)),
            ("DELETE FROM t WHERE id < 5", None),
            ("INSERT INTO t SELECT id + 100, n FROM t WHERE id < 5", Some(Move::Inserts)),
            ("INSERT t (id) VALUES (1) ON DUPLICATE KEY UPDATE id = 7", Some(Move::Inserts)),
            ("REPLACE LOW_PRIORITY INTO db.`T` SET id = 7", Some(Move::Inserts)),
            ("INSERT INTO log SELECT * FROM t WHERE id < 5", None),
            ("INSERT INTO log (t) SELECT * FROM t WHERE id < 5", None),
            ("LOAD DATA INFILE 'x' INTO TABLE t", Some(Move::Inserts)),
            ("SELECT id FROM t", None),
        ] {
            assert_eq!(moves(sql, SqlMode::default(), "t", &["id", "k2"]), wanted, "{sql}");
        }
    }
}
