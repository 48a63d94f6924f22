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

/// Sends a file through the plain client; whether it has run to its end.
fn client(fleet: &Fleet, path: &Path) -> bool {
    let database: String = fleet.rows("SELECT DATABASE()").remove(0);
    let output = fleet
        .tool("mariadb")
        .args(["--batch", "--default-character-set=utf8mb4", &database])
        .stdin(Stdio::from(std::fs::File::open(path).unwrap()))
        .output()
        .unwrap();
    output.status.success()
}

/// The session SQL that an error names, read by a shell, as it would be typed.
fn advised(error: &str) -> Option<String> {
    let (_, after) = error.split_once("--session-sql ")?;
    let word = after.trim_end();
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
    let mut lines = 0;
    while let Some(refused) = follow_session_sql(fleet, path, name) {
        lines += 1;
        assert!(refused.contains("leave it out") && lines <= LINES, "{name}: {refused}");
        leave_out(path, &refused);
    }
}

/// Publishes a file with the session SQL that is advised, and returns why it is refused for something else.
fn follow_session_sql(fleet: &Fleet, path: &Path, name: &str) -> Option<String> {
    let (mut session_sql, mut rounds) = (None::<String>, 0);
    loop {
        let mut arguments = vec!["publish", path.to_str().unwrap(), "--run", name];
        if let Some(sql) = &session_sql {
            arguments.extend(["--session-sql", sql]);
        }
        let output = fleet.run(&arguments);
        if output.code == 0 {
            return None;
        }
        let Some(advice) = advised(&output.err) else { return Some(output.err) };
        rounds += 1;
        assert!(rounds <= ROUNDS, "{name}: {}", output.err);
        session_sql = Some(advice);
    }
}

#[test]
#[ignore = "make faults: takes long"]
fn what_is_advised_about_a_dump_is_taken_and_does_what_the_client_does() {
    let fleet = Fleet::new();
    make_tables(&fleet);
    let _worker = fleet.worker(2);
    for (name, dump) in DUMPS {
        let path = fleet.script([dump]);
        empty(&fleet);
        assert!(client(&fleet, &path), "{name}");
        let wanted = rows(&fleet);
        assert!(wanted.len() >= 2, "{name}: {wanted:?}");
        empty(&fleet);
        follow(&fleet, &path, name);
        fleet.wait(name).expect(0);
        assert_eq!(rows(&fleet), wanted, "{name}");
    }
}

/// SETs of which scripts are made, each of a variable that [`SEEN`] shows.
const SETS: [&str; 30] = [
    "SET foreign_key_checks = 0",
    "SET foreign_key_checks = 1",
    "SET @a = @@foreign_key_checks, foreign_key_checks = 0",
    "SET foreign_key_checks = @a",
    "SET FOREIGN_KEY_CHECKS = IFNULL(@a, 1)",
    "SET unique_checks = OFF, @@session.foreign_key_checks := OFF",
    "SET SESSION unique_checks = DEFAULT",
    "/*!40000 SET unique_checks = 0 */",
    "/*!80000 SET unique_checks = 0 */",
    "/*M!100100 SET unique_checks = 0 */",
    "/*M!990000 SET unique_checks = 0 */",
    "SET time_zone = '+00:00'",
    "SET @z = @@time_zone, time_zone = '+05:00'",
    "SET time_zone = @z",
    "SET TIME_ZONE = IF(@z IS NULL, 'SYSTEM', @z)",
    "SET sql_mode = ''",
    "SET sql_mode = \"NO_AUTO_VALUE_ON_ZERO\"",
    "SET sql_mode = CONCAT(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO')",
    "SET @m = @@sql_mode, sql_mode = 'STRICT_ALL_TABLES'",
    "SET sql_mode = @m",
    "SET NAMES utf8",
    "SET NAMES utf8mb4",
    "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
    "SET NAMES latin1",
    "SET collation_connection = utf8mb4_unicode_ci",
    "SET @c = @@collation_connection, character_set_connection = utf8mb4",
    "SET collation_connection = @c",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET div_precision_increment = @@div_precision_increment + 1",
    "SET @d = '7', div_precision_increment = 7",
];
/// What a statement finds.
const SEEN: &str = "CONCAT_WS('|', @@foreign_key_checks, @@unique_checks, @@time_zone, @@sql_mode, @@character_set_client LIKE 'utf8%', \
    REPLACE(@@collation_connection, 'utf8mb3', 'utf8mb4'), @@tx_isolation, @@div_precision_increment, 'a' = 'A')";
/// How many scripts are tried.
const RANDOM: usize = 60;

/// SETs, and statements between them that note what they find.
fn random_script(random: &mut fastrand::Rng) -> String {
    let mut script = String::new();
    if random.u8(..) < 200 {
        script += "SET @a = @@foreign_key_checks, @z = @@time_zone, @m = @@sql_mode, @c = @@collation_connection;\n";
    }
    let mut statements = 0;
    for _ in 0..random.usize(1..4) {
        for _ in 0..random.usize(0..4) {
            script += SETS[random.usize(..SETS.len())];
            script += ";\n";
        }
        statements += 1;
        script += &format!("INSERT INTO seen VALUES ({statements}, {SEEN});\n");
    }
    if random.bool() {
        script += "SET foreign_key_checks = 1, time_zone = 'SYSTEM';\n";
    }
    script
}

#[test]
#[ignore = "make faults: takes long"]
fn whatever_sets_are_passed_over_a_statement_finds_what_it_does_in_the_client() {
    let fleet = Fleet::new();
    if fleet.is_mysql() {
        // The client of MariaDB is the oracle, and names its isolation otherwise.
        return;
    }
    fleet.sql(
        "CREATE TABLE seen (id INT PRIMARY KEY, found VARCHAR(500) CHARACTER SET utf8mb4) ENGINE=InnoDB",
    );
    let _worker = fleet.worker(2);
    let given = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    let mut random = fastrand::Rng::with_seed(seed);
    let found = || fleet.rows::<(u64, String)>("SELECT id, found FROM seen ORDER BY id");
    let mut taken = 0;
    for number in 0..RANDOM {
        let script = random_script(&mut random);
        let path = fleet.script([&script]);
        fleet.sql("TRUNCATE seen");
        if !client(&fleet, &path) {
            // It sets what is NULL.
            continue;
        }
        let wanted = found();
        fleet.sql("TRUNCATE seen");
        let name = format!("random-{number}");
        if follow_session_sql(&fleet, &path, &name).is_some() {
            continue;
        }
        fleet.wait(&name).expect(0);
        assert_eq!(found(), wanted, "SEED={seed}:\n{script}");
        taken += 1;
    }
    assert!(taken >= RANDOM / 6, "SEED={seed}: {taken}");
}
