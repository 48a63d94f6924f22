//! What SETs are read as, and that they are written so that they are read again.

use queryfleet_sql::{Assignment, SqlMode, Target, Value, assignments, set_statements};

fn kind(one: &Assignment) -> &'static str {
    match (&one.target, &one.value) {
        (Target::User(_), _) => "user",
        (Target::Global(_), _) => "global",
        (Target::NextTransaction(_), _) => "next",
        (Target::Command(_), _) => "command",
        (_, Value::Other(_)) => "other",
        (_, Value::Expression { .. }) => "expression",
        (_, Value::User(_)) => "restore",
        _ => "set",
    }
}

fn said(sql: &str) -> Option<String> {
    let said = |one: &Assignment| {
        let only = one.only_for.as_ref().map(|only| format!("{only} ")).unwrap_or_default();
        format!("{only}{} {one}", kind(one))
    };
    Some(assignments(sql, SqlMode::default())?.iter().map(said).collect::<Vec<_>>().join("; "))
}

/// A SET, and what is read of it.
const READ: [(&str, &str); 46] = [
    ("/*!40101 SET NAMES utf8mb4 */", "set NAMES utf8mb4"),
    ("SET NAMES 'utf8' COLLATE utf8_bin;", "set NAMES 'utf8' COLLATE utf8_bin"),
    ("SET NAMES DEFAULT", "set NAMES DEFAULT"),
    ("set character set utf8", "set CHARACTER SET utf8"),
    ("SET CHARSET utf8, sql_notes = OFF", "set CHARACTER SET utf8; set sql_notes=OFF"),
    (
        "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='A,B' */;",
        "user @old_sql_mode=@@sql_mode; set sql_mode='A,B'",
    ),
    ("/*!40103 SET TIME_ZONE='+00:00' */", "set time_zone='+00:00'"),
    ("/*!50003 SET sql_mode = @saved_sql_mode */", "restore sql_mode=@saved_sql_mode"),
    ("-- x\nSET @`a b` = @@character_set_client", "user @`a b`=@@character_set_client"),
    ("SET @'q' := 1, @\"r\" = 'x', @S.t = NULL", "user @q=1; user @r='x'; user @s.t=NULL"),
    ("set session sql_log_bin := 0, @@local.x = -1", "set sql_log_bin=0; set x=-1"),
    ("SET @@SESSION.SQL_LOG_BIN= 0", "set sql_log_bin=0"),
    ("SET SQL_MODE = \"\", `unique_checks` = 0", "set sql_mode=''; set unique_checks=0"),
    ("SET @@`sql_mode` = DEFAULT, @@session.`x`=1", "set sql_mode=DEFAULT; set x=1"),
    ("SET GLOBAL x = 1, y = 2", "global GLOBAL x=1; global GLOBAL y=2"),
    ("SET @@global.x = 1, y = 2", "global GLOBAL x=1; set y=2"),
    ("SET PERSIST x = 1", "global GLOBAL x=1"),
    ("SET @@persist_only.x = 1", "global GLOBAL x=1"),
    ("SET c.key_buffer_size = 1", "global GLOBAL c.key_buffer_size=1"),
    ("SET SESSION a = 1, GLOBAL b = 2, LOCAL c = 3", "set a=1; global GLOBAL b=2; set c=3"),
    ("SET x = @@global.x", "other x=@@global.x"),
    ("SET autocommit=0", "set autocommit=0"),
    ("SET a = -1.5", "set a=-1.5"),
    ("SET a = 1024*1024", "expression a=1024 * 1024"),
    (
        "SET sql_mode=CONCAT( @@sql_mode ,',STRICT_TRANS_TABLES')",
        "expression sql_mode=CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')",
    ),
    ("/*!40101 SET SQL_MODE=IFNULL(@OLD_SQL_MODE, '') */;", "expression sql_mode=IFNULL(@old_sql_mode, '')"),
    ("SET a = (SELECT 1)", "other a=(SELECT 1)"),
    ("SET a = f('x'), b = 1", "other a=f('x'); set b=1"),
    ("SET a = IF (@b IS NULL, 1, @b)", "expression a=IF (@b IS NULL, 1, @b)"),
    ("SET a = q.concat(1)", "other a=q.concat(1)"),
    ("SET a = 'it''s'", "expression a='it''s'"),
    ("SET x = 1 y = 2", "other x=1 y = 2"),
    ("SET @a = @b := 1", "user @a=@b := 1"),
    (
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "set SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    ),
    (
        "SET LOCAL TRANSACTION READ WRITE, ISOLATION LEVEL SERIALIZABLE",
        "set SESSION TRANSACTION READ WRITE; set SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    ),
    ("SET tx_isolation = 'repeatable-read'", "set SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
    ("SET @@transaction_read_only = ON", "set SESSION TRANSACTION READ ONLY"),
    ("SET TRANSACTION READ ONLY", "next TRANSACTION transaction_read_only=1"),
    ("SET GLOBAL TRANSACTION READ ONLY", "global GLOBAL transaction_read_only=1"),
    ("SET PASSWORD FOR a = 'x'", "command PASSWORD"),
    ("SET DEFAULT ROLE x FOR y", "command DEFAULT ROLE"),
    ("SET ROLE NONE", "command ROLE"),
    ("SET STATEMENT max_statement_time=1 FOR DELETE FROM t", "command STATEMENT"),
    (
        "/*!80000 SET SESSION information_schema_stats_expiry=0 */",
        "!80000 set information_schema_stats_expiry=0",
    ),
    (
        "/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */;",
        "M!100616 user @old_note_verbosity=@@note_verbosity; M!100616 set note_verbosity=0",
    ),
    ("SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'a:1-5';", "global GLOBAL gtid_purged='+' 'a:1-5'"),
];

#[test]
fn a_set_is_read() {
    for (sql, wanted) in READ {
        assert_eq!(said(sql).as_deref(), Some(wanted), "{sql}");
    }
}

#[test]
fn what_is_read_is_written_so_that_it_is_read_again() {
    for (sql, _) in READ {
        let first = assignments(sql, SqlMode::default()).unwrap_or_default();
        let is_sessions = |one: &&Assignment| {
            matches!(
                one.target,
                Target::User(_) | Target::Session(_) | Target::Names { .. } | Target::CharacterSet
            )
        };
        for one in first.iter().filter(is_sessions) {
            let again = assignments(&set_statements([one]), SqlMode::default());
            assert_eq!(again.as_deref(), Some(std::slice::from_ref(one)), "{sql}");
        }
    }
}

#[test]
fn what_is_no_set_is_not_read() {
    for sql in [
        "SET",
        "SET x",
        "SET x =",
        "SET x = 1,",
        "SET NAMES",
        "SET NAMES utf8 utf8",
        "SET x = (1",
        "SET SESSION TRANSACTION",
        "SET SESSION TRANSACTION ISOLATION LEVEL",
        "SET SESSION TRANSACTION READ",
        "SET @ = 1",
        "UPDATE t SET a = 1",
        "SET x = 1; SET y = 2",
        "",
    ] {
        assert_eq!(said(sql), None, "{sql}");
    }
    // Of which servers would read another part each.
    assert_eq!(said("SET /*!80000 x = 1, */ y = 2").as_deref(), Some("other x=1; other y=2"));
    assert_eq!(said("SET x = /*!80000 1 + */ 2").as_deref(), Some("other x=1 + 2"));
}

#[test]
fn several_are_one_statement_where_they_can_be() {
    let of = |sql: &str| assignments(sql, SqlMode::default()).unwrap();
    let all: Vec<Assignment> =
        ["/*!80000 SET a=1 */", "SET SESSION TRANSACTION READ WRITE", "SET b=2, NAMES utf8mb4", "SET c=3"]
            .iter()
            .flat_map(|sql| of(sql))
            .collect();
    assert_eq!(
        set_statements(&all),
        "SET b=2, NAMES utf8mb4, c=3; /*!80000 SET a=1 */; SET SESSION TRANSACTION READ WRITE"
    );
}
