//! Statements of dumps that change nothing for those that follow them.

use crate::lexer::scanner::SqlMode;
use crate::lexer::token::{TokenKind, Tokens};

/// What mysqldump of Percona writes so that MyRocks, where there is one, loads without looking for duplicates. Nothing
/// else is prepared in a script, so `s` is one of these.
const BULK_LOAD: [&str; 9] = [
    "SELECT COUNT(*) INTO @rocksdb_has_p_s_session_variables FROM INFORMATION_SCHEMA.TABLES WHERE \
     TABLE_SCHEMA = 'performance_schema' AND TABLE_NAME = 'session_variables'",
    r"SET @rocksdb_get_is_supported = IF (@rocksdb_has_p_s_session_variables, 'SELECT COUNT(*) INTO @rocksdb_is_supported FROM performance_schema.session_variables WHERE VARIABLE_NAME=\'rocksdb_bulk_load\'', 'SELECT 0')",
    "PREPARE s FROM @rocksdb_get_is_supported",
    "SET @rocksdb_enable_bulk_load = IF (@rocksdb_is_supported, 'SET SESSION rocksdb_bulk_load = 1', 'SET @rocksdb_dummy_bulk_load = 0')",
    "PREPARE s FROM @rocksdb_enable_bulk_load",
    "SET @disable_bulk_load = IF (@is_rocksdb_supported, 'SET SESSION rocksdb_bulk_load = @old_rocksdb_bulk_load', 'SET @dummy_rocksdb_bulk_load = 0')",
    "PREPARE s FROM @disable_bulk_load",
    "EXECUTE s",
    "DEALLOCATE PREPARE s",
];

/// Whether a statement is one of dumps that may be left out: ALTER TABLE … DISABLE or ENABLE KEYS, which says when an
/// index is built, and what Percona's mysqldump does about MyRocks.
pub fn is_idle(sql: &str, mode: SqlMode) -> bool {
    is_keys(sql, mode) || BULK_LOAD.iter().any(|known| is_same(sql, known, mode))
}

fn is_keys(sql: &str, mode: SqlMode) -> bool {
    let mut tokens = Tokens::new(sql, mode).filter(|token| !token.is_symbol(";"));
    let mut word = |words: &[&str]| tokens.next().is_some_and(|token| token.is_any(words));
    if !(word(&["alter"]) && word(&["table"])) {
        return false;
    }
    let is_name = |kind: TokenKind| matches!(kind, TokenKind::Word | TokenKind::Name);
    let mut rest = tokens.skip_while(|token| {
        is_name(token.kind) && !token.is_any(&["disable", "enable"]) || token.is_symbol(".")
    });
    let ends = [rest.next(), rest.next(), rest.next()];
    matches!(ends, [Some(what), Some(keys), None] if what.is_any(&["disable", "enable"]) && keys.is("keys"))
}

/// Whether it is this statement in a version comment.
fn is_same(sql: &str, known: &str, mode: SqlMode) -> bool {
    let mut found = Tokens::new(sql, mode).filter(|token| !token.is_symbol(";"));
    let same = Tokens::new(known, SqlMode::default())
        .all(|known| found.next().is_some_and(|token| token.version.is_some() && token.text == known.text));
    same && found.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_nothing_is_told_from_what_does() {
        for (sql, idle) in [
            ("/*!40000 ALTER TABLE `t` DISABLE KEYS */;", true),
            ("-- x\nalter table a.b enable keys", true),
            ("ALTER TABLE `disable` ENABLE KEYS", true),
            ("ALTER TABLE t DISABLE KEYS, ADD x INT", false),
            ("ALTER TABLE t DROP KEYS", false),
            ("ALTER TABLE t", false),
            ("/*!50112 PREPARE s FROM @disable_bulk_load */;", true),
            ("/*!50112 EXECUTE s */", true),
            ("EXECUTE s", false),
            ("/*!50112 EXECUTE t */", false),
            ("/*!50112 PREPARE s FROM @x */", false),
            ("", false),
        ] {
            assert_eq!(is_idle(sql, SqlMode::default()), idle, "{sql}");
        }
        for known in BULK_LOAD {
            assert!(is_idle(&format!("/*!50717 {known} */;"), SqlMode::default()), "{known}");
        }
    }
}
