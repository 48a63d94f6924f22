//! Which tables a statement writes, and whether it has a WHERE of its own.

use queryfleet_job::lexer::{
    SqlMode, TableName, lacks_where, qualified_names, tables_written_by_trigger, written_tables,
};

/// Statements and what they write.
const WRITTEN: [(&str, &str); 39] = [
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
    for (sql, wanted) in WRITTEN {
        assert_eq!(said(&written_tables(sql, SqlMode::default())), wanted, "{sql}");
    }
}

#[test]
fn ansi_quotes_make_names() {
    let ansi = SqlMode { ansi_quotes: true, no_backslash_escapes: false };
    let sql = r#"UPDATE "a ""b"."t" SET x = 'y'"#;
    assert_eq!(said(&written_tables(sql, ansi)), r#"a "b.t"#);
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
            "a b d n",
        ),
    ] {
        assert_eq!(said(&tables_written_by_trigger(body, SqlMode::default())), wanted, "{body}");
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
        ("WITH x AS (SELECT 1 WHERE 1) DELETE FROM t", true),
        ("WITH x AS (SELECT 1) SELECT * FROM x FOR UPDATE", false),
        ("INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1", false),
        ("SELECT 1 FROM t", false),
        ("(SELECT 1)", false),
    ] {
        assert_eq!(lacks_where(sql, SqlMode::default()), lacking, "{sql}");
    }
}
