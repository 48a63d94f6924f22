//! Tables that no transaction holds: who writes one is refused, or runs as not atomic.

use queryfleet_tests::Fleet;

/// `m` is MyISAM; a trigger of `audited` writes it, and a trigger of `first` writes `audited`; `v` shows `m`.
fn make_tables(fleet: &Fleet) {
    fleet.sql(
        "CREATE TABLE m (id INT PRIMARY KEY AUTO_INCREMENT, n INT) ENGINE=MyISAM; \
         CREATE TABLE audited (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; \
         CREATE TABLE first (id INT PRIMARY KEY) ENGINE=InnoDB; \
         CREATE VIEW v AS SELECT id, n FROM m; \
         CREATE TRIGGER note AFTER UPDATE ON audited FOR EACH ROW INSERT INTO m (n) VALUES (NEW.n); \
         CREATE TRIGGER pass_on AFTER INSERT ON first FOR EACH ROW UPDATE audited SET n = n + 1; \
         INSERT INTO audited VALUES (1, 0)",
    );
}

/// Statements, and what of them is named.
const REFUSED: [(&str, &str); 5] = [
    ("INSERT INTO m (n) VALUES (1)", ".m (MyISAM)"),
    ("UPDATE t, m SET m.n = 1 WHERE t.id = m.id", ".m (MyISAM)"),
    ("DELETE FROM v WHERE id = 1", ".v (the view changes "),
    ("UPDATE audited SET n = 1 WHERE id = 1", ".audited (trigger note changes "),
    ("INSERT INTO first VALUES (1)", ".first (trigger pass_on changes "),
];

#[test]
fn statements_that_no_transaction_holds_are_refused() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    make_tables(&fleet);
    for (statement, reason) in REFUSED {
        let script = fleet.script(["UPDATE t SET n = 1 WHERE id = 1;", statement]);
        let path = script.to_str().unwrap();
        let output = fleet.run(&["publish", path, "--run", "refused"]).expect(1).says(reason);
        output.says(&format!("{path}:2:1: ")).says("(MyISAM)").says("ENGINE=InnoDB").says("--not-atomic");
    }
    assert_eq!(fleet.ready(""), 0);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
    fleet.run(&["doctor"]).says(".audited (trigger note changes ").says("4 tables");
}

#[test]
fn not_atomic_takes_them_and_what_only_reads_is_free() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    make_tables(&fleet);
    let script = fleet.script([
        "UPDATE t SET n = n + 1 + (SELECT COUNT(*) * 0 FROM m) WHERE id = 1;",
        "UPDATE t LEFT JOIN m ON t.id = m.id SET t.n = t.n + 1 WHERE t.id = 2;",
    ]);
    fleet.publish(&script, "reads");
    // With GTIDs in force, MySQL takes no statement that changes tables of both sorts.
    let audited = if fleet.is_mysql() {
        "INSERT INTO m VALUES (1, 7);"
    } else {
        "UPDATE audited SET n = 7 WHERE id = 1;"
    };
    let written = fleet.script([audited, "INSERT INTO m VALUES (5, 5), (5, 6);"]);
    let publish = ["publish", written.to_str().unwrap(), "--run", "writes", "--not-atomic=park"];
    fleet.run(&[&publish[..], &["--chunk", "10"]].concat()).expect(0);
    let _worker = fleet.worker(1);
    fleet.wait("reads").expect(0);
    fleet.wait("writes").expect(3);
    fleet.assert_each_once();
    assert_eq!(fleet.number("SELECT COUNT(*) FROM m WHERE n = 7"), 1);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM m WHERE id = 5"), 1, "not tried again");
    assert_eq!(fleet.dead(), [(2, "unknown".to_owned(), Some(1062))]);
}
