//! What `doctor` says of a fleet, and that deploy/grants.sql is enough for every part of it.

use std::net::TcpListener;
use std::time::Duration;

use queryfleet_tests::{Fleet, Output, Worker, eventually};
use serde_json::Value;

const AMQP: &str = "QUERYFLEET_AMQP_URL";
const MYSQL: &str = "QUERYFLEET_MYSQL_URL";
const GRANTS: &str = include_str!("../../deploy/grants.sql");
const PASSWORD: &str = "0nly-f0r-this-test";
const SOON: Duration = Duration::from_secs(20);

/// The level, what was found and the remedy of every line of this check.
fn checked(output: &Output, check: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = output.json()["checks"].as_array().unwrap().clone();
    let lines = checks.iter().filter(|line| line["check"] == check);
    lines
        .map(|line| (text(&line["level"]), format!("{} → {}", text(&line["found"]), text(&line["remedy"]))))
        .collect()
}

/// Requires a single line of this check, its level and its words.
#[track_caller]
fn finds(output: &Output, check: &str, level: &str, words: &[&str]) {
    let lines = checked(output, check);
    let [(found, text)] = &lines[..] else { panic!("{check}: one line expected: {output:#?}") };
    assert_eq!(found, level, "{text}");
    assert!(words.iter().all(|word| text.contains(word)), "{words:?} in {text}");
}

fn database(fleet: &Fleet) -> String {
    fleet.rows("SELECT DATABASE()").remove(0)
}

/// An account of this test, and the URL with which the program becomes it.
fn account(fleet: &Fleet, part: &str) -> (String, String) {
    let name = format!("{}_{part}", database(fleet));
    fleet.sql(&format!("CREATE USER '{name}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'"));
    let url = fleet.mysql_url();
    let (_, server) = url.split_once('@').unwrap();
    (format!("'{name}'@'127.0.0.1'"), format!("mysql://{name}:{PASSWORD}@{server}"))
}

/// What deploy/grants.sql grants to one part, to this account.
fn grant(fleet: &Fleet, part: &str, account: &str) {
    let script_account = format!("'queryfleet_{part}'@'%'");
    let grants: Vec<String> = GRANTS
        .lines()
        .filter(|line| line.starts_with("GRANT ") && line.contains(&script_account))
        .map(|line| {
            line.replace(" shop.", &format!(" {}.", database(fleet))).replace(&script_account, account)
        })
        .collect();
    assert!(!grants.is_empty(), "grants for {part}");
    fleet.sql(&grants.concat());
}

#[test]
fn a_healthy_fleet_has_nothing_but_ok() {
    let fleet = Fleet::new();
    let worker = fleet.worker(2);
    worker.serves();
    let patience = [("QUERYFLEET_MISSING_TIMEOUT", "60s")];
    let output = fleet.run_with(&["doctor", "--json"], &patience).expect(0);
    assert_eq!(output.json()["ok"], true);
    let checks = output.json()["checks"].as_array().unwrap().clone();
    assert!(checks.len() >= 18, "{output:#?}");
    let (unseen, seen): (Vec<_>, Vec<_>) = checks.iter().partition(|line| line["check"] == "policies");
    assert!(seen.iter().all(|line| line["level"] == "ok" && line["remedy"] == ""), "{output:#?}");
    assert_eq!(unseen.len(), 1, "what nobody can be asked about is said");
    finds(&output, "policies", "warn", &["cannot be seen", "QUERYFLEET_MANAGEMENT_URL"]);
    finds(&output, "consumers", "ok", &["2 slots serve queryfleet.default"]);
    finds(&output, "durability", "ok", &["innodb_flush_log_at_trx_commit=1"]);
    finds(&output, "database TLS", "ok", &["not in use"]);
    let text = fleet.run_with(&["doctor"], &patience).expect(0);
    assert_eq!(text.out.lines().filter(|line| line.starts_with("ok    ")).count(), seen.len(), "{text:#?}");
    // Settings that only deserve a look cost no exit code.
    let hasty = fleet.run(&["doctor", "--json"]).expect(0);
    finds(&hasty, "heartbeats", "warn", &["QUERYFLEET_MISSING_TIMEOUT"]);
    let slow = fleet.run_with(&["doctor", "--json"], &[("QUERYFLEET_STATEMENT_TIMEOUT", "1h")]).expect(0);
    finds(&slow, "consumer timeout", "warn", &["consumer_timeout = "]);
}

