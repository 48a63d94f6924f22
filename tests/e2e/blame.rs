//! What no job is to blame for: our own rows that the server does not take, whatever the reason, and a mode under which
//! our statements would mean something else.

use std::time::Duration;

use queryfleet_tests::{Fleet, Worker, eventually};

const SOON: Duration = Duration::from_secs(60);
/// One counted attempt would be a job's last.
const LAST: (&str, &str) = ("QUERYFLEET_MAX_ATTEMPTS", "1");

/// Waits until the worker is not ready, and names this.
fn unready(worker: &Worker, word: &str) {
    eventually(SOON, &format!("unready, `{word}` named"), || {
        let (status, body) = worker.get("/readyz");
        status == 503 && body.contains("unfit") && body.contains(word)
    });
}

fn errors(worker: &Worker, class: &str) -> f64 {
    worker.metric("queryfleet_job_errors_total", &[&format!("class=\"{class}\"")])
}

#[test]
fn a_server_that_came_back_read_only_costs_no_attempt() {
    let fleet = Fleet::with_own_servers();
    let script = fleet.counters(300);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "back", "--chunk", "3"]).expect(0);
    let database = &fleet.servers().stack.database;
    database.terminate().unwrap();
    // Idle connections would cost attempts of their own.
    let worker = fleet.worker_with(2, &[LAST]);
    database.start_again_with(&["--innodb-read-only=1"]).unwrap();
    unready(&worker, "cannot write the ledger");
    assert_eq!((fleet.ready(""), fleet.ready(".retry.1s")), (100, 0), "no slot takes a message");
    database.terminate().unwrap();
    database.start_again().unwrap();
    fleet.wait("back").expect(0);
    fleet.assert_each_once();
    assert_eq!(errors(&worker, "unlisted") + errors(&worker, "permanent"), 0.0);
    eventually(SOON, "ready again", || worker.get("/readyz").0 == 200);
}

#[test]
fn a_ledger_that_takes_no_row_costs_no_attempt() {
    let fleet = Fleet::new();
    let script = fleet.counters(20);
    let worker = fleet.worker_with(2, &[LAST]);
    let faults = [
        (
            "ALTER TABLE queryfleet_ledger PARTITION BY RANGE (run) (PARTITION p VALUES LESS THAN (5))",
            "ALTER TABLE queryfleet_ledger REMOVE PARTITIONING",
        ),
        (
            "ALTER TABLE queryfleet_ledger RENAME COLUMN state TO status",
            "ALTER TABLE queryfleet_ledger RENAME COLUMN status TO state",
        ),
        (
            "CREATE TRIGGER never BEFORE INSERT ON queryfleet_ledger FOR EACH ROW SIGNAL SQLSTATE '45000'",
            "DROP TRIGGER never",
        ),
    ];
    for (index, (fault, mend)) in faults.iter().enumerate() {
        fleet.sql("UPDATE t SET n = 0");
        fleet.sql(fault);
        let name = format!("fault-{index}");
        fleet.run(&["publish", script.to_str().unwrap(), "--run", &name, "--chunk", "5"]).expect(0);
        unready(&worker, "cannot write the ledger");
        fleet.sql(mend);
        fleet.wait(&name).expect(0);
        fleet.assert_each_once();
    }
    for class in ["unlisted", "permanent", "lost_after_send", "deadline"] {
        assert_eq!(errors(&worker, class), 0.0, "{class}");
    }
}

#[test]
fn a_database_that_a_job_names_and_that_is_not_there_is_the_jobs_own_fault() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let script = fleet.script(["USE nowhere_at_all;", "UPDATE t SET n = 1 WHERE id = 1;"]);
    fleet.publish(&script, "elsewhere");
    let worker = fleet.worker(1);
    fleet.wait("elsewhere").expect(3);
    assert_eq!(fleet.dead(), [(1, "error".to_owned(), Some(1049))]);
    assert_eq!(worker.get("/readyz").0, 200);
}

