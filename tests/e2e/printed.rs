//! What people and scripts read of a run, word for word. `UPDATE_EXPECT=1` accepts what is printed now: look at the
//! difference. `--help` is a test of crates/cli.

use expect_test::{Expect, expect};
use queryfleet_tests::{Fleet, Output};
use serde_json::Value;

/// A run of which one job is done and one is dead.
struct Printed {
    fleet: Fleet,
    script: String,
    run: Output,
}

impl Printed {
    fn new() -> Printed {
        let fleet = Fleet::new();
        fleet.make_counters(2);
        let script = fleet.script(["UPDATE t SET n = n + 1 WHERE id = 1;", "UPDATE nowhere SET n = 1;"]);
        let script = script.to_str().unwrap().to_owned();
        let run = fleet.run(&["run", &script, "--run", "printed", "--allow-no-where"]).expect(3);
        Printed { fleet, script, run }
    }

    /// The text without what differs from test to test and from server to server.
    fn filtered(&self, text: &str) -> String {
        let worker: Vec<String> = self.fleet.rows("SELECT worker FROM queryfleet_dead");
        let died: Vec<String> =
            self.fleet.rows("SELECT DATE_FORMAT(died, '%Y-%m-%d %H:%i:%s') FROM queryfleet_dead");
        let database: Vec<String> = self.fleet.rows("SELECT DATABASE()");
        let ended = text.split_once("ended at ").map_or("TIME", |(_, rest)| rest.split(' ').next().unwrap());
        // How wide these columns are depends on the names in them.
        let lines = text.lines().map(|line| match line.ends_with("STATEMENT") {
            true => line.split_whitespace().collect::<Vec<_>>().join("  "),
            false => line.to_owned(),
        });
        let text: String = lines.map(|line| line + "\n").collect();
        text.replace(&self.script, "SCRIPT")
            .replace(ended, "TIME")
            .replace(&worker[0], "HOST:PID")
            .replace(&died[0], "TIME")
            .replace(&database[0], "DATABASE")
    }

    fn prints(&self, arguments: &[&str], code: i32, expected: &Expect) {
        let output = self.fleet.run(arguments).expect(code);
        expected.assert_eq(&self.filtered(&output.out));
    }

    /// The keys of what a command prints with `--json`, each with the type of its value.
    fn has_keys(&self, arguments: &[&str], code: i32, expected: &Expect) {
        let value = self.fleet.run(&[arguments, &["--json"]].concat()).expect(code).json();
        let mut lines = Vec::new();
        keys("", &value, &mut lines);
        expected.assert_eq(&lines.join("\n"));
    }
}

fn keys(path: &str, value: &Value, lines: &mut Vec<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(values) => {
            // All of a list look alike.
            return match values.first() {
                Some(first) => keys(&format!("{path}[]"), first, lines),
                None => lines.push(format!("{path}[]: empty")),
            };
        }
        Value::Object(fields) => {
            return fields.iter().for_each(|(key, value)| keys(&format!("{path}.{key}"), value, lines));
        }
    };
    lines.push(format!("{path}: {kind}"));
}

