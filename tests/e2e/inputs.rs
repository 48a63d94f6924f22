//! What can be published beside one plain script.

use std::process::{Command, Stdio};

use queryfleet_tests::Fleet;

/// USE reaches the jobs that follow it, and ends with its file; a `;` left by DELIMITER is no second statement.
#[test]
fn use_becomes_part_of_the_jobs_that_follow() {
    let fleet = Fleet::new();
    fleet.counters(2);
    let own = fleet.rows::<String>("SELECT DATABASE()").concat();
    let script = fleet.script([format!(
        "USE information_schema;\nUSE `{own}`;\nUPDATE t SET n = n + 1 WHERE id = 1;\nDELIMITER //\n\
         UPDATE t SET n = n + 1 WHERE id = 2;//\n"
    )]);
    fleet.publish(&script, "use");
    let _worker = fleet.worker(1);
    fleet.wait("use").expect(0);
    fleet.assert_each_once();
}

/// Bound values arrive unchanged: quotes, backslashes, marks, bytes, NULL.
#[test]
fn ndjson_binds_its_values() {
    let fleet = Fleet::new();
    fleet.sql("CREATE TABLE bound (id INT, a VARCHAR(100), b BLOB)");
    let lines = r#"{"sql": "INSERT INTO bound VALUES (?, ?, ?)", "params": [1, "it's \\ \"a\" ?", {"base64": "AAH/"}]}

{"sql": "INSERT INTO bound VALUES (?, NULL, ?)", "params": [2, null], "timeout": "5s"}
"#;
    let path = fleet.script([lines]).with_extension("ndjson");
    std::fs::write(&path, lines).unwrap();
    fleet.publish(&path, "bound");
    let _worker = fleet.worker(1);
    fleet.wait("bound").expect(0);
    assert_eq!(
        fleet.number("SELECT COUNT(*) FROM bound WHERE id = 1 AND HEX(a) = HEX('it''s \\\\ \"a\" ?')"),
        1
    );
    assert_eq!(fleet.number("SELECT COUNT(*) FROM bound WHERE id = 1 AND HEX(b) = '0001FF'"), 1);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM bound WHERE id = 2 AND b IS NULL"), 1);
}

/// Nothing is published of input that cannot be read to its end.
#[test]
fn bad_input_is_named_and_publishes_nothing() {
    let fleet = Fleet::new();
    let plain = fleet.script(vec!["UPDATE t SET n = 1 WHERE id = 1;"; 1000]);
    let packed = Command::new("gzip").arg("-c").arg(&plain).stdout(Stdio::piped()).output().unwrap().stdout;
    let cut = plain.with_extension("sql.gz");
    std::fs::write(&cut, &packed[..packed.len() / 2]).unwrap();
    fleet.run(&["publish", cut.to_str().unwrap()]).expect(1).says("sql.gz");
    let lines = plain.with_extension("ndjson");
    std::fs::write(&lines, "{\"sql\": \"DO 1\"}\n{\"sql\": \"DO ?\", \"params\": [1, 2]}\n").unwrap();
    fleet
        .run(&["publish", lines.to_str().unwrap()])
        .expect(1)
        .says("ndjson:2:1: statement has 1 `?` for 2 params");
    for (line, says) in [
        (r#"{"sql": "DO ?"}"#, "1 `?` for 0 params"),
        (r#"{"sql": "DO 1", "parms": []}"#, "ndjson:1:23: unknown field `parms`"),
        (r#"{"sql": 7}"#, "ndjson:1:9: invalid type"),
        (r#"{"sql": "DO ?", "params": ["é", {"base64": "?"}]}"#, "ndjson:1:33: an object as a value"),
        (r#"{"sql": "DO 1", "timeout": "soon"}"#, "timeout is \"soon\""),
        (r#"{"params": []}"#, "missing field `sql`"),
    ] {
        std::fs::write(&lines, line).unwrap();
        fleet.run(&["publish", lines.to_str().unwrap()]).expect(1).says(says);
    }
    fleet.run(&["publish", "nowhere.sql"]).expect(1).says("nowhere.sql");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
}

/// A whole compressed script, and the same jobs as two files of one run.
#[test]
fn compressed_and_several_files_are_one_run() {
    let fleet = Fleet::new();
    let first = fleet.counters(500);
    let packed = first.with_extension("sql.gz");
    let bytes = Command::new("gzip").arg("-c").arg(&first).stdout(Stdio::piped()).output().unwrap().stdout;
    std::fs::write(&packed, bytes).unwrap();
    let more = fleet.script(["DO 1; DO 2"]);
    fleet
        .run(&["publish", packed.to_str().unwrap(), more.to_str().unwrap(), "--run", "two"])
        .expect(0)
        .says("502");
    let _worker = fleet.worker(4);
    fleet.wait("two").expect(0);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_ledger WHERE state = 'done'"), 502);
}

/// A file of another kind is told by its first bytes, with what to do, and is no bad script.
#[test]
fn what_is_no_script_is_told_by_its_first_bytes() {
    let fleet = Fleet::new();
    let wide: Vec<u8> = "\u{feff}DO 1;\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let zip = b"PK\x03\x04\x14\0\0\0".to_vec();
    let tool = |program: &str| {
        let plain = fleet.file("plain.sql", "DO 1;\n");
        Command::new(program).args(["-c", &plain]).stdout(Stdio::piped()).output().unwrap().stdout
    };
    let folder = std::path::PathBuf::from(fleet.file("metadata", "")).parent().unwrap().to_owned();
    for (name, bytes, says) in [
        ("packed.sql", tool("gzip"), "is compressed with gzip: give it a name that ends in .gz"),
        ("packed.ndjson", tool("gzip"), "is compressed with gzip"),
        ("other.sql.gz", b"DO 1;\n".to_vec(), "has a name that ends in .gz and is not compressed so"),
        ("other.sql.zst", tool("gzip"), "is compressed with gzip"),
        ("wide.sql", wide, "iconv -f UTF-16LE"),
        ("archive.sql", zip, "unzip -p"),
        ("jobs.sql", b"{\"sql\": \"DO 1\"}\n".to_vec(), "ends in .ndjson"),
        ("jobs.ndjson", b"[{\"sql\": \"DO 1\"}]\n".to_vec(), "jq -c"),
        ("table.csv", b"id,email\n1,a\n".to_vec(), "--template and --rows"),
        ("joined.sql", b"DO 1;\n\xef\xbb\xbfDO 2;\n".to_vec(), "joined.sql:2:1: a byte order mark"),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        for command in ["publish", "plan"] {
            fleet.run(&[command, path.to_str().unwrap()]).expect(1).says(says);
        }
    }
    fleet.run(&["publish", folder.to_str().unwrap()]).expect(1).says("is a folder, of mydumper it seems");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
}