#[test]
fn a_dead_job_that_cannot_be_written_down_is_said_and_makes_the_worker_unready() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    // What a worker that begins tries out still fits.
    fleet.sql("ALTER TABLE queryfleet_dead MODIFY statement VARCHAR(10) NULL");
    let script =
        fleet.script(["UPDATE nowhere SET n = 1 WHERE id = 1;", "UPDATE t SET n = n + 1 WHERE id = 2;"]);
    fleet.publish(&script, "unburied");
    let worker = fleet.worker(1);
    unready(&worker, "its dead row could not be written");
    worker.wait_for("dead job could not be written down");
    eventually(SOON, "the other job is served", || fleet.ledger("done") == 1);
    fleet.sql("ALTER TABLE queryfleet_dead MODIFY statement LONGTEXT NULL");
    fleet.wait("unburied").expect(3);
    assert_eq!(fleet.rows::<u32>("SELECT attempts FROM queryfleet_dead"), [1]);
    assert!(errors(&worker, "permanent") < 200.0, "it pauses in between");
}

/// Each mode that there is on both servers, and those of MariaDB alone.
const MODES: [&str; 18] = [
    "",
    "ANSI",
    "PIPES_AS_CONCAT",
    "ANSI_QUOTES",
    "IGNORE_SPACE",
    "NO_BACKSLASH_ESCAPES",
    "NO_AUTO_VALUE_ON_ZERO",
    "NO_UNSIGNED_SUBTRACTION",
    "NO_DIR_IN_CREATE",
    "ONLY_FULL_GROUP_BY",
    "HIGH_NOT_PRECEDENCE",
    "PAD_CHAR_TO_FULL_LENGTH",
    "TRADITIONAL,NO_ZERO_IN_DATE,NO_ZERO_DATE",
    "NO_ENGINE_SUBSTITUTION,REAL_AS_FLOAT",
    "EMPTY_STRING_IS_NULL",
    "ORACLE",
    "MSSQL,SIMULTANEOUS_ASSIGNMENT",
    "ORACLE,EMPTY_STRING_IS_NULL,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH",
];

#[test]
#[ignore = "make faults: takes long"]
fn under_every_sql_mode_jobs_run_die_and_come_back() {
    let fleet = Fleet::new();
    fleet.sql("CREATE TABLE mode (place INT PRIMARY KEY, words TEXT NOT NULL)");
    let modes = if fleet.is_mysql() { &MODES[..14] } else { &MODES[..] };
    for (index, mode) in modes.iter().enumerate() {
        let session = format!("SET sql_mode = '{mode}'");
        let variables = [("QUERYFLEET_SESSION_SQL", session.as_str())];
        let run = |arguments: &[&str]| fleet.run_with(arguments, &variables);
        fleet.sql("DELETE FROM mode");
        let script = fleet.script([
            "INSERT INTO mode VALUES (1, @@sql_mode);",
            "INSERT INTO mode VALUES (1, 'it''s there');",
            "INSERT INTO mode VALUES (2, @@sql_mode);",
            "INSERT INTO mode VALUES (3, 'é');",
        ]);
        let (name, script) = (format!("mode-{index}"), script.to_str().unwrap());
        run(&["publish", script, "--run", &name, "--chunk", "4"]).expect(0);
        let mut worker = fleet.worker_with(1, &variables);
        run(&["wait", &name]).expect(3).says("3 jobs done, 1 dead");
        let words: Vec<String> = fleet.rows("SELECT words FROM mode WHERE place < 3 ORDER BY place");
        assert_eq!(words[0], words[1], "the mode is the jobs' again after a dead row");
        run(&["dead", "show", &name, "2"]).expect(0).says("it''s there").says("1062");
        fleet.sql("DELETE FROM mode WHERE place = 1");
        run(&["dead", "replay", "--run", &name]).expect(0).says("1 dead job replayed");
        run(&["wait", &name]).expect(0);
        fleet.send(format!("not ours {index}").as_bytes());
        eventually(SOON, "the collector has it", || {
            fleet.number("SELECT COUNT(*) FROM queryfleet_dead WHERE digest IS NOT NULL") == index as u64 + 1
        });
        assert_eq!(worker.drain(), Some(0), "{mode}");
        run(&["status", &name]).expect(0);
        run(&["dead", "list"]).expect(0).says("undecodable");
        run(&["doctor", "--json"]).expect(0);
        let late = format!("late-{index}");
        run(&["publish", script, "--run", &late]).expect(0);
        run(&["cancel", &late]).expect(0).says("4 cancelled");
        fleet.purge_queue();
    }
}
