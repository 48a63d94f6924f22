//! Keys of every type, character set and direction: each row of a walked table is met once, or the key is refused.

use std::sync::Arc;

use mysql_async::Row;
use queryfleet_config::Config;
use queryfleet_ledger::{Database, LedgerClient, Walk};
use queryfleet_tests::{Fleet, Output};

fn publish(fleet: &Fleet, template: &str, key: &str, more: &[&str]) -> Output {
    fleet.run(&[&["publish", "--template", template, "--range", key], more].concat())
}

/// Character sets, and a collation of each where it is not the default one.
const TEXTS: [(&str, &str); 32] = [
    ("cp1250", ""),
    ("cp1251", ""),
    ("cp1251", "cp1251_bin"),
    ("cp1256", ""),
    ("cp1257", ""),
    ("latin1", ""),
    ("latin1", "latin1_german2_ci"),
    ("latin2", "latin2_czech_cs"),
    ("latin5", ""),
    ("latin7", ""),
    ("greek", ""),
    ("hebrew", ""),
    ("tis620", ""),
    ("ascii", ""),
    ("koi8r", ""),
    ("swe7", ""),
    ("dec8", ""),
    ("sjis", ""),
    ("cp932", ""),
    ("gbk", ""),
    ("gb2312", ""),
    ("big5", ""),
    ("euckr", ""),
    ("ujis", ""),
    ("eucjpms", ""),
    ("utf8mb3", ""),
    ("utf8mb4", "utf8mb4_bin"),
    ("utf8mb4", "utf8mb4_unicode_ci"),
    ("ucs2", ""),
    ("utf16", ""),
    ("utf16le", ""),
    ("utf32", ""),
];

/// As MariaDB alone has them: control characters sort before the space that fills up a text.
const NO_PAD: [(&str, &str); 4] = [
    ("latin1", "latin1_swedish_nopad_ci"),
    ("utf8mb4", "utf8mb4_general_nopad_ci"),
    ("utf8mb4", "utf8mb4_nopad_bin"),
    ("tis620", "tis620_thai_nopad_ci"),
];

/// Bytes of all kinds: each alone, behind a letter, in pairs, with spaces and control characters behind.
fn bytes() -> Vec<String> {
    let single = (0..=255).map(|byte| format!("{byte:02X}"));
    let behind = (0..=255).step_by(7).map(|byte| format!("41{byte:02X}"));
    let pairs = (0x81..0xFE)
        .step_by(3)
        .flat_map(|first| [0x40, 0x5C, 0xA1].map(|second| format!("{first:02X}{second:02X}")));
    let wide = (1..0x30).map(|byte| format!("00000{byte:03X}"));
    let odd = ["", "4120", "412020", "4109", "410120", "433A5C61", "005C0061", "D0CF5C27", "412700"]
        .map(str::to_owned);
    single.chain(behind).chain(pairs).chain(wide).chain(odd).collect()
}

#[test]
#[ignore = "make faults: takes long"]
fn a_text_key_is_the_same_key_in_every_character_set() {
    let fleet = Fleet::new();
    let _worker = fleet.worker(4);
    let bytes = bytes();
    let no_pad = if fleet.is_mysql() { &NO_PAD[..0] } else { &NO_PAD[..] };
    let texts = TEXTS.iter().chain(no_pad).enumerate();
    let tables: Vec<(String, &str)> = texts.map(|(at, (charset, collation))| {
        let table = format!("k{at}");
        let collate = if collation.is_empty() { String::new() } else { format!("COLLATE {collation}") };
        fleet.sql(&format!(
            "CREATE TABLE {table} (s VARCHAR(9) CHARACTER SET {charset} {collate} PRIMARY KEY, n INT NOT NULL DEFAULT 0)"
        ));
        let mut client = fleet.client();
        client.run("SET sql_mode = ''").unwrap();
        for hex in &bytes {
            // What is none of this character set, or equal to one before, is left out.
            let _ = client.run(&format!("INSERT INTO {table} (s) VALUES (x'{hex}')"));
        }
        (table, *charset)
    }).collect();
    for (table, _) in &tables {
        let template = format!("UPDATE {table} SET n = n + 1 WHERE :range");
        let more = ["--size", "7", "--run", table, "--chunk", "10"];
        publish(&fleet, &template, &format!("{table}.s"), &more).expect(0);
    }
    for (table, charset) in &tables {
        fleet.wait(table).expect(0);
        let rows = fleet.number(&format!("SELECT COUNT(*) FROM {table}"));
        assert!(rows > 30, "{rows} rows of {charset}");
        let wrong = fleet.number(&format!("SELECT COUNT(*) FROM {table} WHERE n <> 1"));
        assert_eq!(wrong, 0, "of {rows} rows of {charset} in {table}");
    }
}

