//! What a value of a file becomes in a statement: exact, or refused.

use std::path::PathBuf;

use queryfleet_tests::{Fleet, Output};

fn file(fleet: &Fleet, extension: &str, text: &str) -> PathBuf {
    let path = fleet.script([""]).with_extension(extension);
    std::fs::write(&path, text).unwrap();
    path
}

/// Publishes rows for a template, named after their extension and a number.
fn publish(fleet: &Fleet, template: &str, (extension, rows): (&str, &str), more: &[&str]) -> Output {
    let path = file(fleet, extension, rows);
    fleet.run(&[&["publish", "--template", template, "--rows", path.to_str().unwrap()], more].concat())
}

/// Runs rows to their end.
fn run(fleet: &Fleet, template: &str, rows: (&str, &str), name: &str) {
    publish(fleet, template, rows, &["--run", name]).expect(0);
    fleet.wait(name).expect(0);
}

/// What a double holds in none of these columns, after a sum, a difference and a product.
#[test]
fn a_number_is_exact_in_every_expression() {
    let fleet = Fleet::new();
    let _worker = fleet.worker(2);
    fleet.sql(
        "CREATE TABLE money (id INT PRIMARY KEY, d DECIMAL(65,10), b BIGINT, u BIGINT UNSIGNED, v VARCHAR(99), bits BIT(8), \
         j JSON, e ENUM('b','1','a'), y DATETIME)",
    );
    let template = "UPDATE money SET d = d + :amount, b = b - :whole, u = u + (:whole), v = :amount, bits = :whole + 0, \
                    j = JSON_SET(j, '$.a', :amount + 0, '$.b', :amount), e = :whole, y = y + INTERVAL :whole DAY \
                    WHERE id = :id AND :whole * 2 = 2 LIMIT :whole";
    let rows = [
        (
            "csv",
            "id,amount,whole\n1,0.01,1\n2,\"-00.010\",1\n3,12345678901234567890123456789.0123456789,1\n4,\\N,1\n",
        ),
        (
            "ndjson",
            "{\"id\":\"1\",\"amount\":\"0.01\",\"whole\":\"1\"}\n{\"id\":\"2\",\"amount\":\"-00.010\",\"whole\":\"1\"}\n\
             {\"id\":\"3\",\"amount\":\"12345678901234567890123456789.0123456789\",\"whole\":\"1\"}\n\
             {\"id\":\"4\",\"amount\":null,\"whole\":\"1\"}\n",
        ),
    ];
    type Row = (u64, Option<String>, String, String, Option<String>, u64, Option<String>, String, String);
    let some = |text: &str| Some(text.to_owned());
    for (at, rows) in rows.into_iter().enumerate() {
        fleet.sql(
            "DELETE FROM money; INSERT INTO money SELECT id, 90071992547409.93, 9007199254740994, 18446744073709551614, '', \
             0, '{}', 'b', '2024-02-28' FROM (SELECT 1 AS id UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) four",
        );
        run(&fleet, template, rows, &format!("money {at}"));
        let found: Vec<Row> = fleet.rows(
            "SELECT id, CAST(d AS CHAR), CAST(b AS CHAR), CAST(u AS CHAR), v, bits + 0, \
             CAST(JSON_EXTRACT(j, '$.a') AS CHAR), CAST(e AS CHAR), CAST(y AS CHAR) FROM money ORDER BY id",
        );
        let row = |id, d: Option<&str>, v: Option<&str>, a: Option<&str>| -> Row {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let (b, u) = ("9007199254740993".to_owned(), "18446744073709551615".to_owned());
            (id, text(d), b, u, text(v), 1, text(a), "1".to_owned(), "2024-02-29 00:00:00".to_owned())
        };
        let long = "12345678901234567890123456789.0123456789";
        let wanted = [
            row(1, Some("90071992547409.9400000000"), Some("0.01"), Some("0.01")),
            row(2, Some("90071992547409.9200000000"), Some("-00.010"), Some("-0.010")),
            row(3, Some("12345678901234657962116004198.9423456789"), Some(long), Some(long)),
            row(4, None, None, Some("null")),
        ];
        for (found, wanted) in found.iter().zip(&wanted) {
            let mut found = found.clone();
            // MySQL keeps a JSON number shorter.
            if fleet.is_mysql() {
                found.6 = wanted.6.clone();
            }
            assert_eq!(&found, wanted);
        }
        let strings = fleet
            .rows::<(Option<String>,)>("SELECT CAST(JSON_EXTRACT(j, '$.b') AS CHAR) FROM money WHERE id = 1");
        assert_eq!(strings, [(some("\"0.01\""),)]);
    }
}