#[test]
fn a_missing_right_is_named_as_the_grant_that_mends_it() {
    let fleet = Fleet::new();
    let (account, url) = account(&fleet, "poor");
    let database = database(&fleet);
    fleet.sql(&format!("GRANT SELECT, UPDATE, DELETE ON {database}.queryfleet_ledger TO {account}"));
    for table in [
        "meta", "run", "dead", "worker", "range", "hold", "place", "limit", "permit", "rate", "governor",
        "event",
    ] {
        let rights = "SELECT, INSERT, UPDATE, DELETE";
        fleet.sql(&format!("GRANT {rights} ON {database}.queryfleet_{table} TO {account}"));
    }
    let variables = [(MYSQL, url.as_str())];
    let output = fleet.run_with(&["doctor", "--json"], &variables).expect(1);
    let missing = format!("GRANT INSERT ON `{database}`.queryfleet_ledger TO {account};");
    finds(&output, "right to work", "fail", &[&missing]);
    finds(&output, "right to operate", "warn", &[&missing]);
    finds(&output, "right to publish", "ok", &["may publish, wait, status"]);
    assert!(!output.out.contains(PASSWORD) && !output.err.contains(PASSWORD), "{output:#?}");
    fleet.run_with(&["doctor", "--for", "publish"], &variables).expect(0);
    let (_, remedy) = checked(&output, "right to work").remove(0);
    fleet.sql(remedy.split_once("→ ").unwrap().1);
    fleet.run_with(&["doctor"], &variables).expect(0);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_ledger"), 0);
}

#[test]
fn commits_that_are_not_durable_and_tables_that_are_not_transactional() {
    let fleet = Fleet::with_own_servers();
    fleet.run(&["doctor"]).expect(0);
    fleet.sql("CREATE TABLE old (id INT) ENGINE=MyISAM");
    fleet.sql("SET GLOBAL max_allowed_packet = 4194304");
    let output = fleet.run(&["doctor", "--json"]).expect(0);
    finds(&output, "engines", "warn", &["1 tables", ".old (MyISAM)"]);
    finds(&output, "packet", "warn", &["max_allowed_packet=4194304"]);
    fleet.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 2");
    let output = fleet.run(&["doctor", "--json"]).expect(1);
    assert_eq!(output.json()["ok"], false);
    finds(&output, "durability", "fail", &["=2", "SET GLOBAL innodb_flush_log_at_trx_commit=1;"]);
    fleet.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 1");
    fleet.sql("SET GLOBAL read_only = 1");
    finds(&fleet.run(&["doctor", "--json"]).expect(1), "writable", "fail", &["read_only is on"]);
}

/// It said "ok writable" and three warnings, exit code 0; `publish` failed right after.
#[test]
fn a_server_that_takes_no_row_fails_whatever_it_says_of_itself() {
    let fleet = Fleet::with_own_servers();
    let variable = if fleet.is_mysql() { "transaction_read_only" } else { "tx_read_only" };
    fleet.sql(&format!("SET GLOBAL {variable} = 1"));
    let output = fleet.run(&["doctor", "--json"]).expect(1);
    finds(&output, "writable", "fail", &["a run cannot be written", "READ ONLY"]);
    finds(&output, "right to publish", "fail", &["could not be tried"]);
    for role in ["publish", "work", "operate"] {
        let output = fleet.run(&["doctor", "--for", role, "--json"]).expect(1);
        finds(&output, "writable", "fail", &["READ ONLY"]);
    }
    fleet.sql(&format!("SET GLOBAL {variable} = 0"));
    fleet.sql("SET GLOBAL init_connect = 'SET @somebody = 1'");
    let output = fleet.run(&["doctor", "--json"]).expect(0);
    finds(&output, "writable", "ok", &["rolled back: a run, the rows of a job"]);
    finds(&output, "init_connect", "warn", &["SET @somebody = 1", "QUERYFLEET_SESSION_SQL"]);
    fleet.sql("SET GLOBAL init_connect = ''");
    // What a row meets and no setting tells.
    for (table, words) in [
        ("run", "a run"),
        ("ledger", "the rows of a job"),
        ("dead", "the rows of a job"),
        ("worker", "a worker's row"),
    ] {
        let trigger = format!(
            "CREATE TRIGGER no BEFORE INSERT ON queryfleet_{table} FOR EACH ROW SIGNAL SQLSTATE '45000'"
        );
        fleet.sql(&trigger);
        finds(&fleet.run(&["doctor", "--json"]).expect(1), "writable", "fail", &[words]);
        fleet.sql("DROP TRIGGER no");
    }
    fleet.run(&["doctor"]).expect(0);
    let rows = ["run", "ledger", "dead", "worker"]
        .map(|table| fleet.number(&format!("SELECT COUNT(*) FROM queryfleet_{table}")));
    assert_eq!(rows, [0; 4], "nothing is left of what was tried");
}