/// Keys whose walk goes down, or down and up, of one column and of several.
const DIRECTIONS: [(&str, &str); 8] = [
    ("PRIMARY KEY (a, b)", "a,b"),
    ("PRIMARY KEY (a DESC, b DESC)", "a,b"),
    ("PRIMARY KEY (a, b DESC)", "a,b"),
    ("PRIMARY KEY (a DESC, b)", "a,b"),
    ("PRIMARY KEY (c DESC)", "c"),
    ("PRIMARY KEY (c)", "c"),
    ("PRIMARY KEY (a), UNIQUE u (s DESC, b)", "s,b"),
    ("PRIMARY KEY (a), UNIQUE u (s DESC)", "s"),
];

fn make_directed(fleet: &Fleet, table: &str, key: &str) {
    let alone = key.starts_with("PRIMARY KEY (a),") || key.contains("(c");
    let a = if alone { "seq" } else { "seq DIV 10" };
    fleet.sql(&format!(
        "CREATE TABLE {table} (a INT, b INT NOT NULL, c INT NOT NULL, s VARCHAR(9) CHARACTER SET cp1251 NOT NULL, \
         n INT NOT NULL DEFAULT 0, {key}); \
         INSERT INTO {table} SELECT {a}, 1000 - seq, seq * 3, CONCAT('k', seq * 7), 0 FROM numbers"
    ));
}

fn make_numbers(fleet: &Fleet) {
    fleet.sql(
        "CREATE TABLE numbers (seq INT PRIMARY KEY); INSERT INTO numbers WITH RECURSIVE r AS (SELECT 1 AS seq UNION ALL \
         SELECT seq + 1 FROM r WHERE seq < 500) SELECT seq FROM r",
    );
}