/// Numbers of JSON are numbers in every use, with all their digits; so are those of `params`, and their strings follow the
/// same rule as a row's.
#[test]
fn numbers_of_json_and_bound_values_keep_their_digits() {
    let fleet = Fleet::new();
    let _worker = fleet.worker(2);
    fleet.sql(
        "CREATE TABLE n (id INT PRIMARY KEY, d DECIMAL(65,30), v VARCHAR(99)); \
         INSERT INTO n VALUES (1, 0, ''), (2, 0, ''), (3, 90071992547409.93, ''), (4, 1, ''), (5, 90071992547409.93, '')",
    );
    run(
        &fleet,
        "UPDATE n SET d = d + :x, v = :x WHERE id = :id",
        (
            "ndjson",
            "{\"id\":1,\"x\":12345678901234567890123456789.000000000000000001}\n{\"id\":2,\"x\":-18446744073709551617}\n",
        ),
        "rows",
    );
    let lines = r#"{"sql": "UPDATE n SET d = d + ?, v = CONCAT(?, '?') WHERE id = ?", "params": ["0.01", "007", "3"]}
{"sql": "UPDATE n SET d = d + ? /* ? */, v = ? WHERE id = ? LIMIT ?", "params": [1e-15, 0.1234567890123456789, 4, "1"]}
{"sql": "UPDATE n SET d = d - ?, v = ? WHERE id = ?", "params": ["-0.01", "-0.01", 5]}
"#;
    let path = file(&fleet, "ndjson", lines);
    fleet.run(&["publish", path.to_str().unwrap(), "--run", "bound"]).expect(0);
    fleet.wait("bound").expect(0);
    let found: Vec<(u64, String, String)> = fleet.rows("SELECT id, CAST(d AS CHAR), v FROM n ORDER BY id");
    let wanted = [
        (
            1,
            "12345678901234567890123456789.000000000000000001000000000000",
            "12345678901234567890123456789.000000000000000001",
        ),
        (2, "-18446744073709551617.000000000000000000000000000000", "-18446744073709551617"),
        (3, "90071992547409.940000000000000000000000000000", "007?"),
        (4, "1.000000000000001000000000000000", "0.1234567890123456789"),
        (5, "90071992547409.940000000000000000000000000000", "-0.01"),
    ];
    assert_eq!(found, wanted.map(|(id, d, v)| (id, d.to_owned(), v.to_owned())));
}

