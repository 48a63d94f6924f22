//! Dumps of many tools: what is advised about each is followed until it is taken, and then the tables hold what the plain
//! client makes of the same file.

use std::path::Path;
use std::process::{Command, Stdio};

use queryfleet_tests::Fleet;

mod dumps;

use dumps::DUMPS;

/// How often session SQL may be advised for one file.
const ROUNDS: usize = 2;
/// How often a line may be advised to be left out.
const LINES: usize = 12;

/// Tables whose rows each need a setting of a dump's head: a key of 0, a parent that comes later, a time in UTC.
fn make_tables(fleet: &Fleet) {
    fleet.sql(
        "CREATE TABLE parents (id INT PRIMARY KEY) ENGINE=InnoDB; \
         CREATE TABLE child (id INT PRIMARY KEY AUTO_INCREMENT, parent INT, text VARCHAR(100) CHARACTER SET utf8mb4, \
         latin VARCHAR(100) CHARACTER SET latin1, bytes BLOB, at TIMESTAMP NULL, \
         FOREIGN KEY (parent) REFERENCES parents (id)) ENGINE=InnoDB",
    );
}

fn empty(fleet: &Fleet) {
    fleet.sql("SET foreign_key_checks = 0; TRUNCATE child; TRUNCATE parents");
}

/// All of both tables, byte by byte.
fn rows(fleet: &Fleet) -> Vec<String> {
    fleet.rows(
        "SELECT CONCAT_WS('|', id, parent, HEX(text), HEX(latin), HEX(bytes), UNIX_TIMESTAMP(at)) FROM child \
         UNION ALL SELECT id FROM parents ORDER BY 1",
    )
}

/// Sends a file through the plain client.
fn client(fleet: &Fleet, path: &Path) {
    let database: String = fleet.rows("SELECT DATABASE()").remove(0);
    let output = fleet
        .tool("mariadb")
        .args(["--batch", "--default-character-set=utf8mb4", &database])
        .stdin(Stdio::from(std::fs::File::open(path).unwrap()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
}

/// The session SQL that an error names, read by a shell, as it would be typed.
fn advised(error: &str) -> Option<String> {
    let (_, after) = error.split_once("--session-sql ")?;
    let (word, _) = after.split_once(", and these lines")?;
    let output = Command::new("sh").args(["-c", &format!("printf %s {word}")]).output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Leaves out the line that an error names.
fn leave_out(path: &Path, error: &str) {
    let (_, after) = error.split_once(path.to_str().unwrap()).unwrap();
    let line: usize = after.split(':').nth(1).unwrap().parse().unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let kept: Vec<&str> =
        text.lines().enumerate().filter(|(at, _)| at + 1 != line).map(|(_, text)| text).collect();
    std::fs::write(path, kept.join("\n") + "\n").unwrap();
}

/// Publishes a file, doing what is advised, until it is taken.
fn follow(fleet: &Fleet, path: &Path, name: &str) {
    let (mut session_sql, mut rounds, mut lines) = (None::<String>, 0, 0);
    loop {
        let mut arguments = vec!["publish", path.to_str().unwrap(), "--run", name];
        if let Some(sql) = &session_sql {
            arguments.extend(["--session-sql", sql]);
        }
        let output = fleet.run(&arguments);
        if output.code == 0 {
            return;
        }
        if let Some(advice) = advised(&output.err) {
            rounds += 1;
            assert!(rounds <= ROUNDS, "{name}: {}", output.err);
            session_sql = Some(advice);
        } else {
            lines += 1;
            assert!(output.err.contains("leave it out") && lines <= LINES, "{name}: {}", output.err);
            leave_out(path, &output.err);
        }
    }
}

#[test]
fn what_is_advised_about_a_dump_is_taken_and_does_what_the_client_does() {
    let fleet = Fleet::new();
    make_tables(&fleet);
    let _worker = fleet.worker(2);
    for (name, dump) in DUMPS {
        let path = fleet.script([dump]);
        empty(&fleet);
        client(&fleet, &path);
        let wanted = rows(&fleet);
        assert!(wanted.len() >= 2, "{name}: {wanted:?}");
        empty(&fleet);
        follow(&fleet, &path, name);
        fleet.wait(name).expect(0);
        assert_eq!(rows(&fleet), wanted, "{name}");
    }
}
