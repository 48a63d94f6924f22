//! A statement for every range of a table's key.

use std::process::Stdio;
use std::time::Duration;

use queryfleet_tests::{Fleet, Link, Output, Proxy, eventually};

const SOON: Duration = Duration::from_secs(60);

fn publish(fleet: &Fleet, template: &str, key: &str, more: &[&str]) -> Output {
    fleet.run(&[&["publish", "--template", template, "--range", key], more].concat())
}

/// `rows` rows with gaps between their keys, of which a third is old.
fn make_orders(fleet: &Fleet, rows: u64) {
    fleet.make_counters(rows);
    fleet.sql(
        "CREATE TABLE orders (id BIGINT PRIMARY KEY, old TINYINT NOT NULL) ENGINE=InnoDB; \
         INSERT INTO orders SELECT CAST(id * id AS SIGNED) - 100000, id % 3 = 0 FROM t; DROP TABLE t",
    );
}

/// Publishes the purge of old orders, the producer killed once while it cuts ranges and once while it publishes them.
fn purge_with_kills(fleet: &Fleet, rows: u64, size: u64) {
    make_orders(fleet, rows);
    let size_text = size.to_string();
    let template = "DELETE FROM orders WHERE id BETWEEN :lo AND :hi AND old = 1";
    let arguments =
        ["publish", "--template", template, "--range", "orders.id", "--size", &size_text, "--run", "purge"];
    let _worker = fleet.worker(4);
    let moments = [
        ("some ranges are written", "SELECT COUNT(*) > 150 FROM queryfleet_range"),
        ("some ranges are done", "SELECT COUNT(*) > 50 FROM queryfleet_ledger"),
    ];
    for (moment, query) in moments {
        let mut command = fleet.command(&arguments);
        command.env("QUERYFLEET_CONFIRM_WINDOW", "16").stdout(Stdio::null()).stderr(Stdio::null());
        let mut producer = command.spawn().unwrap();
        eventually(SOON, moment, || fleet.number(query) == 1 || producer.try_wait().unwrap().is_some());
        let _ = producer.kill();
        producer.wait().unwrap();
        println!("killed when {moment}: {} are", fleet.number("SELECT COUNT(*) FROM queryfleet_range"));
    }
    // Rows behind the end of the walk are no part of the run.
    fleet.sql("INSERT INTO orders VALUES (9000000000000000000, 1)");
    fleet.run(&arguments).expect(0);
    let ranges = rows.div_ceil(size);
    fleet.wait("purge").expect(0).says(&format!("all {ranges} jobs done"));
    assert_eq!(fleet.number("SELECT COUNT(*) FROM orders WHERE old = 1"), 1);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM orders WHERE old = 0"), rows - rows / 3);
    fleet.run(&arguments).expect(0).says("there was nothing to do");
    fleet.run(&[&arguments[..], &["--missing"]].concat()).expect(0).says("there was nothing to do");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_range"), ranges + 1);
}

#[test]
fn exactly_the_named_rows_are_gone_though_the_producer_is_killed_twice() {
    purge_with_kills(&Fleet::new(), 20_000, 10);
}

#[test]
#[ignore = "make faults: a million rows"]
fn a_million_rows_are_purged_though_the_producer_is_killed_twice() {
    purge_with_kills(&Fleet::new(), 1_000_000, 1000);
}

/// Tables, each with a key and seven rows, in an order that only the server knows.
const TABLES: [(&str, &str, &str); 9] = [
    ("id BIGINT PRIMARY KEY", "id", "(-9223372036854775808),(9223372036854775807),(-1),(0),(5),(7),(1000)"),
    (
        "id BIGINT UNSIGNED PRIMARY KEY",
        "id",
        "(18446744073709551615),(0),(1),(9223372036854775808),(2),(3),(4)",
    ),
    (
        "d DATE PRIMARY KEY",
        "d",
        "('2024-02-29'),('1000-01-01'),('9999-12-31'),('2026-11-23'),('2026-01-01'),('1999-01-01'),('2000-01-01')",
    ),
    (
        "d DATETIME(6) PRIMARY KEY",
        "d",
        "('2024-02-29 01:02:03.000001'),('2024-02-29 01:02:03'),('2024-02-29 01:02:03.000002'),(20250101),(20260101),(20270101),(20280101)",
    ),
    (
        "s VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci PRIMARY KEY",
        "s",
        "('b'),('A'),('Ä2'),('it''s'),('a\\\\'),('😀'),('')",
    ),
    ("s CHAR(9) CHARACTER SET latin1 PRIMARY KEY", "s", "('b'),('A'),('é'),('\"'),('\\\\'),('ß'),('_')"),
    (
        "s VARCHAR(9) COLLATE utf8mb4_bin NOT NULL, `UNIQUE` INT, UNIQUE `a key` (s)",
        "S",
        "('b',1),('A',1),('a',1),('B',1),('%',1),('\n',1),('',1)",
    ),
    (
        "b BINARY(4) PRIMARY KEY",
        "b",
        "(0xFF000000),(0x00000001),('abcd'),(0x27275C5C),(0xFFFFFFFF),(0x80),('z')",
    ),
    (
        "a INT, s VARCHAR(9), c DATE, PRIMARY KEY (a, s, c)",
        "a,s,c",
        "(1,'x',20260101),(1,'x',20260102),(1,'Y',20260101),(1,'z',20250101),(2,'a',20260101),(-3,'z',20260101),(2,'A''',20260101)",
    ),
];