#[test]
fn a_key_of_any_direction_is_walked_out_of_its_index_and_each_row_met_once() {
    let fleet = Fleet::new();
    let _worker = fleet.worker(4);
    make_numbers(&fleet);
    let vars = [("QUERYFLEET_MYSQL_URL".to_owned(), fleet.mysql_url())];
    let database = Arc::new(Database::new(&Config::from_vars(vars).unwrap()).unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (at, (key, columns)) in DIRECTIONS.iter().enumerate() {
        let table = format!("d{at}");
        make_directed(&fleet, &table, key);
        let names: Vec<&str> = columns.split(',').collect();
        let query = runtime.block_on(async {
            let mut control = LedgerClient::new(database.clone());
            let key = control.inspect().key(None, &table, &names).await.unwrap();
            let mut walk = Walk::new(&database, &key, None).await.unwrap();
            let extent = walk.extent().await.unwrap().unwrap();
            let first = walk.next(None, &extent.hi, 20).await.unwrap();
            walk.query(Some(&first.hi), &extent.hi, 20)
        });
        let mut client = fleet.client();
        let plan: Vec<Row> = client.rows(&format!("EXPLAIN FORMAT=TRADITIONAL {query}"));
        assert!(plan.len() >= 2, "{key}: {query}");
        for row in &plan {
            let text = |name: &str| {
                row.get_opt::<Option<String>, _>(name).and_then(Result::ok).flatten().unwrap_or_default()
            };
            assert!(!text("Extra").contains("filesort"), "{key}: {} of {query}", text("Extra"));
        }
        // Rows that were read, whatever the plan has said: those of one range, not all that are left.
        client.run("FLUSH STATUS").unwrap();
        let _: Vec<Row> = client.rows(&query);
        let read: Vec<(String, u64)> = client.rows("SHOW SESSION STATUS LIKE 'Handler\\_read\\_%'");
        let read: u64 = read.iter().filter(|(name, _)| !name.contains("rnd")).map(|(_, count)| count).sum();
        assert!(read < 60, "{key}: {read} rows for a range of 20");
        for size in ["1", "20", "333"] {
            let (run, key) = (format!("{table} by {size}"), format!("{table}.{columns}"));
            let template = match names.len() {
                1 => format!("UPDATE {table} SET n = n + 1 WHERE {columns} BETWEEN :lo AND :hi AND :range"),
                _ => format!("UPDATE {table} SET n = n + 1 WHERE :range"),
            };
            publish(&fleet, &template, &key, &["--size", size, "--run", &run, "--chunk", "50"]).expect(0);
            let jobs = 500_u64.div_ceil(size.parse().unwrap());
            fleet.wait(&run).expect(0).says(&format!("all {jobs} jobs done"));
        }
        let right = fleet.number(&format!("SELECT COUNT(*) FROM {table} WHERE n = 3"));
        assert_eq!(right, 500, "{key}");
    }
}

/// Ranges as version 0.1 wrote them: texts as texts, and every walk from the smallest to the largest.
#[test]
fn ranges_that_an_earlier_version_has_written_down_go_on() {
    let fleet = Fleet::new();
    make_numbers(&fleet);
    for (table, key, columns, extent, range) in [
        (
            "up",
            "PRIMARY KEY (a), UNIQUE (s)",
            "s",
            [r#"["k1001"]"#, r#"["k994"]"#],
            [r#"["k1001"]"#, r#"["k1099"]"#],
        ),
        ("down", "PRIMARY KEY (c DESC)", "c", ["[3]", "[1500]"], ["[3]", "[45]"]),
        ("mixed", "PRIMARY KEY (a, b DESC)", "a,b", ["[0,991]", "[50,500]"], ["[0,991]", "[1,986]"]),
    ] {
        make_directed(&fleet, table, key);
        let template = format!("UPDATE {table} SET n = n + 1 WHERE :range");
        let key = format!("{table}.{columns}");
        let arguments = ["--size", "15", "--run", table];
        publish(&fleet, &template, &key, &arguments).expect(0);
        fleet.delete_queue();
        // The first range is that of 15 rows, as it was walked then.
        let run = fleet.run_id(table);
        let ([from, to], [lo, hi]) = (extent, range);
        fleet.sql(&format!(
            "DELETE FROM queryfleet_range WHERE run = {run} AND seq > 1; \
             UPDATE queryfleet_range SET lo = '{from}', hi = '{to}' WHERE run = {run} AND seq = 0; \
             UPDATE queryfleet_range SET lo = '{lo}', hi = '{hi}' WHERE run = {run} AND seq = 1; \
             UPDATE queryfleet_run SET state = 'publishing', total = NULL, confirmed = 0, manifest = NULL \
             WHERE id = {run}"
        ));
        publish(&fleet, &template, &key, &arguments).expect(0);
        let worker = fleet.worker(2);
        fleet.wait(table).expect(0);
        drop(worker);
        assert_eq!(fleet.number(&format!("SELECT COUNT(*) FROM {table} WHERE n = 1")), 500, "{table}");
    }
}

#[test]
fn a_key_that_compares_otherwise_than_it_is_read_is_refused_by_name() {
    let fleet = Fleet::new();
    let everywhere = [
        ("f FLOAT", "f is FLOAT: a range needs"),
        ("f DOUBLE", "f is DOUBLE"),
        ("f DECIMAL(9,2)", "f is DECIMAL"),
        ("f TIMESTAMP NOT NULL DEFAULT '2024-01-01'", "f is TIMESTAMP"),
        ("f TIME", "f is TIME"),
        ("f YEAR", "f is YEAR"),
        ("f ENUM('b','a')", "f is ENUM"),
        ("f SET('b','a')", "f is SET"),
        ("f BIT(8)", "f is BIT"),
        ("f DATETIME NOT NULL DEFAULT NOW() ON UPDATE NOW()", "f is generated, or set ON UPDATE"),
        ("a INT, f INT AS (a + 1) STORED", "f is generated"),
        ("f CHAR(9) CHARACTER SET tis620", "f is CHAR with the collation tis620_thai_ci"),
    ];
    let on_mariadb = [
        ("f UUID", "f is UUID"),
        ("f INET6", "f is INET6"),
        ("f INET4", "f is INET4"),
        (
            "f CHAR(9) CHARACTER SET latin1 COLLATE latin1_swedish_nopad_ci",
            "collation latin1_swedish_nopad_ci",
        ),
    ];
    let on_mariadb = if fleet.is_mysql() { &on_mariadb[..0] } else { &on_mariadb[..] };
    for (at, (columns, says)) in everywhere.iter().chain(on_mariadb).enumerate() {
        fleet.sql(&format!("CREATE TABLE x{at} ({columns}, n INT, UNIQUE (f))"));
        publish(&fleet, &format!("UPDATE x{at} SET n = 1 WHERE :range"), &format!("x{at}.f"), &[])
            .expect(1)
            .says(says);
    }
    fleet.sql(
        "CREATE TABLE p (s VARCHAR(9) NOT NULL, t TEXT NOT NULL, j INT, n INT, UNIQUE (s(3)), UNIQUE u (t(9)), UNIQUE (j))",
    );
    for (key, says) in [
        ("p.s", "column s is indexed by its first bytes only"),
        ("p.t", "column t is TEXT"),
        ("p.j", "column j may be NULL"),
    ] {
        publish(&fleet, "UPDATE p SET n = 1 WHERE :range", key, &[]).expect(1).says(says);
    }
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
}

#[test]
fn a_statement_that_moves_rows_of_its_own_walk_is_refused() {
    let fleet = Fleet::new();
    fleet.make_counters(10);
    fleet.sql(
        "CREATE TABLE parent (id BIGINT UNSIGNED PRIMARY KEY, m INT); CREATE TABLE log (id BIGINT UNSIGNED, n INT); \
         CREATE TABLE child (id BIGINT UNSIGNED PRIMARY KEY, n INT, FOREIGN KEY (id) REFERENCES parent (id) ON UPDATE CASCADE); \
         CREATE VIEW v AS SELECT id AS k, n FROM t; \
         CREATE TABLE set_by (id INT PRIMARY KEY, n INT); CREATE TABLE fires (id INT PRIMARY KEY, n INT); \
         INSERT INTO parent VALUES (1, 0); INSERT INTO child VALUES (1, 0); INSERT INTO set_by VALUES (1, 0); \
         CREATE TRIGGER moves BEFORE UPDATE ON set_by FOR EACH ROW SET NEW.id = NEW.id + 51; \
         CREATE TRIGGER adds AFTER UPDATE ON fires FOR EACH ROW INSERT INTO t (id) VALUES (NEW.id + 100)",
    );
    for (template, key, says) in [
        ("UPDATE t SET id = id + 51, n = n + 1 WHERE :range", "t.id", "sets id, a column of the key"),
        ("UPDATE t SET n = 1, t.`ID` = 5 WHERE :range", "t.id", "sets ID, a column of the key"),
        ("UPDATE log JOIN t AS x USING (id) SET x.id = 5 WHERE x.n = 1 AND :range", "t.id", "sets id"),
        ("INSERT INTO t SELECT id + 51, n FROM t WHERE :range", "t.id", "puts rows into t"),
        (
            "INSERT INTO t SELECT id, n FROM t WHERE :range ON DUPLICATE KEY UPDATE n = 1",
            "t.id",
            "puts rows into t",
        ),
        ("REPLACE INTO t SELECT id, n FROM t WHERE :range", "t.id", "puts rows into t"),
        ("UPDATE v SET k = k + 51 WHERE k BETWEEN :lo AND :hi", "t.id", "writes the view v"),
        (
            "UPDATE set_by SET n = n + 1 WHERE :range",
            "set_by.id",
            "fires trigger moves, which sets a column of the key",
        ),
        ("UPDATE fires SET n = 1 WHERE id BETWEEN :lo AND :hi", "t.id", "fires trigger adds, which writes t"),
        (
            "UPDATE parent SET m = 1 WHERE id BETWEEN :lo AND :hi",
            "child.id",
            "writes parent, which id of the key follows",
        ),
    ] {
        publish(&fleet, template, key, &[]).expect(1).says(says).says("would be met once more");
    }
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
    let _worker = fleet.worker(1);
    for (run, template, key) in [
        ("copied", "INSERT INTO log SELECT id, n FROM t WHERE :range", "t.id"),
        (
            "joined",
            "UPDATE t JOIN log USING (id) SET log.id = 5, t.n = t.n + 1 WHERE t.id BETWEEN :lo AND :hi",
            "t.id",
        ),
        ("of a child", "UPDATE child SET n = 7 WHERE :range", "child.id"),
        ("deleted", "DELETE FROM v WHERE k BETWEEN :lo AND :hi AND n = 0", "t.id"),
    ] {
        publish(&fleet, template, key, &["--size", "3", "--run", run]).expect(0);
        fleet.wait(run).expect(0);
    }
    fleet.assert_each_once();
}

/// A table that becomes, under a walk, one whose index and comparisons disagree, which would have been refused.
#[test]
fn a_walk_that_leaves_rows_out_or_goes_round_is_noticed() {
    let fleet = Fleet::new();
    if fleet.is_mysql() {
        // Its index has the order of its comparisons in every collation.
        return;
    }
    let columns = "s VARCHAR(9) CHARACTER SET latin1 COLLATE latin1_swedish_nopad_ci PRIMARY KEY";
    fleet.sql(&format!("CREATE TABLE odd ({columns})"));
    let vars = [("QUERYFLEET_MYSQL_URL".to_owned(), fleet.mysql_url())];
    let database = Arc::new(Database::new(&Config::from_vars(vars).unwrap()).unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let key =
        runtime.block_on(LedgerClient::new(database.clone()).inspect().key(None, "odd", &["s"])).unwrap();
    fleet.sql(&format!("DROP TABLE odd; CREATE TABLE odd ({})", columns.replace("VARCHAR", "CHAR")));
    let mut client = fleet.client();
    for hex in bytes() {
        let _ =
            client.run(&format!("INSERT IGNORE INTO odd VALUES (x'{hex}'), (x'{hex}01'), (x'{hex}0101')"));
    }
    let rows = fleet.number("SELECT COUNT(*) FROM odd");
    let error = runtime.block_on(async {
        let mut walk = Walk::new(&database, &key, None).await.unwrap();
        let extent = walk.extent().await.unwrap().unwrap();
        let (mut after, mut ranges) = (None, Vec::new());
        loop {
            let range = walk.next(after.as_deref(), &extent.hi, 1).await?;
            after = Some(range.hi.clone());
            ranges.push(range);
            if after.as_ref() == Some(&extent.hi) || ranges.len() as u64 > rows {
                println!("{} ranges of {rows} rows", ranges.len());
                return walk.verify(None, &ranges).await;
            }
        }
    });
    let error = error.unwrap_err().to_string();
    assert!(error.contains("its index has another order than comparisons"), "{error}");
}