#[test]
fn a_text_where_a_number_may_be_meant_is_refused_with_what_to_write() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    fleet.sql("CREATE TABLE flags (id INT, n INT, b BIT(8), PRIMARY KEY (id))");
    fleet.sql("CREATE TABLE prices (id BIGINT PRIMARY KEY, p DECIMAL(20, 2))");
    let csv = |value: &str| format!("id,x\n1,{value}\n");
    for (template, value, says) in [
        (
            "UPDATE t SET n = n + COALESCE(:x, 0) WHERE id = :id",
            "1",
            "template:1:31: :x stands in an expression with `+`",
        ),
        ("UPDATE t SET n = ROUND(:x, 2) WHERE id = :id", "1", "with `ROUND`"),
        ("DELETE FROM t WHERE n + 0 = :x AND id = :id", "1", "write :x + 0 where it is a number, CONCAT(:x)"),
        ("DELETE FROM t WHERE id = :id ORDER BY :x LIMIT 1", "n", ":x is a value, and no name of a column"),
        ("UPDATE t SET n = _latin1 :x WHERE id = :id", "1", "would be taken for bytes of _latin1"),
        ("UPDATE flags SET b = :x WHERE id = :id", "1", ":x meets flags.b, a column of bits"),
        ("INSERT INTO flags VALUES (:id, 0, :x)", "1", "write :x + 0"),
        ("INSERT INTO flags (b, id) VALUES (:x, :id)", "1", "write :x + 0"),
        ("UPDATE t SET n = n + :x WHERE id = :id", "1e3", "csv:2:3: \"1e3\" is no number for :x"),
        ("UPDATE flags SET b = COALESCE(:x, 0) WHERE id = :id", "1", ":x meets flags.b, a column of bits"),
        ("INSERT INTO flags SELECT :id, 0, IF(:id > 'a', :x, 0)", "1", ":x meets flags.b"),
        ("UPDATE t SET n = n + :x WHERE id = :id", "+1", "is no number for :x"),
        ("UPDATE t SET n = n + :x WHERE id = :id", "", "\"\" is no number for :x"),
        ("UPDATE t SET n = n + :x WHERE id = :id", "NaN", "is no number for :x"),
        ("UPDATE t SET n = n + :x WHERE id = :id", "0x10", "is no number for :x"),
        ("UPDATE t SET n = n + :x WHERE id = :id", " 1", "is no number for :x"),
        ("DELETE FROM t WHERE id = :id LIMIT :x", "-1", ":x says how many rows"),
        (
            "DELETE FROM prices WHERE p IN (:id, :x)",
            "1",
            ":id is compared with prices.p and other values at once",
        ),
        ("DELETE FROM prices WHERE p BETWEEN :id AND :x", "1", "write :id + 0"),
        ("DELETE FROM prices WHERE (id, p) IN ((:id, p), (:x, p))", "1", ":id is compared with prices."),
        (
            "DELETE FROM prices WHERE (SELECT MAX(p) FROM prices) > :x AND id = :id",
            "1",
            ":x is compared with prices.",
        ),
        ("DELETE FROM flags WHERE b IN (:id, :x)", "1", ":id meets flags.b"),
    ] {
        publish(&fleet, template, ("csv", &csv(value)), &[]).expect(1).says(says);
    }
    let string = "{\"id\":1,\"x\":\"1\"}\n";
    let template = "UPDATE t SET n = n + COALESCE(:x, 0) WHERE id = :id";
    publish(&fleet, template, ("ndjson", string), &[])
        .expect(1)
        .says("ndjson:1:13: :x stands in an expression with `+`");
    publish(&fleet, "UPDATE flags SET b = :x WHERE id = :id", ("ndjson", string), &[])
        .expect(1)
        .says("write :x + 0");
    let bytes = "{\"id\":1,\"x\":{\"base64\":\"MQ==\"}}\n";
    publish(&fleet, "UPDATE t SET n = n + :x WHERE id = :id", ("ndjson", bytes), &[])
        .expect(1)
        .says("bytes are no number");
    let lines = file(
        &fleet,
        "jsonl",
        "{\"sql\": \"UPDATE t SET n = n + IF(1, ?, 0) WHERE id = 1\", \"params\": [\"1\"]}\n",
    );
    fleet
        .run(&["publish", lines.to_str().unwrap()])
        .expect(1)
        .says("jsonl:1:69: ? stands in an expression with `+`");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
    // A number of JSON is one wherever it stands.
    let _worker = fleet.worker(1);
    let number = ("ndjson", "{\"id\":1,\"x\":1}\n{\"id\":2,\"x\":1}\n{\"id\":3,\"x\":1}\n");
    run(&fleet, template, number, "numbers");
    run(&fleet, "INSERT INTO flags VALUES (:id, 0, :x)", number, "flags");
    fleet.assert_each_once();
    assert_eq!(fleet.number("SELECT COUNT(*) FROM flags WHERE b + 0 = 1"), 3);
}