#[test]
fn people_read_this() {
    let printed = Printed::new();
    expect![[r#"
        run printed: 1 job done, 1 dead
    "#]]
    .assert_eq(&printed.run.out);
    printed.prints(
        &["status"],
        0,
        &expect![[r#"
            queue default: waiting: 0 messages; no worker serves it
            RUN      STATE     TOTAL  DONE  DEAD
            printed  finished      2     1     1
        "#]],
    );
    printed.prints(
        &["wait", "printed"],
        3,
        &expect![[r#"
        run printed: 1 job done, 1 dead
    "#]],
    );
    printed.prints(
        &["dead", "list"],
        0,
        &expect![[r#"
            RUN  REASON  CODE  STATE  JOBS  FIRST  ERROR  STATEMENT
            printed  error   1146  42S02     1  job 2, SCRIPT:2:1  Table 'DATABASE.nowhere' doesn't exist  UPDATE nowhere SET n = 1
        "#]],
    );
    printed.prints(
        &["dead", "show", "printed", "2"],
        0,
        &expect![[r#"
            run printed, job 2: dead (error)
            error:      1146 (42S02) Table 'DATABASE.nowhere' doesn't exist
            place:      SCRIPT:2:1
            attempts:   1
            worker:     HOST:PID
            died:       TIME
            statement:  UPDATE nowhere SET n = 1
        "#]],
    );
    printed.prints(&["plan", &printed.script], 1, &expect![[r#"
        1 job, 35 B of statements
          update t: 1, the first at SCRIPT:1:1
        largest statement: 35 B, SCRIPT:1:1
        the ledger grows by some 55 B
        1 of 1 job explained, 1 different statement; all jobs together read some 1 row
        --chunk auto: a message for each job, since there are few or the rate is low
        without a WHERE: 1 job, the first at SCRIPT:2:1
        refused: SCRIPT:2:1: update without a WHERE changes every row; nothing was published; --allow-no-where if that is meant
        publish would refuse this: 1 statement
    "#]]);
    printed.prints(
        &["publish", &printed.script, "--run", "printed", "--allow-no-where"],
        0,
        &expect![[r#"
            run printed ended at TIME with 1 done, 1 dead: there was nothing to do
        "#]],
    );
    printed.prints(
        &["dead", "replay", "--dry-run"],
        0,
        &expect![[r#"
        1 dead job would be replayed
    "#]],
    );
    printed.prints(
        &["dead", "discard", "--all", "--yes"],
        0,
        &expect![[r#"
            RUN  REASON  CODE  STATE  JOBS  FIRST  ERROR  STATEMENT
            printed  error   1146  42S02     1  job 2, SCRIPT:2:1  Table 'DATABASE.nowhere' doesn't exist  UPDATE nowhere SET n = 1
            1 dead job discarded
        "#]],
    );
    printed.prints(&["cancel", "printed"], 1, &expect![[r#""#]]);
}

/// What each check has found differs from server to server.
#[test]
fn doctor_makes_these_checks() {
    let fleet = Fleet::new();
    let output = fleet.run(&["doctor"]);
    let check = |line: &str| line.chars().take(24).collect::<String>().trim_end().to_owned();
    let checks: Vec<String> = output.out.lines().map(check).collect();
    expect![[r#"
        ok    database
        ok    session
        ok    database TLS
        ok    durability
        ok    packet
        ok    init_connect
        ok    writable
        ok    tables
        ok    right to publish
        ok    right to work
        ok    right to operate
        ok    right to see
        ok    engines
        ok    broker
        ok    broker TLS
        ok    consumer timeout
        warn  heartbeats
        ok    queues
        ok    delivery limit
        warn  policies
        warn  consumers
        ok    dead queue
        ok    publishing"#]]
    .assert_eq(&checks.join("\n"));
}

/// A contract: keys are added, never changed.
#[test]
fn json_has_these_keys() {
    let printed = Printed::new();
    printed.has_keys(
        &["status"],
        0,
        &expect![[r#"
            [].cancelled: number
            [].confirmed: number
            [].created: string
            [].dead: number
            [].discarded: number
            [].done: number
            [].name: string
            [].queue: string
            [].replaced_by[]: empty
            [].run: number
            [].state: string
            [].total: number"#]],
    );
    let standing = expect![[r#"
        .cancelled: number
        .confirmed: number
        .created: string
        .dead: number
        .discarded: number
        .done: number
        .name: string
        .queue: string
        .replaced_by[]: empty
        .run: number
        .state: string
        .total: number"#]];
    printed.has_keys(
        &["runs"],
        0,
        &expect![[r#"
        [].cancelled: number
        [].confirmed: number
        [].created: string
        [].dead: number
        [].discarded: number
        [].done: number
        [].name: string
        [].queue: string
        [].replaced_by[]: empty
        [].run: number
        [].state: string
        [].total: number"#]],
    );
    printed.has_keys(
        &["status", "printed"],
        0,
        &expect![[r#"
        .canary: null
        .cancelled: number
        .confirmed: number
        .created: string
        .dead: number
        .discarded: number
        .done: number
        .errors[].code: number
        .errors[].example: string
        .errors[].jobs: number
        .errors[].reason: string
        .left_s: null
        .name: string
        .queue: string
        .rate: null
        .replaced_by[]: empty
        .retrying: null
        .run: number
        .running[]: empty
        .state: string
        .total: number"#]],
    );
    printed.has_keys(&["workers"], 0, &expect!["[]: empty"]);
    printed.has_keys(
        &["events"],
        0,
        &expect![[r#"
        [].at: string
        [].detail: string
        [].name: string
        [].queue: string
        [].run: number
        [].what: string
        [].who: string"#]],
    );
    printed.has_keys(
        &["limit"],
        0,
        &expect![[r#"
        .allowed: null
        .because: null
        .by: null
        .changed: null
        .checks: null
        .critical_load[]: empty
        .governor: null
        .ignore_until: null
        .max_lag: null
        .max_load[]: empty
        .outlasts_lag: null
        .permits_in_use: number
        .queue: string
        .rate: null
        .reasons: null
        .slots: null
        .term: null
        .throttle_http: null
        .throttle_query: null
        .version: number
        .window: null
        .window_margin: null
        .without[]: empty"#]],
    );
    printed.has_keys(&["wait", "printed"], 3, &standing);
    let run = ["run", &printed.script, "--run", "printed", "--allow-no-where"];
    printed.has_keys(&run, 3, &standing);
    printed.has_keys(
        &["dead", "list"],
        0,
        &expect![[r#"
            [].code: number
            [].example: string
            [].jobs: number
            [].name: string
            [].place: string
            [].reason: string
            [].run: number
            [].seq: number
            [].sqlstate: string
            [].statement: string"#]],
    );
    printed.has_keys(
        &["dead", "show", "printed", "2"],
        0,
        &expect![[r#"
            .attempts: number
            .code: number
            .database: null
            .died: string
            .first_error: null
            .id: number
            .message: string
            .name: string
            .not_atomic: null
            .params[]: empty
            .place: string
            .queue: string
            .reason: string
            .replay_refused: null
            .run: number
            .seq: number
            .session_sql: null
            .sqlstate: string
            .state: string
            .statement: string
            .worker: string"#]],
    );
    printed.has_keys(
        &["plan", &printed.script],
        1,
        &expect![[r#"
            .bytes: number
            .chunks.alone[]: empty
            .chunks.grouped: number
            .chunks.messages: number
            .chunks.most: number
            .complete: boolean
            .explained: number
            .failing[]: empty
            .full_scans[]: empty
            .jobs: number
            .kinds[].count: number
            .kinds[].first: string
            .kinds[].kind: string
            .kinds[].table: string
            .largest[]: number
            .ledger_bytes: number
            .no_where.count: number
            .no_where.first: string
            .not_atomic[]: empty
            .refusals[]: string
            .refused: number
            .repeats.count: number
            .repeats.first: null
            .repeats_complete: boolean
            .rows: number
            .shapes: number"#]],
    );
    let publish = ["publish", &printed.script, "--run", "printed", "--allow-no-where"];
    printed.has_keys(
        &publish,
        0,
        &expect![[r#"
            .before: number
            .chunks.alone[]: empty
            .chunks.grouped: number
            .chunks.messages: number
            .chunks.most: number
            .ended: string
            .name: string
            .replaced: number
            .run: number
            .total: number"#]],
    );
    printed.has_keys(
        &["setup"],
        0,
        &expect![[r#"
        .broker_server: string
        .database: string
        .database_server: string
        .ledger: string
        .queue: string"#]],
    );
    printed.fleet.publish(&printed.fleet.script(["DO 1;"]), "late");
    printed.has_keys(&["cancel", "late"], 0, &standing);
    printed.fleet.sql("UPDATE queryfleet_ledger SET time = time - INTERVAL 25 HOUR");
    printed.has_keys(
        &["purge", "late"],
        0,
        &expect![[r#"
        .ledger_rows: number
        .name: string"#]],
    );
    printed.has_keys(
        &["doctor"],
        0,
        &expect![[r#"
        .checks[].check: string
        .checks[].found: string
        .checks[].level: string
        .checks[].remedy: string
        .ok: boolean"#]],
    );
}
