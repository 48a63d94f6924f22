//! What a statement is, with the server as the oracle: whatever [`check`] takes is put into a packet between two others, and
//! the server's own counters say what it has executed there.

use std::collections::BTreeMap;

use mysql_async::Error;
use queryfleet_sql::{Kind, SqlMode, check, inspect};
use queryfleet_tests::{Client, Fleet};

use super::generate::one;

/// Random texts of which each is executed that is taken.
const RANDOM: usize = 3_000;
const PLAIN: SqlMode = SqlMode { no_backslash_escapes: false, ansi_quotes: false };

const HEADS: [&str; 26] = [
    "UPDATE t SET n = n + 1 ",
    "DELETE FROM t ",
    "INSERT INTO t VALUES (1) ",
    "REPLACE t VALUES (1) ",
    "SELECT 1 ",
    "SELECT ",
    "DO 1 ",
    "VALUES (1) ",
    "TABLE t ",
    "CALL p() ",
    "ANALYZE ",
    "EXPLAIN ",
    "DESC ",
    "FORMAT=JSON ",
    "FORMAT='json' ",
    "WITH x AS (SELECT 1) ",
    "WITH do AS (SELECT 1), y (a) AS (SELECT 2) ",
    "RECURSIVE ",
    "CREATE TEMPORARY TABLE y (a INT) ",
    "CREATE OR REPLACE ",
    "BEGIN NOT ATOMIC ",
    "SHOW TABLES ",
    "COMMIT ",
    "SET @a = 1 ",
    "CHECK ",
    "SET STATEMENT max_statement_time=1 FOR ",
];
const PIECES: [&str; 58] = [
    "/*!50000 ",
    "/*!999999 ",
    "/*!",
    "/*M!100000 ",
    "/*M!999999 ",
    "/*!50000",
    "*/ ",
    "*/",
    "/*",
    "/* x */",
    "-- x\n",
    "--",
    "#\n",
    "/*+ x */",
    "(",
    ")",
    ";",
    "'",
    "\"",
    "`",
    "\\",
    "'a' ",
    "'\\' ",
    "`a` ",
    "$$",
    "$a",
    "@a ",
    ":=",
    ",",
    "1.",
    "1e5",
    ".5",
    "0x41",
    "\\N",
    "INTO ",
    "INTO @z ",
    "@z ",
    "WHERE n = 0 ",
    "UNION ",
    "ALL ",
    "AS ",
    "x ",
    "FROM t ",
    "FOR UPDATE ",
    "LOCAL ",
    "TABLE ",
    "IGNORE ",
    "LIMIT 0 ",
    "é",
    "{",
    "}",
    "\n",
    "\t",
    "=",
    "-",
    "*",
    "/",
    "FORMAT ",
];

type Counters = BTreeMap<String, u64>;

struct Server {
    client: Client,
    /// How often what was executed in this session, when it was asked last.
    counters: Counters,
    /// How many commands the texts have been, each in its turn.
    executed: usize,
}

impl Server {
    fn new(client: Client) -> Server {
        let mut server = Server { client, counters: Counters::new(), executed: 0 };
        server.make_table();
        server
    }

    fn make_table(&mut self) {
        let sql = "DROP TABLE IF EXISTS t; CREATE TABLE t (n INT); INSERT INTO t VALUES (1); SELECT 1";
        self.client.run(sql).unwrap();
        self.counted();
    }

    /// What was executed since it was asked last.
    fn counted(&mut self) -> Vec<String> {
        let rows: Vec<(String, u64)> =
            self.client.rows("SHOW SESSION STATUS WHERE Variable_name LIKE 'Com\\_%' AND Value > 0");
        let now: Counters = rows.into_iter().filter(|(name, _)| name != "Com_show_status").collect();
        let mut names = Vec::new();
        for (name, count) in &now {
            let more = count - self.counters.get(name).unwrap_or(&0);
            names.extend((0..more).map(|_| name.trim_start_matches("Com_").to_owned()));
        }
        self.counters = now;
        names
    }

