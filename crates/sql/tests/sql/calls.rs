//! What statements call that is not certainly the server's own.

use queryfleet_sql::{Call, SqlMode, calls_only_builtins, foreign_calls};

/// Statements of every day: nothing in them is anything but built in.
const CERTAIN: &[&str] = &[
    "UPDATE t SET n = n + 1 WHERE id = 7",
    "UPDATE t SET n = (n + 1) * (2) WHERE id IN (1, 2) AND (a OR (b)) AND NOT (c)",
    "INSERT INTO t VALUES (1, 'f(x)', \"g(y)\"), (2, NULL, DEFAULT)",
    "INSERT INTO t(a, b) VALUES(1, 2)",
    "INSERT INTO t (a, b) VALUES (1, 2) ON DUPLICATE KEY UPDATE b = VALUES(b), a = VALUES (a)",
    "INSERT INTO shop.t(a) SELECT (b) FROM u WHERE (b) > 1",
    "INSERT INTO `shop` . `t` (a) VALUES ROW(1), ROW(2)",
    "insert ignore t(a) values (1)",
    "INSERT INTO `t` VALUE (1)",
    "INSERT INTO t VALUE (1), (2)",
    "INSERT INTO t (a) VALUE (1)",
    "INSERT INTO t (a) VALUES (1) AS new(a) ON DUPLICATE KEY UPDATE a = new.a",
    "INSERT INTO t PARTITION (p0) (a, b) VALUES (1, 2)",
    "REPLACE INTO t (a) VALUES (NOW()), (curdate()), (CURRENT_TIMESTAMP), (CURRENT_TIMESTAMP(6)), (uuid())",
    "REPLACE DELAYED t(a) VALUES (1)",
    "UPDATE t SET a = COALESCE(b, 0), c = CONCAT('x', d), e = IF(a = 1, 2, 3), f = LEFT (g, 3) WHERE id = 1",
    "UPDATE t SET a = CAST(b AS DECIMAL(10, 2)), c = CAST(d AS CHAR(10)), e = CAST(f AS datetime(6))",
    "UPDATE t JOIN u USING (id) SET t.n = u.n",
    "UPDATE t USE INDEX (a) JOIN u FORCE INDEX FOR JOIN (b) ON (t.id = u.id) SET t.n = u.n",
    "UPDATE t JOIN (SELECT id, COUNT(*) AS n FROM u GROUP BY id) AS d ON (d.id = t.id) SET t.n = d.n",
    "UPDATE (t, u) SET t.a = u.a",
    "UPDATE t SET a = CASE WHEN (b) THEN (c) ELSE (d) END",
    "UPDATE t SET doc = JSON_SET(doc, '$.a', JSON_EXTRACT(doc, '$.b')) WHERE (id) BETWEEN (1) AND (2)",
    "UPDATE t SET at = DATE_ADD(at, INTERVAL (1) DAY), b = (c MOD (2)) DIV (3)",
    "DELETE FROM t WHERE id IN (SELECT id FROM u WHERE EXISTS (SELECT 1)) AND x LIKE ('a%') ESCAPE '!'",
    "DELETE FROM t WHERE id = ANY (SELECT id FROM u) OR id > some(select 1) OR MATCH (a, b) AGAINST ('x')",
    "DELETE FROM t WHERE a MEMBER OF (b) OR a REGEXP (b) OR a XOR (b) LIMIT 5",
    "WITH x (a) AS (SELECT 1), y (b) AS (SELECT 2) UPDATE t JOIN x ON (x.a = t.a) SET t.b = 1",
    "WITH RECURSIVE x(a) AS (SELECT 1 UNION ALL (SELECT a + 1 FROM x WHERE a < 5)) SELECT * FROM x",
    "SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY (b)), SUM(a) OVER w FROM t WINDOW w AS (ORDER BY a)",
    "SELECT GROUP_CONCAT(DISTINCT (a) ORDER BY (b) SEPARATOR ',') FROM t GROUP BY (a) HAVING (COUNT(*)) > 1",
    "(SELECT 1) UNION (SELECT 2) INTERSECT (SELECT 2) EXCEPT (SELECT 3) ORDER BY (1) LIMIT 1",
    "LOAD DATA INFILE 'f' INTO TABLE t (a, b)",
    "LOAD DATA INFILE 'f' INTO TABLE t CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' (a, @b) SET c = @b",
    "LOAD DATA INFILE 'f' INTO TABLE t CHARACTER SET latin1 (a)",
    "LOAD DATA INFILE 'f' INTO TABLE db.t IGNORE 1 LINES (a)",
    "SELECT 'f' (1), @f (1), 5 (1) FROM t -- f(1)",
    "UPDATE t SET a = 1 /* f(1) */ WHERE id = 1 # g(2)",
    "UPDATE t SET value = 1, next = 2, `next value for` = 3 WHERE x = 'NEXT VALUE FOR s'",
    "SELECT next value, nextval FROM t",
    "INSERT INTO t VALUES (1, 'f(x)', 0x4142, x'41', b'01', -1.5e3, .5, 1., NULL, default, TRUE, _binary 'g(1)')",
    "INSERT INTO t VALUES (?, ?), (1 + 2, \"it's\"), (COALESCE(NULL, 1), NOW())",
    "INSERT INTO t SELECT 1 UNION VALUES (1), (2)",
    "DO SLEEP(1), (1)",
    "INSERT INTO t SET a = (1), b = lower('X')",
    "/*+ f(1) */ SELECT /*+ SET_VAR(sort_buffer_size = 1) */ 1",
];

