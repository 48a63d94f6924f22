//! Which tables a statement writes, with the server as the oracle: random statements are executed, and the tables that have
//! changed must be among those that we have read out of the text, or we have said that we do not know.

use mysql_async::Error;
use queryfleet_sql::{SqlMode, check, written_tables};
use queryfleet_tests::{Client, Fleet};

use super::generate::one;

const RANDOM: usize = 3_000;
/// Some are called like modifiers.
const TABLES: [&str; 5] = ["t", "m", "history", "quick", "full"];

const REFERENCES: [&str; 31] = [
    "t",
    "m",
    "history",
    "quick",
    "full",
    "`m`",
    "DB.m",
    "DB . `m`",
    ".m",
    "t AS x",
    "m x",
    "t full",
    "m AS quick",
    "t, m",
    "t x, m y",
    "t JOIN m",
    "m x JOIN t ON x.id = t.id",
    "(t, m)",
    "(t JOIN m USING (id))",
    "{OJ t LEFT JOIN m ON t.id = m.id}",
    "(SELECT 1 AS id) d, m",
    "t JOIN (SELECT id FROM m) x",
    "/*!50000 m */",
    "/*!999999 m */",
    "/*!50000 m, */ t",
    "/*!999999 m, */ t",
    "t /*!50000 , m */",
    "t PARTITION (p0), m",
    "t USE INDEX (), m",
    "history JOIN quick",
    "m JOIN do",
];
const SETS: [&str; 13] = [
    "SET n = 2",
    "SET t.n = 2",
    "SET m.n = 2",
    "SET x.n = 2",
    "SET full.n = 2",
    "SET quick.n = 2",
    "SET `M`.n = 2",
    "SET t.n = 2, m.n = 3",
    "SET DB.m.n = 2",
    "SET .m.n = 2",
    "SET t.n = (SELECT 1), x.n = 5",
    "SET t.n = 2 /*!50000 , m.n = 2 */",
    "/*!50000 SET m.n = 2 */",
];
const ROWS: [&str; 8] = [
    "VALUES (2, 2)",
    "(id, n) VALUES (3, 3)",
    "SET n = 3",
    "SELECT 4, 4",
    "SELECT id, n FROM m",
    "VALUES (1, 2) ON DUPLICATE KEY UPDATE n = 5",
    "/*!50000 VALUES (2, 2) */",
    "/*!999999 .x */ VALUES (2, 2)",
];
const TARGETS: [&str; 16] = [
    "t",
    "m",
    "x",
    "y",
    "quick",
    "history",
    "full",
    "m.*",
    "t, m",
    "x, y.*",
    "DB.m",
    ".m",
    "`m`",
    "DB.m.*",
    "/*!50000 m, */ t",
    "/*!999999 m */ t",
];
const BEFORE: [&str; 10] = [
    "",
    "",
    "",
    "",
    "IGNORE ",
    "LOW_PRIORITY ",
    "/*!50000 IGNORE */ ",
    "/*!999999 IGNORE */ ",
    "QUICK ",
    "HISTORY ",
];
/// MariaDB knows the first, MySQL the others.
const FIRST: [&str; 4] = [
    "ANALYZE ",
    "WITH do AS (SELECT 1 AS id) ",
    "WITH m AS (SELECT 1 AS id, 1 AS n) ",
    "WITH RECURSIVE x (id) AS (SELECT 1), do AS (SELECT 1 AS id) ",
];
const AFTER: [&str; 6] = ["", "", " WHERE 1", " ORDER BY 1 LIMIT 1", " RETURNING 1, 2", " -- x"];

fn text(random: &mut fastrand::Rng) -> String {
    let first = if random.u8(..5) == 0 { one(random, &FIRST) } else { "" };
    let (before, after) = (one(random, &BEFORE), one(random, &AFTER));
    let references = one(random, &REFERENCES);
    let statement = match random.u8(..6) {
        0 => format!("UPDATE {before}{references} {}{after}", one(random, &SETS)),
        1 => format!("INSERT {before}INTO {references} {}{after}", one(random, &ROWS)),
        2 => format!(
            "{} {before}{references} {}{after}",
            one(random, &["INSERT", "REPLACE"]),
            one(random, &ROWS)
        ),
        3 => format!("DELETE {before}FROM {references}{after}"),
        4 => format!("DELETE {before}{} FROM {references}{after}", one(random, &TARGETS)),
        _ => format!("DELETE {before}FROM {} USING {references}{after}", one(random, &TARGETS)),
    };
    first.to_owned() + &statement
}

/// The tables that a statement changes.
fn changed(client: &mut Client, sql: &str) -> Option<Vec<&'static str>> {
    let done = match client.run(&format!("BEGIN;{sql}\n;DO 1")) {
        Ok(()) => true,
        Err(Error::Server(_)) => false,
        Err(error) => panic!("{sql}: {error}"),
    };
    let state = |table: &&str| format!("SELECT COUNT(*) = 1 AND SUM(n) = 1 FROM `{table}`");
    let same: Vec<Option<i64>> =
        client.rows(&TABLES.iter().map(state).collect::<Vec<_>>().join(" UNION ALL "));
    client.run("ROLLBACK").unwrap();
    let changed = TABLES.into_iter().zip(same).filter(|(_, same)| *same != Some(1)).map(|(table, _)| table);
    done.then(|| changed.collect())
}

#[test]
fn the_tables_that_a_statement_changes_are_read_out_of_it() {
    let given = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    let mut random = fastrand::Rng::with_seed(seed);
    let fleet = Fleet::new();
    for table in TABLES {
        fleet.sql(&format!("CREATE TABLE `{table}` (id INT, n INT)"));
        fleet.sql(&format!("INSERT INTO `{table}` VALUES (1, 1)"));
    }
    let database: String = fleet.rows("SELECT DATABASE()").remove(0);
    let (mut client, mode) = (fleet.client(), SqlMode::default());
    let (mut wrong, mut changes, mut doubts) = (Vec::new(), 0, 0);
    for _ in 0..RANDOM {
        let sql = text(&mut random).replace("DB", &database);
        if check(&sql, mode).is_err() {
            continue;
        }
        let Some(changed) = changed(&mut client, &sql) else { continue };
        changes += usize::from(!changed.is_empty());
        let Some(ours) = written_tables(&sql, mode) else {
            doubts += 1;
            continue;
        };
        let is_ours = |table: &&str| ours.iter().any(|name| name.table.eq_ignore_ascii_case(table));
        if !changed.iter().all(is_ours) || ours.is_empty() {
            wrong.push(format!("{sql}: the server changed {changed:?}, ours are {ours:?}"));
        }
    }
    let said =
        format!("SEED={seed}: of {RANDOM} texts {changes} changed something, of {doubts} we do not know");
    assert!(wrong.is_empty(), "{said}, {} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(changes > RANDOM / 10 && doubts < changes, "{said}");
}