#[test]
fn a_broker_that_takes_no_message_fails() {
    let fleet = Fleet::with_own_servers();
    let user = fleet.amqp_url().split_once("//").unwrap().1.split_once(':').unwrap().0.to_owned();
    let look =
        |code| fleet.run_with(&["doctor", "--json"], &[("QUERYFLEET_CONNECT_TIMEOUT", "2s")]).expect(code);
    finds(&look(0), "publishing", "ok", &["came back"]);
    fleet.ctl(&["set_permissions", &user, ".*", "^queryfleet\\..*", ".*"]);
    finds(&look(1), "publishing", "fail", &["ACCESS_REFUSED"]);
    fleet.ctl(&["set_permissions", &user, ".*", ".*", ".*"]);
    let ctl =
        |watermark| fleet.servers().stack.rabbitmq.ctl(&["set_vm_memory_high_watermark", watermark]).unwrap();
    ctl("0.000001");
    finds(&look(1), "publishing", "fail", &["alarm"]);
    ctl("0.6");
    look(0);
    assert_eq!(fleet.messages(), 0, "nothing is left of what was tried");
}

#[test]
fn tables_that_are_missing_or_of_another_engine() {
    let fleet = Fleet::new();
    fleet.sql("ALTER TABLE queryfleet_dead ENGINE=MyISAM");
    let output = fleet.run(&["doctor", "--json"]).expect(1);
    finds(&output, "tables", "fail", &["queryfleet_dead is MyISAM", "ENGINE=InnoDB;"]);
    fleet.sql("DROP TABLE queryfleet_dead");
    let output = fleet.run(&["doctor", "--json"]).expect(1);
    finds(&output, "tables", "fail", &["queryfleet_dead is not there", "backup"]);
    fleet.sql("UPDATE queryfleet_meta SET value = '4' WHERE name = 'schema_version'");
    finds(&fleet.run(&["doctor", "--json"]).expect(1), "tables", "fail", &["version 4", "wants 3"]);
    let session = [("QUERYFLEET_SESSION_SQL", "SET autocommit = 0")];
    finds(&fleet.run_with(&["doctor", "--json"], &session).expect(1), "session", "fail", &["autocommit"]);
}

#[test]
fn queues_that_are_missing_or_have_other_arguments() {
    let fleet = Fleet::new();
    let look = |name: &str, value: &str| fleet.run_with(&["doctor", "--json"], &[(name, value)]);
    let other = look("QUERYFLEET_DELIVERY_LIMIT", "7").expect(1);
    finds(&other, "queues", "fail", &["queue queryfleet.default", "x-delivery-limit"]);
    let nowhere = look("QUERYFLEET_QUEUE", "other").expect(1);
    finds(&nowhere, "queues", "fail", &["queryfleet.other", "queryfleet setup"]);
    assert!(!fleet.ctl(&["list_queues", "name"]).contains("other"), "doctor makes no queue");

    let lost = "amqp://u:wr0ng-s3cret@broker.invalid:5672/v";
    let output = look(AMQP, lost).expect(1);
    finds(&output, "broker", "fail", &["broker.invalid"]);
    finds(&output, "tables", "ok", &["InnoDB"]);
    assert!(!output.out.contains("wr0ng-s3cret") && !output.err.contains("wr0ng-s3cret"), "{output:#?}");
    let output = look(AMQP, &format!("{lost},{}", fleet.amqp_url())).expect(0);
    let levels: Vec<String> = checked(&output, "broker").into_iter().map(|(level, _)| level).collect();
    assert_eq!(levels, ["warn", "ok"]);
    let output = look(MYSQL, "mysql://u:wr0ng-s3cret@db.invalid/d").expect(1);
    finds(&output, "database", "fail", &["db.invalid"]);
    finds(&output, "queues", "ok", &["3 retry tiers"]);
    finds(&output, "consumers", "warn", &["queryfleet work"]);
}