#[test]
#[ignore = "make faults: takes long"]
fn every_kind_of_key_is_walked_row_by_row() {
    let fleet = Fleet::new();
    let _worker = fleet.worker(2);
    for (index, (columns, key, rows)) in TABLES.iter().enumerate() {
        let table = format!("t{index}");
        fleet.sql(&format!(
            "CREATE TABLE {table} ({columns}) CHARACTER SET utf8mb4; INSERT INTO {table} VALUES {rows}; \
             ALTER TABLE {table} ADD n INT NOT NULL DEFAULT 0"
        ));
        for size in ["1", "3", "7", "50"] {
            let (run, key) = (format!("{table} by {size}"), format!("{table}.{key}"));
            let template = format!("UPDATE {table} SET n = n + 1 WHERE :range");
            publish(&fleet, &template, &key, &["--size", size, "--run", &run, "--chunk", "2"]).expect(0);
            let jobs = 7_u64.div_ceil(size.parse().unwrap());
            let all = if jobs == 1 { "1 job".to_owned() } else { format!("all {jobs} jobs") };
            fleet.wait(&run).expect(0).says(&format!("{all} done"));
        }
        assert_eq!(fleet.number(&format!("SELECT COUNT(*) FROM {table} WHERE n = 4")), 7, "{columns}");
    }
}

#[test]
fn names_in_backquotes_may_hold_anything() {
    let fleet = Fleet::new();
    fleet.make_counters(7);
    let columns = "CHANGE id `i,``d` BIGINT NOT NULL, CHANGE n `n.n` INT NOT NULL";
    fleet.sql(&format!("ALTER TABLE t RENAME TO `t.t`; ALTER TABLE `t.t` {columns}"));
    let _worker = fleet.worker(1);
    let template = "UPDATE `t.t` SET `n.n` = `n.n` + 1 WHERE :range";
    publish(&fleet, template, "`t.t`.`i,``d`", &["--size", "3", "--run", "quoted"]).expect(0);
    fleet.wait("quoted").expect(0).says("all 3 jobs done");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM `t.t` WHERE `n.n` = 1"), 7);
}