/// Statements, and what they may call.
const FOREIGN: &[(&str, &str)] = &[
    ("DO f(1)", "f"),
    ("DO f (1)", "f"),
    ("DO `f`(1)", "f"),
    ("DO f/**/(1), g -- x\n (2)", "f g"),
    ("DO q.f(1), `q` . `g`(2), q/* x */./* y */h(3)", "q.f q.g q.h"),
    ("DO q.concat(1), q . now(), `q`.if(1)", "q.concat q.now q.if"),
    ("DO q.pack.f(1)", "pack.f"),
    ("DO `curdate`(), `left`(1), `if`(1), `user`(), `a``b`(1)", "curdate left if user a`b"),
    (
        "DO curdate (), now/**/(), count (1), substring\n(1), date_add (1), rank ()",
        "curdate now count substring date_add rank",
    ),
    ("DO session_user (), concat (1)", "session_user concat"),
    (
        "DO get_lock('a', 1), RELEASE_ALL_LOCKS(), last_insert_id(5), last_insert_id(), row_count(), found_rows()",
        "get_lock RELEASE_ALL_LOCKS last_insert_id last_insert_id row_count found_rows",
    ),
    (
        "DO nextval(s), setval(s, 1), lastval(s), point(1, 2), st_x(a), sys_exec('x')",
        "nextval setval lastval point st_x sys_exec",
    ),
    ("INSERT INTO t (id) VALUES (fm(2))", "fm"),
    ("INSERT INTO t VALUES(f(1))", "f"),
    ("INSERT INTO t SELECT f(1)", "f"),
    ("INSERT HIGH_PRIORITY INTO t(a) VALUES (1) RETURNING f(a)", "f"),
    ("UPDATE t SET a = f(1) WHERE g(b) IN (h(c))", "f g h"),
    ("UPDATE t, (SELECT fm(6)) d SET a = 1", "fm"),
    ("DELETE FROM t WHERE id = f(1) AND f.g(2)", "f f.g"),
    ("SELECT * FROM (SELECT fm(4) LIMIT 1) d", "fm"),
    ("SELECT HIGH_PRIORITY f(1)", "f"),
    ("SELECT DISTINCT f(1), -f(2), (f(3)), a DIV f(4), NOT f(5)", "f f f f f"),
    ("WITH x AS (SELECT f(1)) SELECT * FROM x", "f"),
    ("SELECT 1 AS f, f(1)", "f"),
    ("SELECT NEXT VALUE FOR s", "NEXT"),
    ("SELECT next /* x */ value\nfor s, PREVIOUS VALUE FOR s", "NEXT NEXT"),
    ("SELECT s.nextval, `s`.`currval`", "NEXT NEXT"),
    ("INSERT INTO t VALUES (NEXT VALUE FOR s)", "NEXT"),
    ("INSERT INTO t VALUES (1, 'a', NULL, 0xFF, x'41', -1.5, _binary 'b'), (f(1), 2)", "f"),
    ("INSERT INTO t VALUES (1), (DEFAULT), (NULL), (`f`(1))", "f"),
    ("INSERT INTO t VALUES (1, \"f(1)\", q . f(1))", "q.f"),
    ("INSERT INTO t VALUES (0x41f(1), 5f(2), 1e5f(3))", "5f"),
    ("REPLACE t VALUE (1), (true /* ) */, null_(1)) -- f(1)", "null_"),
    ("INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = f(1), b = VALUES(b)", "f"),
    ("INSERT INTO t VALUES (_f (1))", "_f"),
    ("INSERT INTO t SET a = value (1), b = 1 DIV value(2)", "value value"),
    ("SELECT /*!50000 f(1) */", "f"),
    ("SELECT /*!50000 f */ (1)", "?"),
    ("SELECT f /*!99999 = */ (1)", "?"),
    ("SELECT f /*!99999 .g */ (1)", "?"),
    ("SELECT q. /*!99999 x */ abs(1)", "?"),
    ("SELECT q /*!99999 . */ abs(1)", "?"),
    ("SELECT /*!50000 f */ /*!99999 g */ /*!50000 (1) */", "?"),
    ("SELECT s /*!50000 . */ nextval", "NEXT"),
    ("SELECT next /*!99999 x */ value for s", "NEXT"),
];