/// Lets the broker serve its management page, and answers where.
fn management(fleet: &Fleet) -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let start = format!(
        "application:set_env(rabbitmq_management, tcp_config, [{{port, {port}}}, {{ip, \"127.0.0.1\"}}]), \
         {{ok, F}} = application:get_env(rabbit, enabled_plugins_file), \
         ok = file:write_file(F, \"[rabbitmq_management,rabbitmq_prometheus].\"), rabbit_plugins:ensure(F)."
    );
    fleet.servers().stack.rabbitmq.ctl(&["eval", &start]).unwrap();
    format!("127.0.0.1:{port}")
}

#[test]
#[ignore = "make faults: takes long"]
fn policies_are_seen_where_there_is_a_management_page() {
    let fleet = Fleet::with_own_servers();
    let page = management(&fleet);
    let (url, wrong) = (format!("http://{page}"), format!("http://nobody:wr0ng-s3cret@{page}/"));
    let look = |url: &str, code| {
        fleet.run_with(&["doctor", "--json"], &[("QUERYFLEET_MANAGEMENT_URL", url)]).expect(code)
    };
    let user = fleet.amqp_url().split_once("//").unwrap().1.split_once(':').unwrap().0.to_owned();
    let tags = |tag: &str| fleet.servers().stack.rabbitmq.ctl(&["set_user_tags", &user, tag]).unwrap();
    tags("");
    finds(&look(&url, 1), "policies", "fail", &["tag management"]);
    tags("management");
    finds(&look(&url, 0), "policies", "ok", &["5 queues"]);
    let refused = look(&wrong, 1);
    finds(&refused, "policies", "fail", &["QUERYFLEET_MANAGEMENT_URL"]);
    assert!(!refused.out.contains("wr0ng-s3cret"), "{refused:?}");
    let set = |kind: &str, pattern: &str, definition: &str| {
        fleet.ctl(&[&format!("set_{kind}"), "foreign", pattern, definition, "--apply-to", "queues"]);
    };
    let found = |level: &str, code, words: &[&str]| {
        // The page looks at the queues now and then.
        eventually(SOON, &format!("{level} with {words:?}"), || {
            let output = fleet.run_with(&["doctor", "--json"], &[("QUERYFLEET_MANAGEMENT_URL", &url)]);
            let lines = checked(&output, "policies");
            output.code == code
                && lines
                    .iter()
                    .any(|(found, text)| found == level && words.iter().all(|word| text.contains(word)))
        });
    };
    set("policy", "^queryfleet\\.default$", r#"{"max-length":100000}"#);
    found("warn", 0, &["policy foreign", "max-length=100000"]);
    set("policy", "dead$", r#"{"message-ttl":60000}"#);
    found("fail", 1, &["message-ttl=60000", "queryfleet.default.dead"]);
    fleet.ctl(&["clear_policy", "foreign"]);
    set("operator_policy", "retry", r#"{"expires":600000}"#);
    found("fail", 1, &["expires=600000", ".retry."]);
    fleet.ctl(&["clear_operator_policy", "foreign"]);
    found("ok", 0, &["5 queues"]);
}

const PARTS: [&str; 4] = ["setup", "publish", "work", "operate"];

/// A fleet without tables, and an account for each part of deploy/grants.sql, without any right.
struct Parts {
    fleet: Fleet,
    accounts: Vec<(String, String)>,
}

impl Parts {
    fn new() -> Parts {
        let fleet = Fleet::new();
        let tables = [
            "meta", "run", "ledger", "dead", "worker", "range", "hold", "place", "limit", "permit", "rate",
            "governor",
        ]
        .map(|table| format!("queryfleet_{table}"));
        fleet.sql(&format!("DROP TABLE {}", tables.join(", ")));
        let accounts = PARTS.iter().map(|part| account(&fleet, part)).collect();
        Parts { fleet, accounts }
    }

    fn of(&self, part: &str) -> &(String, String) {
        &self.accounts[PARTS.iter().position(|name| *name == part).unwrap()]
    }

    fn grant(&self, part: &str) {
        grant(&self.fleet, part, &self.of(part).0);
    }

    fn run(&self, part: &str, arguments: &[&str]) -> Output {
        self.fleet.run_with(arguments, &[(MYSQL, &self.of(part).1)])
    }

    fn worker(&self) -> Worker {
        self.fleet.worker_with(2, &[(MYSQL, &self.of("work").1)])
    }

    fn set_up(&self) {
        self.grant("setup");
        self.run("setup", &["doctor"]).expect(1).says("queryfleet setup");
        self.run("setup", &["setup"]).expect(0);
        self.run("setup", &["setup"]).expect(0);
        for part in &PARTS[1..] {
            self.grant(part);
            self.run(part, &["doctor", "--for", part]).expect(0);
        }
        self.run("work", &["doctor"]).expect(1).says("GRANT INSERT, UPDATE ON");
    }

    /// Three jobs: one that dies, one that is not atomic, one of those that fails before it has begun.
    fn publish_mixed(&self) {
        let script = ["SELECT * FROM nowhere;", "TRUNCATE TABLE u;", "ALTER TABLE t ADD m INT;"];
        let script = self.fleet.script(script);
        let arguments = ["publish", script.to_str().unwrap(), "--run", "mixed", "--not-atomic", "park"];
        self.run("publish", &arguments).expect(0);
    }
}

#[test]
fn every_part_does_its_work_with_the_grants_of_the_script() {
    let parts = Parts::new();
    let fleet = &parts.fleet;
    parts.set_up();
    let script = fleet.counters(50);
    fleet.sql("CREATE TABLE u (id INT) ENGINE=InnoDB");
    let (database, worker_account) = (database(fleet), &parts.of("work").0);
    fleet.sql(&format!("GRANT SELECT, UPDATE ON {database}.t TO {worker_account}"));
    fleet.sql(&format!("GRANT DROP ON {database}.u TO {worker_account}"));

    let mut worker = parts.worker();
    parts.run("publish", &["publish", script.to_str().unwrap(), "--run", "good", "--chunk", "4"]).expect(0);
    parts.run("publish", &["wait", "good"]).expect(0);
    fleet.assert_each_once();
    parts.publish_mixed();
    parts.run("publish", &["wait", "mixed"]).expect(3).says("1 job done, 2 dead");
    parts.run("publish", &["status"]).expect(0).says("mixed");
    fleet.send(b"not ours");
    eventually(SOON, "the collector has it", || fleet.dead().len() == 3);
    assert_eq!(worker.drain(), Some(0));
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_worker"), 0, "it has taken its row away");
    assert!(!worker.log().contains(PASSWORD));
}

#[test]
fn workers_that_are_started_with_setup_wait_for_tables_and_rights() {
    let parts = Parts::new();
    let without_rights = parts.worker();
    without_rights.wait_for("1044");
    parts.grant("setup");
    parts.run("setup", &["setup"]).expect(0);
    let without_table_rights = parts.worker();
    parts.grant("work");
    without_rights.serves();
    without_table_rights.serves();
    // Credentials are not waited for.
    let wrong = parts.of("work").1.replace(PASSWORD, "wrong");
    parts.fleet.run_with(&["work"], &[(MYSQL, &wrong)]).expect(1).says("1045");
}

#[test]
fn people_do_their_work_with_the_grants_of_the_script() {
    let parts = Parts::new();
    let fleet = &parts.fleet;
    parts.set_up();
    let operate = |arguments: &[&str]| parts.run("operate", arguments).expect(0);
    parts.publish_mixed();
    fleet.sql("CREATE TABLE u (id INT) ENGINE=InnoDB");
    let database = database(fleet);
    fleet.sql(&format!("GRANT DROP ON {database}.u TO {}", parts.of("work").0));
    let mut worker = parts.worker();
    parts.run("publish", &["wait", "mixed"]).expect(3);
    assert_eq!(worker.drain(), Some(0));
    operate(&["dead", "list"]).says("1142");
    operate(&["dead", "show", "mixed", "1"]).says("nowhere");
    operate(&["dead", "replay", "--run", "mixed"]).says("2 dead jobs replayed");
    let mut worker = parts.worker();
    parts.run("publish", &["wait", "mixed"]).expect(3);
    assert_eq!(worker.drain(), Some(0));
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_dead WHERE state = 'dead'"), 2);
    operate(&["dead", "discard", "--yes", "--run", "mixed"]).says("2 dead jobs discarded");
    let script = fleet.counters(50);
    parts.run("publish", &["publish", script.to_str().unwrap(), "--run", "late"]).expect(0);
    operate(&["cancel", "late"]).says("50 cancelled");
    fleet.sql("UPDATE queryfleet_ledger SET time = time - INTERVAL 25 HOUR");
    operate(&["purge", "mixed"]).says("3 ledger rows deleted");
}
