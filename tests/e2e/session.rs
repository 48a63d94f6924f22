//! One message a slot, and a session as the init step has made it.

use queryfleet_tests::Fleet;

#[test]
fn the_broker_gives_each_slot_one_message_at_a_time() {
    let fleet = Fleet::new();
    let _worker = fleet.worker(3);
    queryfleet_tests::eventually(
        std::time::Duration::from_secs(20),
        "three consumers with prefetch 1",
        || {
            let consumers = fleet.ctl(&["list_consumers", "queue_name", "ack_required", "prefetch_count"]);
            let lines: Vec<&str> = consumers.lines().filter(|line| line.starts_with("queryfleet.")).collect();
            assert!(lines.iter().all(|line| line.ends_with("\ttrue\t1")), "{consumers}");
            lines.iter().filter(|line| line.starts_with("queryfleet.default\t")).count() == 3
        },
    );
}

#[test]
fn every_session_is_as_the_init_step_wants_it() {
    let fleet = Fleet::new();
    fleet.sql("CREATE TABLE seen (autocommit INT, completion VARCHAR(20), wait INT, charset VARCHAR(20), mode TEXT)");
    // The server's own defaults are to be overridden, not relied upon.
    let insert = "INSERT INTO seen SELECT @@autocommit, @@completion_type, @@wait_timeout, @@character_set_client, \
        @@sql_mode;";
    let script = fleet.script([insert; 8]);
    fleet.publish(&script, "session");
    let _worker = fleet.worker(4);
    fleet.wait("session").expect(0);
    let seen: Vec<(u8, String, u32, String)> =
        fleet.rows("SELECT DISTINCT autocommit, completion, wait, charset FROM seen");
    assert_eq!(seen, [(1, "NO_CHAIN".to_owned(), 60, "utf8mb4".to_owned())]);
}

#[test]
fn the_runs_session_sql_is_in_force_for_its_jobs_only() {
    let fleet = Fleet::new();
    fleet.sql("CREATE TABLE seen (run VARCHAR(10), zone VARCHAR(20))");
    let script =
        |run: &str| fleet.script((0..10).map(|_| format!("INSERT INTO seen SELECT '{run}', @@time_zone;")));
    let (with, without) = (script("with"), script("without"));
    let path = with.to_str().unwrap();
    fleet.run(&["publish", path, "--run", "with", "--session-sql", "SET time_zone = '+03:00'"]).expect(0);
    fleet.publish(&without, "without");
    let _worker = fleet.worker(2);
    fleet.wait("with").expect(0);
    fleet.wait("without").expect(0);
    let seen: Vec<(String, String, u32)> =
        fleet.rows("SELECT run, zone, COUNT(*) FROM seen GROUP BY run, zone ORDER BY run");
    let row = |run: &str, zone: &str| (run.to_owned(), zone.to_owned(), 10);
    assert_eq!(seen, [row("with", "+03:00"), row("without", "SYSTEM")]);
}

#[test]
fn statements_may_return_rows() {
    let fleet = Fleet::new();
    fleet.make_counters(2000);
    let (values, returning) =
        if fleet.is_mysql() { ("VALUES ROW(1), ROW(2);", "") } else { ("VALUES (1), (2);", " RETURNING id") };
    let script = fleet.script([
        "SELECT * FROM t;",
        "(SELECT id FROM t) UNION SELECT 1;",
        "WITH c AS (SELECT id FROM t) SELECT * FROM c;",
        values,
        &format!("INSERT INTO t (id) VALUES (3000), (3001){returning};"),
        &format!("DELETE FROM t WHERE id >= 3000{returning};"),
        "DO 1;",
        // The error comes after some of the rows.
        "SELECT IF(id < 1500, id, (SELECT id FROM t)) FROM t ORDER BY id;",
        "UPDATE t SET n = n + 1 WHERE id > 0;",
    ]);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "rows", "--chunk", "3"]).expect(0);
    let _worker = fleet.worker_with(1, &[("QUERYFLEET_MAX_ATTEMPTS", "2")]);
    fleet.wait("rows").expect(3).says("8 jobs done, 1 dead");
    assert_eq!(fleet.dead(), [(8, "attempts".to_owned(), Some(1242))]);
    fleet.assert_each_once();
}
