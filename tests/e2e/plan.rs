//! `plan` tells what a publish would do, and does none of it.

use queryfleet_tests::{Fleet, Output};
use serde_json::{Value, json};

/// The place of a line of the first script of a plan.
fn place(script: &std::path::Path, line: u64) -> String {
    format!("{}:{line}:1", script.display())
}

fn plan(fleet: &Fleet, script: &std::path::Path, more: &[&str]) -> Output {
    fleet.run(&[&["plan", script.to_str().unwrap()], more].concat())
}

/// The first entry of a list whose key has this value.
fn entry(list: &Value, key: &str, value: &str) -> Value {
    let found = list.as_array().unwrap().iter().find(|entry| entry[key] == value);
    found.unwrap_or_else(|| panic!("no {key} {value} in {list}")).clone()
}

#[test]
fn a_plan_counts_explains_and_changes_nothing() {
    let fleet = Fleet::new();
    fleet.make_counters(1000);
    fleet.sql("CREATE TABLE log (id INT PRIMARY KEY, t BIGINT) ENGINE=InnoDB");
    let updates = (1..=100).map(|id| format!("UPDATE t SET n = n + 1 WHERE id = {id};"));
    let rest = [
        "DELETE FROM t WHERE n = 7;",
        "DELETE FROM t WHERE n = 8;",
        "update t set n = 0 where ID = 5;",
        "INSERT INTO log VALUES (1, 1), (2, 2);",
        "UPDATE nowhere SET n = 1 WHERE id = 1;",
    ];
    let script = fleet.script(updates.chain(rest.map(str::to_owned)));
    let plan = plan(&fleet, &script, &["--json"]).expect(0).json();
    assert_eq!((&plan["jobs"], &plan["refused"], &plan["complete"]), (&json!(105), &json!(0), &json!(true)));
    let kinds = plan["kinds"].as_array().unwrap();
    let of = |n: usize| (kinds[n]["kind"].clone(), kinds[n]["table"].clone(), kinds[n]["count"].clone());
    assert_eq!(of(0), (json!("update"), json!("t"), json!(101)));
    assert_eq!(of(1), (json!("delete"), json!("t"), json!(2)));
    assert_eq!(kinds.len(), 4);
    assert_eq!(plan["largest"], json!([37, place(&script, 100)]));
    assert_eq!(plan["shapes"], 5);
    let scan = &plan["full_scans"][0];
    assert_eq!((&scan["place"], &scan["jobs"]), (&json!(place(&script, 101)), &json!(2)));
    assert_eq!((&scan["table"], &scan["statement"]), (&json!("t"), &json!("DELETE FROM t WHERE n = 7")));
    assert_eq!(plan["full_scans"].as_array().unwrap().len(), 1, "{plan}");
    // Two whole tables and a row for each of the other updates, more or less.
    assert!((1500..3000).contains(&plan["rows"].as_u64().unwrap()), "{plan}");
    assert_eq!(plan["failing"][0]["place"], place(&script, 105));
    assert!(plan["failing"][0]["error"].as_str().unwrap().contains("nowhere"), "{plan}");
    assert_eq!(plan["repeats"], json!({"count": 1, "first": place(&script, 103)}));
    assert_eq!(plan["repeats_complete"], true);
    assert_eq!(plan["ledger_bytes"], 105 * 55);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM t WHERE n = 0"), 1000);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
    assert_eq!(fleet.ready(""), 0);
}

#[test]
fn a_plan_names_all_that_a_publish_would_refuse() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    fleet.sql("CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MyISAM");
    let lines = [
        "UPDATE t SET n = 1 WHERE id = 1;",
        "SET GLOBAL max_connections = 100;",
        "CALL p();",
        "TRUNCATE t;",
        "INSERT INTO m VALUES (1);",
        "DELETE FROM t;",
        "UPDATE t SET n = (SELECT 1 WHERE 1);",
        "UPDATE t SET n = 2 WHERE id = 'never closed;",
    ];
    let script = fleet.script(lines);
    let output = plan(&fleet, &script, &["--json"]).expect(1);
    let found = output.json();
    let refusals: Vec<&str> =
        found["refusals"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let reasons = ["SET", "call", "ddl", "MyISAM", "WHERE", "WHERE", "never closed"];
    for ((line, reason), text) in (2..).zip(reasons).zip(&refusals) {
        let column = if line == 8 { 31 } else { 1 };
        assert!(text.contains(&format!(":{line}:{column}: ")), "{text}");
        assert!(text.contains(reason), "{text}");
    }
    assert_eq!(
        (&found["refused"], &found["complete"], &found["jobs"]),
        (&json!(7), &json!(false), &json!(1))
    );
    assert_eq!(found["no_where"], json!({"count": 2, "first": place(&script, 6)}));
    assert_eq!(entry(&found["not_atomic"], "kind", "call")["first"], place(&script, 3));
    plan(&fleet, &script, &[]).expect(1).says("publish would refuse this: 7 statements");
    let taken = fleet.script(&lines[2..7]);
    let output = plan(&fleet, &taken, &["--json", "--not-atomic=park", "--allow-no-where"]).expect(0);
    let found = output.json();
    assert_eq!((&found["jobs"], &found["no_where"]["count"]), (&json!(5), &json!(2)));
    assert_eq!(entry(&found["not_atomic"], "kind", "insert")["table"], "m");
}