/// Conditions on `c` and `d`, which are of one type, with the text of a number for `:x` and of another for `:y`.
const CONDITIONS: &[&str] = &[
    "c = :x",
    "c <> :x",
    "c <=> :x",
    "c >= :x",
    ":x = c",
    "c IN (:x)",
    "c IN (:x, :y)",
    "c NOT IN (:x)",
    "c NOT IN (:x, :y)",
    "NOT (c IN (:x, :y))",
    "c IN (:x, NULL)",
    "c IN (:x, d)",
    ":x IN (c, d)",
    ":x NOT IN (c, d)",
    ":x IN (c)",
    "c BETWEEN :x AND :x",
    "c NOT BETWEEN :x AND :x",
    "c BETWEEN :x AND d",
    ":x BETWEEN c AND d",
    ":x BETWEEN c AND :y",
    "COALESCE(c) IN (:x, :y)",
    "COALESCE(c) BETWEEN :x AND :x",
    "(c, v) = (:x, '')",
    "(c, v) IN ((:x, ''))",
    "(c, v) IN ((:x, ''), (:y, ''))",
    "(c, v) NOT IN ((:x, ''), (:y, ''))",
    "(c, k) IN ((:x, 1), (:y, 1))",
    "(c, k) NOT IN ((:x, 1), (:y, 1))",
    "(c, k) IN ((:x, k), (:y, k))",
    "(c, k) NOT IN ((:x, k), (:y, k))",
    "(c, k) >= (:x, 1)",
    "IFNULL(c, d) IN (:x, :y)",
    "NULLIF(c, :x) IS NULL",
    "IF(c IN (:x, :y), 'a', 'b') = 'a'",
    "CASE WHEN c = :x THEN 1 ELSE 0 END",
    "c = :x OR c = :y",
    "c = ANY (SELECT d FROM other WHERE d = :x)",
    "c IN (SELECT d FROM other WHERE d IN (:x, :y))",
    "(SELECT d FROM other LIMIT 1) = :x",
    ":x = (SELECT d FROM other LIMIT 1)",
    ":x > ALL (SELECT d FROM other)",
    ":x IN (SELECT d FROM other)",
    "(k, :x) IN (SELECT 1, d FROM other)",
    "k IN (SELECT k FROM (SELECT 1 AS k, d AS z FROM other) q WHERE z IN (:x, :y))",
];