    fn judge(&mut self, text: &str, kind: Kind) -> Option<String> {
        let sql = inspect(text, PLAIN).ok()?.sql;
        let packet = format!("SET @z = 'unset';/* queryfleet 1/2 */ {sql}\n;DO 1");
        let error = match self.client.run(&packet) {
            Ok(()) => None,
            Err(Error::Server(error)) => Some(error.code),
            Err(error) => panic!("{packet}: {error}"),
        };
        let state =
            "SELECT CAST(@z AS BINARY), (SELECT COUNT(*) FROM t), (SELECT CAST(SUM(n) AS SIGNED) FROM t)";
        let state: Vec<(Option<Vec<u8>>, u64, Option<i64>)> = self.client.try_rows(state).unwrap_or_default();
        let mut executed = self.counted();
        // The packet's own, of which the last comes only after a success.
        for own in ["set_option", "select", if error.is_none() { "do" } else { "" }] {
            executed.iter().position(|name| name == own).map(|at| executed.remove(at));
        }
        self.executed += executed.len();
        let [(z, rows, sum)] = &state[..] else { return self.after_change(kind, text) };
        let most = 1 + usize::from(kind == Kind::Call);
        let fits = executed.len() <= most && executed.iter().all(|name| is_of(kind, name));
        let is_set = z.as_deref() != Some(b"unset");
        let is_changed = (*rows, *sum) != (1, Some(1));
        let wrong = !fits || is_set || is_changed && !changes(kind);
        let said = wrong
            .then(|| format!("{text:?} as {kind}: executed {executed:?}, error {error:?}, @z set {is_set}"));
        if is_changed {
            self.make_table();
        }
        said
    }

    /// The table is gone.
    fn after_change(&mut self, kind: Kind, text: &str) -> Option<String> {
        self.make_table();
        (kind != Kind::Ddl).then(|| format!("{text:?} as {kind}: the table is gone"))
    }
}

fn changes(kind: Kind) -> bool {
    matches!(kind, Kind::Insert | Kind::Replace | Kind::Update | Kind::Delete | Kind::Call | Kind::Ddl)
}

/// Whether a statement of this kind may count as that.
fn is_of(kind: Kind, counter: &str) -> bool {
    let prefix = |prefix: &str| counter.starts_with(prefix);
    match kind {
        Kind::Select | Kind::With | Kind::Values | Kind::Table | Kind::SelectIntoFile => counter == "select",
        Kind::Insert => prefix("insert"),
        Kind::Replace => prefix("replace"),
        Kind::Update => prefix("update"),
        Kind::Delete => prefix("delete"),
        Kind::Do => counter == "do",
        Kind::LoadData => counter == "load",
        Kind::Call => prefix("call") || counter == "do",
        Kind::Ddl => prefix("create") || prefix("alter") || prefix("drop") || prefix("analyze"),
        // EXPLAIN counts as what it explains.
        Kind::Other => !prefix("set") && !prefix("commit") && !prefix("execute"),
        _ => false,
    }
}

fn text(random: &mut fastrand::Rng) -> String {
    let mut text = String::new();
    let mut opened = false;
    for place in 0..random.usize(1..5) {
        if random.u8(..10) < 3 {
            text.push_str(one(random, &PIECES[..10]));
            opened = true;
        }
        if place == 0 || random.u8(..5) == 0 {
            text.push_str(one(random, &HEADS));
        } else {
            text.push_str(one(random, &PIECES));
        }
        if opened && random.bool() {
            text.push_str("*/ ");
            opened = false;
        }
    }
    if opened && random.u8(..8) > 0 {
        text.push_str("*/");
    }
    text
}

#[test]
fn what_is_taken_for_one_statement_of_a_kind_is_executed_as_that() {
    let given = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    let mut random = fastrand::Rng::with_seed(seed);
    let fleet = Fleet::new();
    fleet.sql("CREATE PROCEDURE p() DO 1");
    let mut server = Server::new(fleet.client());
    let (mut wrong, mut taken) = (Vec::new(), 0);
    for _ in 0..RANDOM {
        let text = text(&mut random);
        if let Ok(kind) = check(&text, PLAIN) {
            taken += 1;
            wrong.extend(server.judge(&text, kind));
        }
    }
    let said = format!("SEED={seed}: of {taken} texts taken {} were executed", server.executed);
    assert!(wrong.is_empty(), "{said}, {} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(server.executed > RANDOM / 20, "{said}");
}