/// The statements of one shape are sampled, unless all are asked for.
#[test]
fn all_statements_are_explained_when_asked() {
    let fleet = Fleet::new();
    fleet.make_counters(10);
    fleet.sql("CREATE FUNCTION f() RETURNS INT DETERMINISTIC BEGIN UPDATE t SET n = n + 1; RETURN 1; END");
    let lines =
        (1..=70).map(|n| format!("{{\"sql\": \"UPDATE t SET n = 1 WHERE id = ?\", \"params\": [{n}]}}"));
    let last = "{\"sql\": \"UPDATE t JOIN (SELECT f() AS x) y SET n = 1 WHERE id = x\"}".to_owned();
    let script = fleet.script(lines.chain([last]));
    let path = script.with_extension("ndjson");
    std::fs::rename(script, &path).unwrap();
    let sample = plan(&fleet, &path, &["--json"]).expect(0).json();
    assert_eq!((&sample["jobs"], &sample["explained"]), (&json!(71), &json!(7)));
    let all = plan(&fleet, &path, &["--json", "--explain", "all"]).expect(0).json();
    assert_eq!((&all["explained"], &all["repeats"]["count"]), (&json!(70), &json!(0)));
    assert_eq!(fleet.number("SELECT SUM(n) FROM t"), 0, "what calls a stored function is not explained");
}

#[test]
fn whole_tables_are_changed_only_on_demand() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    let script = fleet.script(["DO 1;", "UPDATE t SET n = n + (SELECT 1 WHERE 1);"]);
    let publish = ["publish", script.to_str().unwrap(), "--run", "whole"];
    let output = fleet.run(&publish).expect(1).says("update without a WHERE").says("--allow-no-where");
    output.says(&place(&script, 2));
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
    fleet.run(&[&publish[..], &["--allow-no-where"]].concat()).expect(0);
    let _worker = fleet.worker(1);
    fleet.wait("whole").expect(0);
    fleet.assert_each_once();
}

/// Shapes in which some server evaluates what stands in them for an EXPLAIN. `fm` writes a MyISAM table, `ft` an InnoDB
/// one, `vf` calls `fm`, and `vt` calls `ft`.
const EVALUATED: [&str; 17] = [
    "SELECT * FROM (SELECT fm(4)) d;",
    "SELECT * FROM (SELECT fm(4) LIMIT 1) d;",
    "SELECT * FROM (SELECT ft(4)) d;",
    "SELECT * FROM t WHERE id = (SELECT ft(4));",
    "SELECT * FROM t JOIN (SELECT ft(id) x FROM t) d;",
    "SELECT * FROM (SELECT 1 UNION SELECT ft(4)) d;",
    "SELECT * FROM vf;",
    "SELECT * FROM (SELECT * FROM vf) d;",
    "SELECT * FROM vt;",
    "WITH x AS (SELECT ft(5) AS y) SELECT * FROM x;",
    "WITH x AS (SELECT ft(5) AS y) UPDATE t JOIN x SET n = y;",
    "UPDATE t, (SELECT fm(6)) d SET n = 1;",
    "UPDATE t, (SELECT ft(6)) d SET n = 1;",
    "UPDATE t JOIN vf SET n = 1;",
    "DELETE FROM t WHERE id IN (SELECT ft(7));",
    "INSERT INTO t SELECT * FROM (SELECT ft(8), 1) d;",
    "REPLACE INTO t SELECT x, 1 FROM vf;",
];
/// The same with sequences, which MySQL does not have.
const DRAWING: [&str; 4] = [
    "SELECT * FROM (SELECT NEXTVAL(sq)) d;",
    "SELECT * FROM (SELECT NEXT VALUE FOR sq) d;",
    "UPDATE t, (SELECT NEXTVAL(sq) x) d SET n = x;",
    "SELECT * FROM vs;",
];

#[test]
fn a_plan_has_no_effect_whatever_the_statements_call() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    fleet.sql(
        "CREATE TABLE m (n INT) ENGINE=MyISAM; CREATE TABLE w (n INT) ENGINE=InnoDB; \
         CREATE FUNCTION fm(a INT) RETURNS INT DETERMINISTIC BEGIN INSERT INTO m VALUES (a); RETURN a; END; \
         CREATE FUNCTION ft(a INT) RETURNS INT DETERMINISTIC BEGIN INSERT INTO w VALUES (a); RETURN a; END; \
         CREATE VIEW vf AS SELECT fm(3) AS x; CREATE VIEW vt AS SELECT ft(3) AS x",
    );
    let mut lines = EVALUATED.to_vec();
    if !fleet.is_mysql() {
        fleet.sql("CREATE SEQUENCE sq; CREATE VIEW vs AS SELECT NEXTVAL(sq) AS x");
        lines.extend(DRAWING);
    }
    let script = fleet.script(&lines);
    for more in [&["--allow-no-where"][..], &["--allow-no-where", "--not-atomic=park"]] {
        plan(&fleet, &script, &[&["--json", "--explain", "all"], more].concat());
    }
    assert_eq!(fleet.number("SELECT COUNT(*) FROM m"), 0, "a MyISAM table keeps what is rolled back");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM w"), 0);
    assert_eq!(fleet.number("SELECT SUM(n) FROM t"), 0);
    if !fleet.is_mysql() {
        assert_eq!(fleet.number("SELECT NEXTVAL(sq)"), 1);
    }
}
