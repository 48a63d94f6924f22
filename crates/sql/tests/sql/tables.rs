//! Which tables a statement writes, and whether it has a WHERE of its own.

use queryfleet_sql::{
    SqlMode, TableName, lacks_where, qualified_names, tables_written_by_body, written_tables,
};

/// Statements and what they write.
const WRITTEN: &[(&str, &str)] = &[
    ("INSERT INTO t VALUES (1)", "t"),
    ("insert low_priority ignore t SET a = 1", "t"),
    ("INSERT INTO `a b`.`c``d` (x) SELECT * FROM u", "a b.c`d"),
    ("INSERT INTO t SELECT * FROM u ON DUPLICATE KEY UPDATE a = 1", "t"),
    ("REPLACE DELAYED db . t VALUES (1)", "db.t"),
    ("/* x */ INSERT /*!50000 IGNORE */ INTO t VALUES (1)", "t"),
    ("/*!50000 INSERT INTO t VALUES (1) */", "t"),
    ("LOAD DATA INFILE 'into table x' INTO TABLE db.t FIELDS TERMINATED BY ','", "db.t"),
    ("LOAD XML CONCURRENT INFILE 'f' REPLACE INTO TABLE t", "t"),
    ("UPDATE t SET a = 1 WHERE id = 1", "t"),
    ("UPDATE LOW_PRIORITY IGNORE db.t AS x SET x.a = 1", "db.t"),
    ("UPDATE t, u SET a = 1", "t u"),
    ("UPDATE t, u SET t.a = u.a WHERE t.id = u.id", "t"),
    ("UPDATE t x JOIN u y ON x.id = y.id SET y.a = 1, x.a = 2", "t u"),
    ("UPDATE t x JOIN u y ON x.id = y.id SET y.a = (SELECT 1, 2 FROM v), b = 2", "t u"),
    ("UPDATE db.t JOIN u USING (a, b) SET db.t.a = 1", "db.t"),
    ("UPDATE t JOIN (SELECT id FROM v, w) AS x ON f(t.a, x.id) SET t.a = 1", "t"),
    ("UPDATE (t, u) SET a = 1", "t u"),
    ("UPDATE (t LEFT JOIN (u CROSS JOIN v) ON t.a = u.a) SET u.b = 1", "u"),
    ("UPDATE t USE INDEX (a, b), u PARTITION (p0, p1) SET a = 1", "t u"),
    ("UPDATE t STRAIGHT_JOIN u SET a = 1", "t u"),
    ("UPDATE `set` SET `set`.a = 1", "set"),
    ("UPDATE t, JSON_TABLE('[]', '$' COLUMNS (a INT PATH '$')) AS j SET t.a = j.a", "t"),
    ("UPDATE t SET nowhere.a = 1", "t"),
    ("DELETE FROM t", "t"),
    ("DELETE QUICK IGNORE FROM db.t WHERE id IN (SELECT id FROM u)", "db.t"),
    ("DELETE FROM t PARTITION (p0) WHERE a = 1 ORDER BY a LIMIT 1", "t"),
    ("DELETE x FROM db.t AS x JOIN u ON x.id = u.id WHERE u.a = 1", "db.t"),
    ("DELETE t.*, u FROM t JOIN u JOIN v", "t u"),
    ("DELETE FROM x, y.* USING t x, u AS y, v WHERE x.a = y.a", "t u"),
    ("DELETE FROM t USING t JOIN u USING (id) WHERE u.a", "t"),
    ("DELETE db.t FROM db.t, other.t", "db.t"),
    ("WITH x AS (SELECT * FROM v WHERE 1), y (a) AS (SELECT 1) UPDATE t JOIN x SET t.a = 1", "t"),
    ("WITH RECURSIVE x AS (SELECT 1) DELETE FROM t WHERE id IN (SELECT * FROM x)", "t"),
    ("UPDATE history SET n = 1", "history"),
    ("UPDATE quick SET n = 1", "quick"),
    ("UPDATE low_priority quick SET n = 1", "quick"),
    ("UPDATE t full, u SET full.a = 1, u.b = 2", "t u"),
    ("UPDATE t, u SET t.a = returning, u.b = 2", "t u"),
    ("UPDATE .m SET n = 1", "m"),
    ("INSERT history VALUES (1)", "history"),
    ("INSERT delayed quick VALUES (1)", "quick"),
    ("REPLACE quick VALUES (1)", "quick"),
    ("INSERT INTO .m VALUES (1)", "m"),
    ("INSERT .m VALUES (1)", "m"),
    ("INSERT INTO.m VALUES (1)", "INTO.m"),
    ("INSERT INTO db/**/./**/m VALUES (1)", "db.m"),
    ("INSERT INTO t (a) VALUES (1) /*!50000 ON DUPLICATE KEY UPDATE a = 1 */", "t"),
    ("LOAD DATA INFILE 'f' INTO TABLE .m", "m"),
    ("DELETE FROM .m", "m"),
    ("DELETE quick FROM quick", "quick"),
    ("DELETE quick.t FROM quick.t JOIN u", "quick.t"),
    ("DELETE history FROM history JOIN t", "history t"),
    ("DELETE HISTORY FROM t BEFORE SYSTEM_TIME '2020-01-01'", "t"),
    ("DELETE b.t FROM a.t, b.t", "b.t"),
    ("DELETE t FROM a.t, b.t", "a.t b.t"),
    ("DELETE FROM t WHERE a = 1 RETURNING a, b", "t"),
    ("WITH do AS (SELECT 1) UPDATE mm JOIN do SET n = 1", "mm"),
    ("WITH recursive AS (SELECT 1) DELETE FROM t", "t"),
    ("WITH x AS (SELECT 1 CYCLE) UPDATE t SET a = 1", "t"),
    ("WITH RECURSIVE x AS (SELECT 1 AS a) CYCLE a RESTRICT, do AS (SELECT 1) DELETE FROM m", "m"),
    ("WITH X AS (SELECT 1 AS n) UPDATE x JOIN t SET n = 1", "x t"),
    ("ANALYZE UPDATE t SET a = 1", "t"),
    ("ANALYZE FORMAT=JSON DELETE FROM t", "t"),
    ("DESC ANALYZE FORMAT='tree' UPDATE t, u SET t.a = 1", "t"),
    ("WITH x AS (SELECT 1) SELECT * FROM t FOR UPDATE", ""),
    ("SELECT * FROM t", ""),
    ("(SELECT 1) UNION (SELECT 2)", ""),
    ("DO (SELECT 1 FROM t)", ""),
    ("VALUES (1)", ""),
];