fn said(sql: &str, mode: SqlMode) -> String {
    let call = |call: Call<'_>| match call {
        Call::Function { database: Some(database), name } => format!("{database}.{name}"),
        Call::Function { database: None, name } => name.into_owned(),
        Call::Sequence => "NEXT".to_owned(),
        Call::Unclear => "?".to_owned(),
    };
    foreign_calls(sql, mode).map(call).collect::<Vec<_>>().join(" ")
}

#[test]
fn plain_statements_certainly_call_only_what_is_built_in() {
    for sql in CERTAIN {
        assert_eq!(said(sql, SqlMode::default()), "", "{sql}");
        assert!(calls_only_builtins(sql, SqlMode::default()), "{sql}");
    }
}

#[test]
fn whatever_may_be_a_stored_function_is_not_taken_for_built_in() {
    for (sql, wanted) in FOREIGN {
        assert_eq!(said(sql, SqlMode::default()), *wanted, "{sql}");
        assert!(!calls_only_builtins(sql, SqlMode::default()), "{sql}");
    }
    let ansi = SqlMode { ansi_quotes: true, ..SqlMode::default() };
    assert_eq!(said("DO \"f\"(1), \"now\"(), 'x' (1)", ansi), "f now");
}

/// What stands in a version comment may be skipped: nothing is certain there but what has no call at all.
#[test]
fn with_a_version_comment_nothing_is_certain() {
    for sql in
        ["SELECT /*!40001 SQL_NO_CACHE */ COUNT(*) FROM t", "INSERT /*!50000 IGNORE */ INTO t (a) VALUES (1)"]
    {
        assert_eq!(said(sql, SqlMode::default()), "", "{sql}");
        assert!(!calls_only_builtins(sql, SqlMode::default()), "{sql}");
    }
    assert!(calls_only_builtins("UPDATE /*!50000 IGNORE */ t SET a = 1", SqlMode::default()));
}
