//! Session SQL is SETs of the session and nothing else, and what a run's own does is that run's affair.

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

/// As somebody writes it into the run's row who may not run SQL.
#[test]
fn session_sql_that_came_into_a_run_otherwise_ends_that_runs_jobs_and_no_others() {
    let fleet = Fleet::new();
    let script = fleet.counters(3);
    fleet.sql("CREATE TABLE victim (id INT PRIMARY KEY); INSERT INTO victim VALUES (1)");
    let path = script.to_str().unwrap();
    for (index, sql) in REFUSED.iter().enumerate() {
        let run = format!("bad-{index}");
        let script = fleet.script([format!("DO {index};")]);
        fleet
            .run(&["publish", script.to_str().unwrap(), "--run", &run, "--session-sql", "SET @x = 1"])
            .expect(0);
        let sql = sql.replace('\'', "''");
        fleet.sql(&format!("UPDATE queryfleet_run SET session_sql = '{sql}' WHERE name = '{run}'"));
    }
    fleet.run(&["publish", path, "--run", "good"]).expect(0);
    let _worker = fleet.worker_with(1, &[("QUERYFLEET_MAX_ATTEMPTS", "2")]);
    fleet.wait("good").expect(0);
    fleet.assert_each_once();
    for index in 0..REFUSED.len() {
        fleet.wait(&format!("bad-{index}")).expect(3);
    }
    assert_eq!((fleet.ledger("done"), fleet.number("SELECT COUNT(*) FROM victim")), (3, 1));
}

/// What the server at hand refuses: a fleet may serve several kinds of it.
#[test]
fn session_sql_that_fails_on_the_server_holds_no_slot_that_another_run_needs() {
    let fleet = Fleet::new();
    let bad = fleet.script(["DO 1;", "DO 2;", "DO 3;"]);
    fleet
        .run(&["publish", bad.to_str().unwrap(), "--run", "bad", "--session-sql", "SET sql_mode = ''"])
        .expect(0);
    fleet.sql("UPDATE queryfleet_run SET session_sql = 'SET time_zone = ''Nowhere/At all'''");
    let good = fleet.counters(20);
    fleet.publish(&good, "good");
    let worker = fleet.worker_with(1, &[("QUERYFLEET_MAX_ATTEMPTS", "3")]);
    fleet.wait("good").expect(0);
    fleet.wait("bad").expect(3);
    fleet.assert_each_once();
    assert!(fleet.dead().iter().all(|(_, reason, code)| reason == "attempts" && *code == Some(1298)));
    assert_eq!(worker.get("/readyz").0, 200, "{}", worker.get("/readyz").1);
}