/// The size comes from trials on the first ranges, which leave nothing behind; a walk that is gone on with learns anew.
#[test]
fn a_size_is_learned_from_the_first_ranges() {
    let fleet = Fleet::new();
    fleet.make_counters(2000);
    fleet.sql("CREATE TABLE kept (id INT PRIMARY KEY, n INT) ENGINE=MyISAM; INSERT INTO kept VALUES (1, 0)");
    let template = "UPDATE t SET n = n + 1 + 0 * SLEEP(0.002) WHERE :range";
    let auto = ["--size", "auto", "--run", "auto"];
    let kept = "UPDATE kept SET n = 1 WHERE :range";
    let repeated = [&auto[..], &["--not-atomic", "repeat"]].concat();
    publish(&fleet, kept, "kept.id", &repeated).expect(1).says("kept (MyISAM): give a number");
    publish(&fleet, "UPDATE t SET x = 1 WHERE :range", "t.id", &auto).expect(1).says("Unknown column 'x'");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
    publish(&fleet, template, "t.id", &auto).expect(0);
    let ranges = || fleet.number("SELECT COUNT(*) FROM queryfleet_range WHERE seq > 0");
    // 0.5 s are 250 rows at most, and fewer on a slow machine.
    assert!((8..1000).contains(&ranges()), "{} ranges", ranges());
    assert_eq!(fleet.number("SELECT COUNT(*) FROM t WHERE n <> 0"), 0);
    // As if the producer had been killed when two ranges were written and none was published.
    fleet.delete_queue();
    fleet.sql(
        "DELETE FROM queryfleet_range WHERE seq > 2; \
         UPDATE queryfleet_run SET state = 'publishing', total = NULL, confirmed = 0, manifest = NULL",
    );
    publish(&fleet, template, "t.id", &auto).expect(0);
    assert!((8..1000).contains(&ranges()), "{} ranges", ranges());
    let _worker = fleet.worker(4);
    fleet.wait("auto").expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_table_or_template_that_cannot_be_cut_says_why() {
    let fleet = Fleet::new();
    fleet.sql(
        "CREATE TABLE o (a INT, b INT, u INT UNIQUE, i INT NOT NULL, e ENUM('x') UNIQUE, f INT, ts TIMESTAMP, \
         PRIMARY KEY (a, b), KEY (i)); CREATE TABLE nothing (id INT PRIMARY KEY); CREATE VIEW v AS SELECT * FROM o; \
         INSERT INTO o (a, b, i) VALUES (1, 1, 1)",
    );
    let delete = "DELETE FROM o WHERE :range";
    for (template, key, says) in [
        (delete, "nowhere.id", ".nowhere cannot be cut into ranges: it is not there"),
        (delete, "o.id", "it has no column id; its columns are a, b, u"),
        (delete, "o.a", "a is not unique by itself: name the whole key, a,b"),
        (delete, "o.b", "no index begins with b"),
        (delete, "o.f", "no index begins with f"),
        (delete, "o.u", "column u may be NULL"),
        (delete, "o.i", "index on i is not unique"),
        (delete, "o.e", "column e is ENUM: a range needs"),
        (delete, "o.ts", "column ts is TIMESTAMP"),
        (delete, "v.a,b", "no index begins with a,b"),
        (delete, "o", "o is no key: expected TABLE.COLUMN"),
        (delete, "nothing.id", "nothing.id holds no statement and no row"),
        ("DELETE FROM o", "nothing.id", "neither :range nor both :lo and :hi"),
        ("DELETE FROM o WHERE id > :lo", "nothing.id", "neither :range nor both"),
        ("DELETE FROM o WHERE a = :lo", "o.a,b", "write the condition as :range"),
        ("DELETE FROM o WHERE a = :x AND :range", "o.a,b", ":x of the template has no value"),
        ("CALL p(:range)", "o.a,b", "call is non-transactional"),
        ("DELETE FROM o WHERE :range; DELETE FROM o", "o.a,b", "more than one statement"),
    ] {
        publish(&fleet, template, key, &[]).expect(1).says(says);
    }
    publish(&fleet, delete, "o.a,b", &["--size", "0"]).expect(2);
    publish(&fleet, delete, "o.a,b", &["--rows", "x.csv"]).expect(2);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
    publish(&fleet, delete, "o.a,b", &["--run", "one"]).expect(0);
    publish(&fleet, delete, "o.a,b", &["--run", "one", "--size", "7"]).expect(1).says("input differs");
    publish(&fleet, delete, "o.a,b", &[]).expect(1).says("run one of the same input has not ended");
}

#[test]
fn a_purge_takes_the_ranges_of_its_run_away() {
    let fleet = Fleet::new();
    make_orders(&fleet, 30);
    let template = "DELETE FROM orders WHERE :range";
    publish(&fleet, template, "orders.id", &["--run", "gone", "--size", "10"]).expect(0);
    publish(&fleet, "DELETE FROM orders WHERE id BETWEEN :lo AND :hi", "orders.id", &["--run", "kept"])
        .expect(0);
    let _worker = fleet.worker(1);
    fleet.wait("gone").expect(0);
    fleet.sql("UPDATE queryfleet_ledger SET time = time - INTERVAL 25 HOUR");
    fleet.run(&["purge", "gone"]).expect(0);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_range"), 2);
    // The table is empty by now: what is written down is enough.
    publish(&fleet, "DELETE FROM orders WHERE id BETWEEN :lo AND :hi", "orders.id", &["--run", "kept"])
        .expect(0);
    fleet.wait("kept").expect(0).says("1 job done");
}

#[test]
fn a_walk_longer_than_the_patience_is_waited_for() {
    let fleet = Fleet::new();
    fleet.make_counters(600);
    let database = Proxy::to(&fleet.mysql_url());
    // A round trip for each range: twice the patience in all.
    database.set(Link { delay: Duration::from_millis(5), ..Link::default() });
    let template = "UPDATE t SET n = n + 1 WHERE :range";
    let arguments = ["publish", "--template", template, "--range", "t.id", "--size", "1", "--run", "slow"];
    let mut publish = fleet.command(&arguments);
    publish.env("QUERYFLEET_MYSQL_URL", database.url(&fleet.mysql_url())).stdout(Stdio::null());
    let mut producer = publish.stderr(Stdio::null()).spawn().unwrap();
    let begun = "SELECT COUNT(*) FROM queryfleet_run";
    eventually(SOON, "the run is there", || fleet.number(begun) == 1);
    let _worker = fleet.worker(2);
    fleet.wait("slow").expect(0);
    assert!(producer.wait().unwrap().success());
    fleet.assert_each_once();
}
