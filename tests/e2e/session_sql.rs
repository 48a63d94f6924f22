//! Session SQL is SETs of the session and nothing else, and what a run's own does is that run's affair.

use std::sync::Arc;

use queryfleet_config::Config;
use queryfleet_job::{Class, RunId};
use queryfleet_ledger::{Database, RunSession, Session};
use queryfleet_tests::Fleet;

/// Each would do more than make a session what its jobs need.
const REFUSED: [&str; 12] = [
    "START TRANSACTION",
    "SET foreign_key_checks = 0; DELETE FROM victim",
    "DELETE FROM victim",
    "SET @a = (SELECT COUNT(*) FROM victim)",
    "SET GLOBAL foreign_key_checks = 0",
    "SET SESSION TRANSACTION READ ONLY",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "SET insert_id = 7",
    "SET autocommit = 0",
    "SET NAMES latin1",
    "SET character_set_connection = latin1",
    "SET collation_connection = latin1_swedish_ci",
];

#[test]
fn session_sql_that_is_more_than_sets_is_taken_by_nobody() {
    let fleet = Fleet::new();
    let script = fleet.counters(1);
    fleet.sql("CREATE TABLE victim (id INT PRIMARY KEY); INSERT INTO victim VALUES (1)");
    for sql in REFUSED {
        let publish = ["publish", script.to_str().unwrap(), "--session-sql", sql];
        fleet.run(&publish).expect(1);
        let configured = fleet.run_with(&publish[..2], &[("QUERYFLEET_SESSION_SQL", sql)]);
        assert_ne!(configured.code, 0, "{sql}: {configured:?}");
    }
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM victim"), 1);
    let mut worker = fleet.worker_with(1, &[("QUERYFLEET_SESSION_SQL", "START TRANSACTION")]);
    assert_eq!(worker.wait_exit(std::time::Duration::from_secs(20)), Some(1));
}

/// Such a session can write no ledger row: its jobs would come round for ever.
#[test]
fn session_sql_under_which_innodb_writes_nothing_is_refused() {
    let fleet = Fleet::with_replica();
    let script = fleet.counters(1);
    let isolation = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
    let both = format!("SET binlog_format = 'STATEMENT'; {isolation}");
    let publish = ["publish", script.to_str().unwrap(), "--run", "run", "--session-sql"];
    let said = fleet.run(&[&publish[..], &[both.as_str()]].concat()).expect(1);
    said.says("binlog_format = STATEMENT below REPEATABLE READ where queryfleet needs ROW or MIXED");
    let mut worker = fleet.worker_with(1, &[("QUERYFLEET_SESSION_SQL", &both)]);
    assert_eq!(worker.wait_exit(std::time::Duration::from_secs(20)), Some(1));
    // Either alone is no hindrance.
    let _worker = fleet.worker(1);
    fleet.run(&[&publish[..], &[isolation]].concat()).expect(0);
    fleet.wait("run").expect(0);
    let again =
        ["run", script.to_str().unwrap(), "--again", "--session-sql", "SET binlog_format = 'STATEMENT'"];
    fleet.run(&again).expect(0);
    assert_eq!(fleet.number("SELECT n FROM t"), 2);
}

/// As it may be in a run of an older version: it is the run's affair, and not the worker's or its database's.
#[test]
fn session_sql_of_a_run_that_is_more_than_sets_is_refused_by_a_worker() {
    let fleet = Fleet::new();
    fleet.sql("CREATE TABLE victim (id INT PRIMARY KEY); INSERT INTO victim VALUES (1)");
    let vars = [("QUERYFLEET_MYSQL_URL".to_owned(), fleet.mysql_url())];
    let config = Config::from_vars(vars).expect("a configuration");
    let mut session = Session::new(Arc::new(Database::new(&config).expect("a URL")));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for sql in REFUSED {
        let wanted = RunSession { run: RunId(7), sql: Some(sql) };
        let error = runtime.block_on(session.prepare(wanted)).expect_err(sql);
        assert!(error.is_of_run(), "{sql}: {error}");
        assert_eq!(error.outcome().class(), Class::Refused, "{sql}");
        let facts = runtime.block_on(session.prepare(RunSession::NONE));
        assert!(facts.is_ok(), "after {sql}: {facts:?}");
    }
    assert_eq!(fleet.number("SELECT COUNT(*) FROM victim"), 1);
}

/// What the server at hand refuses to the worker's account.
#[test]
fn session_sql_that_fails_for_a_worker_holds_no_slot_that_another_run_needs() {
    let fleet = Fleet::new();
    let bad = fleet.script(["DO 1;", "DO 2;", "DO 3;"]);
    let log_off = "SET sql_log_off = 1";
    fleet.run(&["publish", bad.to_str().unwrap(), "--run", "bad", "--session-sql", log_off]).expect(0);
    let good = fleet.counters(20);
    fleet.publish(&good, "good");
    let url = fleet.plain_mysql_url();
    let worker = fleet.worker_with(1, &[("QUERYFLEET_MYSQL_URL", &url), ("QUERYFLEET_MAX_ATTEMPTS", "3")]);
    fleet.wait("good").expect(0);
    fleet.wait("bad").expect(3);
    fleet.assert_each_once();
    let dead = fleet.dead();
    assert!(dead.iter().all(|(_, reason, code)| reason == "attempts" && *code == Some(1227)), "{dead:?}");
    assert_eq!(worker.get("/readyz").0, 200, "{}", worker.get("/readyz").1);
}