/// With two numbers that are one as doubles, on tables with a key and without: what takes them for one is refused.
#[test]
#[ignore = "make faults: half a minute"]
fn a_text_that_is_compared_selects_what_the_number_does_or_is_refused() {
    const ONE: &str = "9007199254740992";
    const NEXT: &str = "9007199254740993";
    let fleet = Fleet::new();
    let mut client = fleet.client();
    let mut wrong = Vec::new();
    let mut accepted = Vec::new();
    for (at, column) in ["DECIMAL(20,0)", "BIGINT", "BIGINT UNSIGNED", "BIT(63)"].into_iter().enumerate() {
        for key in ["", ", PRIMARY KEY (c, k)"] {
            let table = format!("t{at}{}", key.len());
            let columns =
                format!("c {column} NOT NULL, d {column} NOT NULL, v VARCHAR(9) NOT NULL, k INT NOT NULL");
            client.run("DROP TABLE IF EXISTS other").unwrap();
            client.run(&format!("CREATE TABLE other (d {column} NOT NULL)")).unwrap();
            client.run(&format!("INSERT INTO other VALUES ({ONE})")).unwrap();
            client.run(&format!("CREATE TABLE {table} ({columns}{key})")).unwrap();
            let rows = format!("({ONE}, {ONE}, '', 1), ({NEXT}, {NEXT}, '', 1)");
            client.run(&format!("INSERT INTO {table} VALUES {rows}")).unwrap();
            for condition in CONDITIONS {
                let mut found = |x: &str, y: &str| {
                    let condition = condition.replace(":x", x).replace(":y", y);
                    let query = format!("SELECT c + 0 FROM {table} WHERE {condition}");
                    client.rows::<(String,)>(&query)
                };
                let is_missed = found(&format!("'{NEXT}'"), "'5'") != found(NEXT, "5");
                let rows = if condition.contains(":y") {
                    format!("x,y\n{NEXT},5\n")
                } else {
                    format!("x\n{NEXT}\n")
                };
                let rows = file(&fleet, "csv", &rows);
                let template = format!("DELETE FROM {table} WHERE {condition}");
                let plan = ["plan", "--template", &template, "--rows", rows.to_str().unwrap()];
                let is_refused = fleet.run(&plan).code != 0;
                if is_missed && !is_refused {
                    wrong.push(format!("{column}{key}: {condition}"));
                } else if !is_refused && key.is_empty() {
                    accepted.push(format!("{column}: {condition}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for usual in [
        "DECIMAL(20,0): c = :x",
        "DECIMAL(20,0): c IN (:x)",
        "BIGINT: c IN (:x, :y)",
        "BIGINT: c BETWEEN :x AND :x",
    ] {
        assert!(accepted.iter().any(|accepted| accepted == usual), "{usual} is refused");
    }
}

/// Whether they happen to be a text or not.
#[test]
fn bytes_are_bytes() {
    let fleet = Fleet::new();
    let _worker = fleet.worker(1);
    fleet.sql(
        "CREATE TABLE kinds (id INT, kind VARCHAR(20), hex VARCHAR(20), raw VARBINARY(9), txt VARCHAR(9))",
    );
    let rows = r#"{"id": 1, "x": {"base64": "aXQncw=="}}
{"id": 2, "x": {"base64": "/wA="}}
{"id": 3, "x": {"base64": ""}}
"#;
    let template = "INSERT INTO kinds SELECT :id, CHARSET(:x), HEX(:x), :x, IF(:id = 2, '', :x)";
    run(&fleet, template, ("ndjson", rows), "kinds");
    let found: Vec<(u64, String, String, String)> =
        fleet.rows("SELECT id, kind, CONCAT(hex, ' ', HEX(raw)), txt FROM kinds ORDER BY id");
    let wanted =
        [(1, "binary", "69742773 69742773", "it's"), (2, "binary", "FF00 FF00", ""), (3, "binary", " ", "")];
    assert_eq!(
        found,
        wanted.map(|(id, kind, hex, text)| (id, kind.to_owned(), hex.to_owned(), text.to_owned()))
    );
}

/// A file that the server itself has written, with all that wants an escape.
#[test]
fn what_the_server_has_written_comes_back_as_it_was() {
    let fleet = Fleet::new();
    let _worker = fleet.worker(2);
    fleet.sql(
        r#"CREATE TABLE source (id INT PRIMARY KEY, a VARCHAR(99), b VARCHAR(99)) CHARACTER SET utf8mb4;
        INSERT INTO source VALUES (1, 'it"s', NULL), (2, 'C:\\dir\\', 'two\nlines'), (3, '', 'x,y'), (4, 'NULL', '\0é😀'),
        (5, '\\N', '\r\n\t'), (6, '"', '""'), (7, '\\', ',')"#,
    );
    for (at, enclosed) in ["ENCLOSED BY '\"'", "OPTIONALLY ENCLOSED BY '\"'"].iter().enumerate() {
        let table = format!("copy{at}");
        // The server's own idea of what a client may read is not ours: the text goes by way of a query.
        let folder: String = fleet.rows("SELECT @@datadir").remove(0);
        let path = format!("{folder}/queryfleet-outfile-{}-{at}", std::process::id());
        fleet.sql(&format!(
            "CREATE TABLE {table} LIKE source; SELECT * INTO OUTFILE '{path}' CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' \
             {enclosed} FROM source"
        ));
        let rows: Vec<u8> = fleet.rows(&format!("SELECT LOAD_FILE('{path}')")).remove(0);
        std::fs::remove_file(&path).unwrap();
        let csv = format!("id,a,b\n{}", String::from_utf8(rows).unwrap());
        let template = format!("INSERT INTO {table} VALUES (:id, :a, :b)");
        publish(&fleet, &template, ("csv", &csv), &[])
            .expect(1)
            .says("--csv-dialect mysql, or --csv-dialect rfc4180");
        publish(&fleet, &template, ("csv", &csv), &["--run", &table, "--csv-dialect", "mysql"]).expect(0);
        fleet.wait(&table).expect(0);
        let different = format!(
            "SELECT COUNT(*) FROM source s LEFT JOIN {table} c ON c.id = s.id AND BINARY c.a <=> BINARY s.a \
             AND BINARY c.b <=> BINARY s.b WHERE c.id IS NULL"
        );
        assert_eq!(fleet.number(&different), 0, "{enclosed}: {csv}");
        assert_eq!(fleet.number(&format!("SELECT COUNT(*) FROM {table}")), 7);
    }
    publish(&fleet, "DELETE FROM source WHERE id = :id", ("csv", "id\n5\n\n7\n"), &[])
        .expect(1)
        .says("csv:3:1: an empty line");
    let ndjson = ("ndjson", "{\"id\": 1}\n");
    publish(&fleet, "DELETE FROM source WHERE id = :id", ndjson, &["--csv-dialect", "mysql"])
        .expect(1)
        .says("NDJSON");
    publish(&fleet, "DELETE FROM source WHERE id = :id", ndjson, &["--csv-dialect", "excel"]).expect(2);
}
