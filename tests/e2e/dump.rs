//! Dumps of mariadb-dump: their settings are told as one thing, and with these as session SQL they publish as they are.

use std::path::PathBuf;

use queryfleet_tests::Fleet;

/// Rows of which each needs a setting of the dump's head: a key of 0, a parent that comes later, a time in UTC.
fn make_tables(fleet: &Fleet) {
    fleet.sql(
        "CREATE TABLE parents (id INT PRIMARY KEY) ENGINE=InnoDB; \
         CREATE TABLE child (id INT PRIMARY KEY AUTO_INCREMENT, parent INT, text VARCHAR(100), bytes BLOB, \
         at TIMESTAMP, FOREIGN KEY (parent) REFERENCES parents (id)) ENGINE=InnoDB",
    );
    fleet.sql(
        "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+05:00'; INSERT INTO parents VALUES (1), (2); \
         INSERT INTO child VALUES (0, 1, 'it''s \\\\ a \"b\"; -- c\\n/* d */ é😀', x'00FF275C1A', '2026-01-02 03:04:05'), \
         (7, 2, NULL, '', '2026-07-02 03:04:05')",
    );
}

/// All of both tables, as text.
fn rows(fleet: &Fleet) -> Vec<String> {
    fleet.rows(
        "SELECT CONCAT_WS('|', id, parent, text, HEX(bytes), UNIX_TIMESTAMP(at)) FROM child \
         UNION ALL SELECT id FROM parents ORDER BY 1",
    )
}

fn dump(fleet: &Fleet, options: &[&str]) -> PathBuf {
    let database: String = fleet.rows("SELECT DATABASE()").remove(0);
    let output =
        fleet.tool("mariadb-dump").args(options).args([&database, "child", "parents"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fleet.script([String::from_utf8(output.stdout).unwrap()])
}

#[test]
fn a_dump_of_rows_publishes_as_it_is_with_the_session_sql_that_is_named() {
    let fleet = Fleet::new();
    make_tables(&fleet);
    let before = rows(&fleet);
    let options = [
        "--no-create-info",
        "--skip-triggers",
        "--skip-add-locks",
        "--skip-disable-keys",
        "--skip-no-autocommit",
        "--hex-blob",
    ];
    let script = dump(&fleet, &[&options[..], &["--skip-extended-insert"]].concat());
    let path = script.to_str().unwrap();
    let refused = fleet.run(&["publish", path, "--run", "dump"]).expect(1).says("up to line 1");
    // As a shell reads it.
    let (_, word) = refused.err.trim().split_once("--session-sql ").unwrap();
    let typed = std::process::Command::new("sh").args(["-c", &format!("printf %s {word}")]).output().unwrap();
    let session_sql = &String::from_utf8(typed.stdout).unwrap();
    for setting in ["time_zone='+00:00'", "foreign_key_checks=0", "sql_mode='NO_AUTO_VALUE_ON_ZERO'"] {
        assert!(session_sql.contains(setting), "{session_sql}");
    }
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
    let plan = fleet.run(&["plan", path, "--json"]).expect(1).json();
    assert_eq!((&plan["refused"], &plan["jobs"]), (&1.into(), &4.into()), "{plan}");

    fleet.sql("SET foreign_key_checks = 0; TRUNCATE child; TRUNCATE parents");
    fleet.run(&["publish", path, "--run", "dump", "--session-sql", session_sql]).expect(0).says("4 jobs");
    let _worker = fleet.worker(2);
    fleet.wait("dump").expect(0);
    assert_eq!(rows(&fleet), before);
}

#[test]
fn what_else_a_dump_holds_is_named_with_the_option_that_leaves_it_out() {
    let fleet = Fleet::new();
    make_tables(&fleet);
    let whole = dump(&fleet, &["--hex-blob"]);
    let output = fleet.run(&["plan", whole.to_str().unwrap()]).expect(1);
    for option in ["--no-create-info", "--skip-triggers", "--skip-add-locks", "--skip-disable-keys"] {
        assert!(output.out.contains(option), "{option}: {output:#?}");
    }
    let session_sql = "SET foreign_key_checks = 0";
    let publish = |lines: &[&str]| {
        let script = fleet.script(lines);
        fleet.run(&["publish", script.to_str().unwrap(), "--session-sql", session_sql]).expect(1)
    };
    // In every session of the run, but not taken back in the middle of it.
    let set = [
        "SET @old := @@foreign_key_checks, foreign_key_checks = 0;",
        "SET foreign_key_checks = @old;",
        "DO 1;",
    ];
    publish(&set).says("sql:3:1: statement follows line 2, which takes back");
    publish(&["SET NAMES latin1;", "DO 1;"]).says("sql:1:1: SET of names to latin1").says("utf8mb4");
    // On MySQL it gives another collation than a session has.
    let (line, names) =
        if fleet.is_mysql() { (1, ", NAMES utf8mb4 COLLATE utf8mb4_general_ci") } else { (3, "") };
    publish(&["SET NAMES utf8;", "", "SET sql_mode = '';", "SET", "unique_checks = 0;", "DO 1;"])
        .says(&format!("sql:{line}:1: SET, up to line 5"))
        .says(&format!("\"SET foreign_key_checks=0{names}, sql_mode='', unique_checks=0\""));
    // The mode decides where a string ends: told before that it does not.
    publish(&["SET sql_mode = 'NO_BACKSLASH_ESCAPES';", "DO '\\';", "DO 'x';"])
        .says("sql:1:1: SET")
        .says("--session-sql");
    publish(&["SET NAMES utf8;", "DO 'é';", "DO '😀';"]).says(if fleet.is_mysql() {
        "sql:1:1: SET"
    } else {
        "sql:3:1: statement holds a character of four bytes"
    });
}
