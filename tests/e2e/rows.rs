//! A template and its rows.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use queryfleet_tests::{Fleet, Output};

/// What each value has to be in the database, byte by byte.
type Kept = (u64, Option<Vec<u8>>, Option<Vec<u8>>);

const TEMPLATE: &str = "UPDATE t SET n = n + :by WHERE id = :id";

fn file(fleet: &Fleet, extension: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = fleet.script([""]).with_extension(extension);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn publish(fleet: &Fleet, template: &str, rows: &Path, more: &[&str]) -> Output {
    fleet.run(&[&["publish", "--template", template, "--rows", rows.to_str().unwrap()], more].concat())
}

/// 5 MB of bytes, most of them no UTF-8, and a text that is full of what wants an escape.
fn large() -> (Vec<u8>, String) {
    let mut rng = fastrand::Rng::with_seed(4);
    let text = "a'\"\\\0\n\r\u{1a}%_;é😀 -- # /* ` \\N ".repeat(1000);
    ((0..5 << 20).map(|_| rng.u8(..)).collect(), text)
}

#[test]
fn values_arrive_unchanged_under_every_sql_mode() {
    let fleet = Fleet::new();
    let worker = fleet.worker(2);
    let (blob, text) = large();
    let texts = ["it's", r"a\", "nul\0nul", "😀", r"\'", "\"q\"", "`b`", ":id ? /*", "", r"\N", &text];
    let mut csv = String::from("\u{feff}id,b,a\r\n");
    let mut ndjson = format!("{}\n", serde_json::json!({"id": 0, "a": null, "b": {"base64": base64(&blob)}}));
    for (index, text) in texts.iter().enumerate() {
        let id = index + 1;
        csv += &format!("{id},\\N,\"{}\"\r\n", text.replace('"', "\"\""));
        ndjson += &format!("{}\n", serde_json::json!({"a": text, "id": id, "b": text}));
    }
    let (csv, ndjson) = (file(&fleet, "csv", csv), file(&fleet, "ndjson", ndjson));
    let bytes = |text: &str| Some(text.as_bytes().to_vec());
    for (index, mode) in
        ["", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", "ANSI,NO_BACKSLASH_ESCAPES"].iter().enumerate()
    {
        for (kind, rows) in [("csv", &csv), ("ndjson", &ndjson)] {
            let (table, set) = (format!("{kind}{index}"), format!("SET sql_mode = '{mode}'"));
            fleet.sql(&format!(
                "CREATE TABLE {table} (id INT PRIMARY KEY, a LONGTEXT COLLATE utf8mb4_bin, b LONGBLOB)"
            ));
            let template = format!("INSERT INTO `{table}` VALUES (:id, :a, :b)");
            // A text of it ends with a backslash, before the closing quote.
            let dialect = ["--csv-dialect", "rfc4180"];
            let more =
                [&["--run", &table, "--session-sql", &set], &dialect[..if kind == "csv" { 2 } else { 0 }]];
            publish(&fleet, &template, rows, &more.concat()).expect(0);
            fleet.wait(&table).expect(0);
            let kept: Vec<Kept> = fleet.rows(&format!("SELECT id, a, b FROM {table} ORDER BY id"));
            let mut wanted: Vec<Kept> = Vec::new();
            if kind == "ndjson" {
                wanted.push((0, None, Some(blob.clone())));
            }
            for (id, text) in (1..).zip(texts) {
                wanted.push((id, bytes(text), if kind == "csv" { None } else { bytes(text) }));
            }
            // Not assert_eq: it would print megabytes.
            assert!(kept == wanted, "{table} differs under `{mode}`");
        }
    }
    drop(worker);
}

fn base64(bytes: &[u8]) -> String {
    let json = serde_json::to_value(queryfleet_job::Param::Bytes(bytes.to_vec())).unwrap();
    json["base64"].as_str().unwrap().to_owned()
}

/// Numbers, NULL, true and false as NDJSON has them; nothing is pasted.
#[test]
fn ndjson_rows_are_typed() {
    let fleet = Fleet::new();
    fleet.sql("CREATE TABLE typed (id BIGINT UNSIGNED, a VARCHAR(200))");
    let rows = r#"{"id": 1, "v": 18446744073709551615}
{"v": -0.10, "id": 2}
{"id": 3, "v": null}
{"id": 4, "v": true}
{"id": 5, "v": "1); DROP TABLE typed; -- "}
{"id": 6, "v": 1e300}
{"id": 7, "v": 1234567890.5678}
"#;
    let _worker = fleet.worker(1);
    let template = "INSERT INTO typed (id, a) SELECT :id, :v";
    publish(&fleet, template, &file(&fleet, "jsonl", rows), &["--run", "typed"]).expect(0);
    fleet.wait("typed").expect(0);
    let found: Vec<(u64, Option<String>)> = fleet.rows("SELECT id, a FROM typed ORDER BY id");
    let wanted = [
        (1, Some("18446744073709551615")),
        (2, Some("-0.1")),
        (3, None),
        (4, Some("1")),
        (5, Some("1); DROP TABLE typed; -- ")),
        (6, Some("1e300")),
        (7, Some("1234567890.5678")),
    ];
    assert_eq!(found, wanted.map(|(id, text)| (id, text.map(str::to_owned))));
}

/// A packed file, standard input, chunks; the same command again, changed rows, and what the ledger lacks.
#[test]
fn rows_are_resumed_guarded_and_found_missing() {
    let fleet = Fleet::new();
    fleet.make_counters(300);
    let rows = |by: u32| (1..=300).fold("id,by\n".to_owned(), |rows, id| format!("{rows}{id},{by}\n"));
    let plain = file(&fleet, "csv", rows(1));
    let packed = plain.with_extension("csv.gz");
    let bytes = Command::new("gzip").arg("-c").arg(&plain).stdout(Stdio::piped()).output().unwrap().stdout;
    std::fs::write(&packed, bytes).unwrap();
    let named = ["--run", "rows", "--chunk", "7"];
    publish(&fleet, TEMPLATE, &packed, &named).expect(0).says("300 jobs published");
    publish(&fleet, TEMPLATE, &file(&fleet, "csv", rows(2)), &named).expect(1).says("input differs");
    publish(&fleet, &TEMPLATE.replace('+', "-"), &plain, &named).expect(1).says("input differs");
    fleet.delete_queue();
    let _worker = fleet.worker(2);
    publish(&fleet, TEMPLATE, &plain, &[&named[..], &["--missing"]].concat()).expect(0);
    fleet.wait("rows").expect(0);
    fleet.assert_each_once();
    let mut piped = fleet.command(&["run", "--template", TEMPLATE, "--rows", "-", "--run", "rows"]);
    let output = piped.stdin(std::fs::File::open(&plain).unwrap()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    fleet.assert_each_once();
}

#[test]
fn rows_that_do_not_fit_are_named_and_publish_nothing() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    let long = format!("{{\"by\": 1, \"id\": \"{}\"}}", "'".repeat(9 << 20));
    for (extension, rows, says) in [
        ("csv", &b"id\n1\n"[..], "csv:1:1: no column `by` for the placeholder :by"),
        ("csv", b"id,by,why\n1,1,1\n", "csv:1:7: column `why` has no placeholder"),
        ("csv", b"id,by,id\n1,1,1\n", "csv:1:7: column `id` stands twice"),
        (
            "csv",
            b"id,by\n1,1\n\"2\n\",1\n3\n",
            "csv:5:1: the fields of this row are 1, those of the header 2",
        ),
        ("csv", b"id,by\n1,1\n2,\"1\n3,1\n", "csv:3:3: quote is never closed"),
        ("csv", b"id,by\n1,1\n2,caf\xe9\n", "csv:3:6: not UTF-8"),
        ("csv", b"id,by\n", "no row"),
        ("csv", b"", "no row"),
        ("csv.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb", "csv.gz"),
        ("ndjson", b"{\"id\": 1, \"by\": 1}\n{\"id\": 1}\n", "ndjson:2:1: no column `by`"),
        ("ndjson", b"{\"id\": 1, \"by\": 1, \"so\": 2}\n", "ndjson:1:26: column `so` has no placeholder"),
        ("ndjson", b"{\"id\": 1, \"by\": 1, \"id\": 2}\n", "ndjson:1:26: `id` stands twice"),
        ("ndjson", b"{\"id\": 1, \"by\": [1]}\n", "ndjson:1:17: an array is no value"),
        ("ndjson", b"{\"id\": 1, \"by\": 0.12345678901234567890123456789012}\n", "ndjson:1:17: number"),
        ("ndjson", b"{\"id\": 1, \"by\": 1\n", "ndjson:1:"),
        ("ndjson", long.as_bytes(), "ndjson:1:1: statement has"),
    ] {
        let path = file(&fleet, extension, rows);
        publish(&fleet, TEMPLATE, &path, &[]).expect(1).says(says);
    }
    let good = file(&fleet, "csv", "id,by\n1,1\n");
    publish(&fleet, "UPDATE t SET n = ?", &good, &[]).expect(1).says("template:1:18: `?` has no name");
    publish(&fleet, TEMPLATE, Path::new("nowhere.csv"), &[]).expect(1).says("nowhere.csv");
    fleet.run(&["publish", "--template", TEMPLATE]).expect(2);
    fleet.run(&["publish", "--template", TEMPLATE, "--rows", "x.csv", "file.sql"]).expect(2);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
}
