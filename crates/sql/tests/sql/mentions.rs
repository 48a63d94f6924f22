//! Which names are mentioned, and what may change tables of a prefix.

use queryfleet_sql::{SqlMode, called_procedures, inspect, may_change_tables_with_prefix, names};

fn said(sql: &str) -> String {
    names(sql, SqlMode::default()).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_name_is_mentioned_wherever_it_stands() {
    for (sql, wanted) in [
        ("UPDATE history SET a = 'm'", "UPDATE history SET a"),
        ("INSERT INTO .m VALUES (1)", "INSERT INTO m VALUES"),
        ("INSERT INTO /*!999999 t2 */ m /*M!999999 x*/", "INSERT INTO t2 m x"),
        ("DELETE FROM `a``b` . \"m\" -- n", "DELETE FROM a`b m"),
        ("DO 1.m, .5m, 1e5m, x'41'm", "DO m m m m"),
    ] {
        assert_eq!(said(sql), wanted, "{sql}");
    }
    let body = "BEGIN CALL p; CALL `q` . r(1); END";
    let called: Vec<_> =
        called_procedures(body, SqlMode::default()).iter().map(|p| p.table.to_string()).collect();
    assert_eq!(called, ["p", "r"]);
}

/// Statements, and whether each may change a table whose name begins with `queryfleet_`.
const OURS: [(&str, bool); 22] = [
    ("INSERT INTO queryfleet_ledger VALUES (1, 2, 'done')", true),
    ("insert into `QueryFleet_Ledger` values (1, 2, 'done')", true),
    ("INSERT INTO other.queryfleet_ledger SELECT 1", true),
    ("REPLACE INTO .queryfleet_dead VALUES (1)", true),
    ("UPDATE t JOIN queryfleet_run SET total = 5", true),
    ("UPDATE t JOIN queryfleet_run r ON 1 SET r.total = 5", true),
    ("DELETE FROM queryfleet_ledger", true),
    ("DELETE l FROM t JOIN queryfleet_ledger l", true),
    ("LOAD DATA INFILE 'f' INTO TABLE queryfleet_ledger", true),
    ("INSERT INTO /*!999999 t */ queryfleet_ledger VALUES (1)", true),
    ("INSERT INTO t /*!999999 SELECT * FROM queryfleet_ledger */", true),
    ("WITH x AS (SELECT 1) DELETE FROM queryfleet_ledger", true),
    ("TRUNCATE queryfleet_ledger", true),
    ("ALTER TABLE queryfleet_ledger DROP PRIMARY KEY", true),
    ("CALL p((SELECT 1 FROM queryfleet_run))", true),
    ("INSERT INTO t SELECT seq FROM queryfleet_ledger", false),
    ("UPDATE t SET n = (SELECT COUNT(*) FROM queryfleet_ledger)", false),
    ("UPDATE t JOIN queryfleet_ledger l ON l.seq = t.id SET t.n = 1", false),
    ("SELECT * FROM queryfleet_ledger FOR UPDATE", false),
    ("WITH x AS (SELECT * FROM queryfleet_run) SELECT * FROM x", false),
    ("UPDATE t SET note = 'queryfleet_ledger' WHERE queryfleetish = 1", false),
    ("UPDATE t SET n = 1", false),
];

#[test]
fn what_may_change_tables_of_a_prefix_is_told_from_what_reads_them() {
    let mode = SqlMode::default();
    for (sql, wanted) in OURS {
        let inspected = inspect(sql, mode).unwrap();
        assert_eq!(
            may_change_tables_with_prefix(inspected.sql, inspected.kind, mode, "queryfleet_"),
            wanted,
            "{sql}"
        );
    }
}
