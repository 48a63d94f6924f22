//! What a job leaves behind in its session, no other job meets.
//!
//! The functions are harmless when the runs are published, and do what they do afterwards.

use queryfleet_tests::Fleet;

fn function(fleet: &Fleet, name: &str, body: &str) {
    fleet.sql(&format!("DROP FUNCTION IF EXISTS {name}"));
    fleet.sql(&format!(
        "CREATE FUNCTION {name}(v INT) RETURNS TEXT CHARACTER SET utf8mb4 DETERMINISTIC MODIFIES SQL DATA {body}"
    ));
}

fn publish(fleet: &Fleet, run: &str, chunk: &str, script: &[&str]) {
    let script = fleet.script(script);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", run, "--chunk", chunk]).expect(0);
}

/// A table of the ledger's name that takes whatever is put into it.
const FAKE: &str = "CREATE TEMPORARY TABLE IF NOT EXISTS queryfleet_ledger (run BIGINT UNSIGNED, seq BIGINT UNSIGNED, \
    state ENUM('done','dead','cancelled','started'), PRIMARY KEY (run, seq))";

#[test]
fn a_temporary_table_of_a_function_hides_no_table_of_another_job_or_run() {
    let fleet = Fleet::new();
    fleet.sql("CREATE TABLE t2 (id INT) ENGINE=InnoDB");
    function(&fleet, "make", "RETURN v");
    let fill = |id: u32| format!("INSERT INTO t2 VALUES ({id});");
    publish(&fleet, "maker", "3", &["DO make(1);", &fill(1), &fill(2)]);
    publish(&fleet, "other", "2", &[&fill(3), &fill(4)]);
    function(&fleet, "make", "BEGIN CREATE TEMPORARY TABLE IF NOT EXISTS t2 (id INT); RETURN v; END");
    let _worker = fleet.worker(1);
    fleet.wait("maker").expect(0);
    fleet.wait("other").expect(0);
    assert_eq!(fleet.number("SELECT COUNT(DISTINCT id) FROM t2"), 4);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM t2"), 4);
}

#[test]
fn the_ledger_cannot_be_hidden_by_a_function() {
    let fleet = Fleet::new();
    fleet.make_counters(5);
    function(&fleet, "hide", "RETURN v");
    let up = |id: u32| format!("UPDATE t SET n = n + 1 WHERE id = {id};");
    publish(&fleet, "hidden", "3", &["DO hide(1);", &up(1), &up(2), &up(3), "DO nowhere;", &up(4), &up(5)]);
    function(&fleet, "hide", &format!("BEGIN {FAKE}; RETURN v; END"));
    let _worker = fleet.worker(1);
    fleet.wait("hidden").expect(3).says("6 jobs done, 1 dead");
    assert_eq!((fleet.ledger("done"), fleet.ledger("dead")), (6, 1));
    fleet.assert_each_once();
}

/// A statement that calls nothing may do so by a trigger, also in the middle of a chunk.
#[test]
fn the_ledger_cannot_be_hidden_by_a_trigger() {
    let fleet = Fleet::new();
    let script = fleet.counters(6);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "hidden", "--chunk", "3"]).expect(0);
    fleet.sql(&format!("CREATE TRIGGER hide BEFORE UPDATE ON t FOR EACH ROW BEGIN {FAKE}; END"));
    let _worker = fleet.worker(1);
    fleet.wait("hidden").expect(0);
    assert_eq!((fleet.ledger("done"), fleet.ledger("started")), (6, 0));
    fleet.assert_each_once();
}

#[test]
fn variables_locks_settings_and_roles_of_a_function_end_with_its_job() {
    let fleet = Fleet::new();
    fleet.sql("CREATE TABLE seen (what TEXT) ENGINE=InnoDB");
    let role = fleet.mysql_url().rsplit('/').next().unwrap().to_owned() + "_role";
    fleet.sql(&format!("DROP ROLE IF EXISTS {role}; CREATE ROLE {role}"));
    ["leak", "peek"].iter().for_each(|name| function(&fleet, name, "RETURN v"));
    let peek = "INSERT INTO seen SELECT peek(1);";
    publish(&fleet, "leaker", "2", &[peek, "DO leak(1);", peek, "DO leak(1);", "DO leak(1);", peek]);
    publish(&fleet, "other", "2", &[peek, peek]);
    let set_role = if fleet.is_mysql() { "" } else { &format!("SET ROLE {role};") };
    function(
        &fleet,
        "leak",
        &format!(
            "BEGIN SET @x = 5; SET SESSION sql_mode = 'ANSI_QUOTES'; SET SESSION time_zone = '+05:00'; {set_role} \
             DO GET_LOCK('{role}', 0); RETURN v; END"
        ),
    );
    function(
        &fleet,
        "peek",
        &format!(
            "RETURN CONCAT_WS(' ', @x, @@time_zone, FIND_IN_SET('ANSI_QUOTES', @@sql_mode), \
             IS_USED_LOCK('{role}'), NULLIF(CURRENT_ROLE(), 'NONE'))"
        ),
    );
    let _worker = fleet.worker(1);
    fleet.wait("leaker").expect(0);
    fleet.wait("other").expect(0);
    let seen: Vec<(String, u32)> = fleet.rows("SELECT what, COUNT(*) FROM seen GROUP BY what");
    assert_eq!(seen, [("SYSTEM 0".to_owned(), 5)]);
}