fn said(tables: &[TableName<'_>]) -> String {
    let name = |name: &TableName<'_>| match &name.database {
        Some(database) => format!("{database}.{}", name.table),
        None => name.table.to_string(),
    };
    tables.iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn written_tables_are_found() {
    for &(sql, wanted) in WRITTEN {
        let written = written_tables(sql, SqlMode::default());
        assert_eq!(written.as_deref().map(said).as_deref(), Some(wanted), "{sql}");
    }
}

/// What one server reads otherwise than another, and what is not understood, is not said.
#[test]
fn a_statement_that_writes_never_seems_to_write_nothing() {
    for sql in [
        "INSERT INTO /*!999999 t2 */ m VALUES (1)",
        "INSERT INTO /*M!999999 t2 */ m VALUES (1)",
        "INSERT INTO /*!999999 t2 (a) SELECT * FROM */ m",
        "INSERT INTO db /*!999999 .t2 */ . m VALUES (1)",
        "INSERT INTO m /*!999999 .t2 */ VALUES (1)",
        "INSERT /*!999999 INTO t2 VALUES (1) -- */ INTO m VALUES (1)",
        "INSERT INTO 5.m VALUES (1)",
        "INSERT INTO",
        "INSERT INTO 'm' VALUES (1)",
        "REPLACE INTO /*!999999 t2 */ m VALUES (1)",
        "LOAD DATA INFILE 'f' INTO TABLE /*!999999 t2 */ m",
        "LOAD DATA INFILE 'f' /*!999999 INTO TABLE t2 */ INTO TABLE m",
        "LOAD DATA INFILE 'f' INTO /*!999999 TABLE t2 */ TABLE m",
        "LOAD DATA INFILE 'f'",
        "UPDATE /*!999999 t2 */ m SET n = 1",
        "UPDATE m /*!999999 , t2 */ SET n = 1",
        "UPDATE m, t /*!999999 SET t.n = 1 */ SET m.n = 1",
        "UPDATE m, t SET t.n = 1 /*!999999 , m.n = 1 */",
        "UPDATE {OJ t LEFT JOIN m ON m.id = t.id} SET m.n = 1",
        "UPDATE t",
        "UPDATE",
        "/*!50000 UPDATE t */ UPDATE v SET a = 1",
        "/*!50000 UPDATE t */ SET a = 1",
        "DELETE FROM /*!999999 t2 */ m",
        "DELETE x FROM t JOIN m",
        "DELETE t",
        "DELETE",
        "WITH do (a) UPDATE mm JOIN do SET n = 1",
        "WITH x AS (SELECT 1), UPDATE mm SET n = 1",
        "/*!999999 WITH x AS (SELECT 1) */ UPDATE t JOIN x SET n = 1",
        "/*!999999 SELECT 1 */ SELECT f()",
        "ANALYZE FORMAT JSON UPDATE t SET a = 1",
        "EXPLAIN UPDATE t SET a = 1",
        "SET STATEMENT max_statement_time = 1 FOR UPDATE t SET a = 1",
        "CALL p()",
        "SHOW TABLES",
        "INSERT.x t VALUES (1)",
    ] {
        assert_eq!(written_tables(sql, SqlMode::default()), None, "{sql}");
    }
}

#[test]
fn ansi_quotes_make_names() {
    let ansi = SqlMode { ansi_quotes: true, no_backslash_escapes: false };
    let sql = r#"UPDATE "a ""b"."t" SET x = 'y'"#;
    assert_eq!(said(&written_tables(sql, ansi).unwrap()), r#"a "b.t"#);
}

#[test]
fn every_statement_of_a_trigger_counts() {
    for (body, wanted) in [
        ("INSERT INTO log VALUES (NEW.id)", "log"),
        ("SET NEW.a = REPLACE(NEW.a, 'x', INSERT(NEW.b, 1, 2, 'y'))", ""),
        (
            "BEGIN DECLARE x INT; SELECT a INTO x FROM r FOR UPDATE; \
             IF x THEN DELETE FROM a; ELSE UPDATE b, c SET b.x = 1; END IF; \
             INSERT INTO d VALUES (1) ON DUPLICATE KEY UPDATE n = n + 1; END",
            "a b d",
        ),
    ] {
        assert_eq!(said(&tables_written_by_body(body, SqlMode::default()).unwrap()), wanted, "{body}");
    }
    for body in ["BEGIN INSERT INTO /*!999999 t2 */ m VALUES (1); END", "BEGIN SET @x = 1; UPDATE; END"] {
        assert_eq!(tables_written_by_body(body, SqlMode::default()), None, "{body}");
    }
}

#[test]
fn a_view_names_its_tables() {
    let view = "select `db`.`t`.`a` AS `a` from `db`.`t` where `db`.`t`.`b` = 'x.y'";
    let names = qualified_names(view);
    assert!(names.contains(&TableName { database: Some("db".into()), table: "t".into() }), "{names:?}");
}

#[test]
fn a_where_is_one_of_the_statements_own() {
    for (sql, lacking) in [
        ("UPDATE t SET a = 1", true),
        ("UPDATE t SET a = 1 WHERE 1", false),
        ("update t set a = (SELECT 1 FROM u WHERE id = 1)", true),
        ("UPDATE t JOIN (SELECT 1 FROM u WHERE 1) x SET a = 1", true),
        ("UPDATE t JOIN u USING (id) SET t.a = 1", true),
        ("UPDATE t SET `where` = 1, t.where = 2, @where = 3, a = 'WHERE' -- WHERE", true),
        ("DELETE FROM t", true),
        ("DELETE FROM t LIMIT 10", true),
        ("DELETE FROM t WHERE id = 1", false),
        ("DELETE t FROM t JOIN u WHERE t.id = u.id", false),
        ("DELETE FROM t /*!50000 WHERE id = 1 */", true),
        ("/*!50000 DELETE */ FROM t WHERE id = 1", false),
        ("/*!50001 DELETE FROM t WHERE id = 1 */", false),
        ("/*!50001 DELETE FROM t */ /*!50001 WHERE id = 1 */", true),
        ("ANALYZE UPDATE t SET a = 1", true),
        ("ANALYZE FORMAT=JSON DELETE FROM t", true),
        ("EXPLAIN ANALYZE DELETE t FROM t JOIN u", true),
        ("ANALYZE UPDATE t SET a = 1 WHERE id = 1", false),
        ("UPDATE t SET t.where = 3", true),
        ("UPDATE t SET a = 1e5WHERE id = 1", false),
        ("UPDATE t SET a = 5WHERE id = 1", true),
        ("WITH x AS (SELECT 1 WHERE 1) DELETE FROM t", true),
        ("WITH x AS (SELECT 1) SELECT * FROM x FOR UPDATE", false),
        ("INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1", false),
        ("SELECT 1 FROM t", false),
        ("(SELECT 1)", false),
    ] {
        assert_eq!(lacks_where(sql, SqlMode::default()), lacking, "{sql}");
    }
}
