//! Effects that no rollback undoes are not made twice, whatever ends the attempt that made them.
//!
//! What writes without transactions is refused when it is published. Here tables and functions change afterwards.

use std::time::Duration;

use queryfleet_tests::{Fleet, eventually};

const SOON: Duration = Duration::from_secs(30);

/// `t` and `m`, which both have transactions still, and the functions `fm` and `fslow`, which do nothing yet.
fn fleet() -> Fleet {
    let fleet = Fleet::new();
    fleet.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0) ENGINE=InnoDB; INSERT INTO t VALUES (1, 0), (2, 0); \
         CREATE TABLE m (x INT) ENGINE=InnoDB",
    );
    ["fm", "fslow"].iter().for_each(|name| function(&fleet, name, "RETURN v"));
    fleet
}

fn function(fleet: &Fleet, name: &str, body: &str) {
    fleet.sql(&format!("DROP FUNCTION IF EXISTS {name}"));
    fleet.sql(&format!("CREATE FUNCTION {name}(v INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA {body}"));
}

/// `m` has no transactions any more, and the functions write it.
fn change(fleet: &Fleet, engine: &str) {
    fleet.sql(&format!("ALTER TABLE m ENGINE={engine}"));
    function(fleet, "fm", "BEGIN INSERT INTO m VALUES (v); RETURN v; END");
    // The lock tells that it has written: its tables are locked until it ends.
    let slow = "BEGIN INSERT INTO m VALUES (v), (v), (v); DO GET_LOCK(CONCAT(DATABASE(), '-slow'), 0); \
        DO SLEEP(600); RETURN v; END";
    function(fleet, "fslow", slow);
}

fn publish(fleet: &Fleet, chunk: &str, script: &[&str]) {
    let script = fleet.script(script);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "remains", "--chunk", chunk]).expect(0);
}

fn in_m(fleet: &Fleet) -> u64 {
    fleet.number("SELECT COUNT(*) FROM m")
}

fn unknown(seq: u64) -> (u64, String, Option<u16>) {
    (seq, "unknown".to_owned(), None)
}

fn error(seq: u64, code: u16) -> (u64, String, Option<u16>) {
    (seq, "error".to_owned(), Some(code))
}

#[test]
fn what_a_chunk_that_failed_has_left_is_not_made_again_and_what_never_ran_is_done() {
    let fleet = fleet();
    let failing = "INSERT INTO t (id) VALUES (1);";
    publish(&fleet, "4", &["DO 1;", "INSERT INTO m VALUES (2);", failing, "INSERT INTO t (id) VALUES (11);"]);
    change(&fleet, "MyISAM");
    let _worker = fleet.worker(1);
    fleet.wait("remains").expect(3);
    // With GTIDs in force, MySQL takes no such statement in a transaction.
    let (dead, left) = match fleet.is_mysql() {
        true => (vec![error(2, 1785), error(3, 1062)], 0),
        false => (vec![unknown(1), unknown(2), unknown(3)], 1),
    };
    assert_eq!((fleet.dead(), in_m(&fleet)), (dead, left));
    assert_eq!(fleet.number("SELECT COUNT(*) FROM t WHERE id = 11"), 1);
}

#[test]
fn a_function_that_writes_is_called_once_whether_its_statement_fails_or_not() {
    let fleet = fleet();
    publish(
        &fleet,
        "3",
        &[
            "INSERT INTO t (id) VALUES (fm(3));",
            "INSERT INTO t (id) VALUES (1);",
            "INSERT INTO t (id) VALUES (fm(2));",
        ],
    );
    change(&fleet, "MyISAM");
    let _worker = fleet.worker(1);
    fleet.wait("remains").expect(3);
    let (dead, left) = match fleet.is_mysql() {
        true => (vec![error(1, 1785), error(2, 1062), error(3, 1785)], 0),
        false => (vec![error(2, 1062), unknown(3)], 2),
    };
    assert_eq!((fleet.dead(), in_m(&fleet)), (dead, left));
}

/// Aria takes no savepoint after a change; MyISAM does, and the server warns.
#[test]
fn a_run_that_was_seen_to_change_such_a_table_goes_on_one_job_at_a_time() {
    for engine in ["MyISAM", "Aria"] {
        let fleet = fleet();
        if engine == "Aria" && fleet.is_mysql() {
            continue;
        }
        let m = |x: u32| format!("INSERT INTO m VALUES ({x});");
        publish(&fleet, "2", &[&m(1), &m(2), &m(3), "INSERT INTO t (id) VALUES (1);", &m(4), &m(5)]);
        change(&fleet, engine);
        let worker = fleet.worker(1);
        fleet.wait("remains").expect(3);
        let (dead, left) = match fleet.is_mysql() {
            true => ([1, 2, 3, 5, 6].map(|seq| error(seq, 1785)).to_vec(), 0),
            false => (vec![error(4, 1062)], 5),
        };
        let dead: Vec<_> = dead.into_iter().chain(fleet.is_mysql().then(|| error(4, 1062))).collect();
        let mut found = fleet.dead();
        found.sort_by_key(|(seq, _, code)| (*code, *seq));
        let mut dead = dead;
        dead.sort_by_key(|(seq, _, code)| (*code, *seq));
        assert_eq!((found, in_m(&fleet)), (dead, left), "{engine}");
        assert!(fleet.is_mysql() || worker.log().contains("the run continues one job at a time"), "{engine}");
    }
}

/// A deadlock rolls back by itself: the warning is the statement's, and ROLLBACK has nothing to warn of any more.
#[test]
fn what_a_deadlock_has_left_is_not_made_again() {
    let fleet = fleet();
    fleet.sql(
        "CREATE TABLE big (id INT PRIMARY KEY, n INT); \
         INSERT INTO big WITH RECURSIVE ids AS (SELECT 1 id UNION ALL SELECT id + 1 FROM ids WHERE id < 900) \
         SELECT id, 0 FROM ids",
    );
    let job = "INSERT INTO t (id, n) SELECT x, fm(x) FROM (SELECT 50 x UNION ALL SELECT 2) d \
        ON DUPLICATE KEY UPDATE n = t.n + 1";
    publish(&fleet, "1", &[job]);
    change(&fleet, "MyISAM");
    if fleet.is_mysql() {
        let _worker = fleet.worker(1);
        fleet.wait("remains").expect(3);
        return assert_eq!((fleet.dead(), in_m(&fleet)), (vec![error(1, 1785)], 0));
    }
    // The client, which has changed more, and such a table too, is not the victim.
    let mut client = fleet.client();
    client.run("START TRANSACTION; INSERT INTO m VALUES (0); UPDATE big SET n = 1").unwrap();
    client.run("SELECT * FROM t WHERE id = 2 FOR UPDATE").unwrap();
    let worker = fleet.worker(1);
    eventually(SOON, "the job waits for the lock", || {
        // The server renews this table only after 0.1 s in which nobody has read it.
        fleet.number(
            "SELECT COUNT(*) + SLEEP(0.15) FROM information_schema.innodb_trx \
            WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE '%queryfleet%ON DUPLICATE KEY%'",
        ) == 1
    });
    client.run("SELECT * FROM t WHERE id = 50 FOR UPDATE").unwrap();
    client.run("COMMIT").unwrap();
    fleet.wait("remains").expect(3);
    assert_eq!((fleet.dead(), in_m(&fleet)), (vec![unknown(1)], 3), "{}", worker.log());
}

/// After a kill there is no ROLLBACK to ask.
#[test]
fn what_a_killed_statement_has_left_is_not_made_again() {
    for how in ["deadline", "drain", "cancel", "somebody"] {
        let fleet = fleet();
        publish(&fleet, "1", &["DO fslow(81)"]);
        change(&fleet, "MyISAM");
        if fleet.is_mysql() {
            let _worker = fleet.worker(1);
            fleet.wait("remains").expect(3);
            assert_eq!((fleet.dead(), in_m(&fleet)), (vec![error(1, 1785)], 0));
            continue;
        }
        let timeout = if how == "deadline" { "1s" } else { "60s" };
        let limits = [("QUERYFLEET_STATEMENT_TIMEOUT", timeout), ("QUERYFLEET_DRAIN_TIMEOUT", "1s")];
        let mut worker = fleet.worker_with(1, &limits);
        let slow = || fleet.rows::<Option<u64>>("SELECT IS_USED_LOCK(CONCAT(DATABASE(), '-slow'))")[0];
        eventually(SOON, "it has written", || slow().is_some());
        match how {
            "drain" => assert_eq!(worker.drain(), Some(0)),
            "cancel" => drop(fleet.run(&["cancel", "remains", "--now"]).expect(0)),
            "somebody" => {
                let id = slow().expect("it runs");
                fleet.sql(&format!("KILL {id}"));
            }
            _ => {}
        }
        let _next = fleet.worker(1);
        fleet.wait("remains");
        eventually(SOON, "nothing runs any more", || {
            fleet.running("SLEEP(600)") == 0 && fleet.ready("") == 0
        });
        assert_eq!((in_m(&fleet), fleet.ledger("done")), (3, 0), "{how}");
        if how != "cancel" {
            assert_eq!(fleet.dead(), [unknown(1)], "{how}");
        }
    }
}

/// A function that only reads is told from one that writes, by the catalog; a table that was changed since, too.
#[test]
fn after_a_kill_a_job_is_tried_again_when_the_catalog_says_that_it_leaves_nothing() {
    let fleet = fleet();
    function(&fleet, "doze", "BEGIN DO SLEEP(600); RETURN v; END");
    publish(
        &fleet,
        "1",
        &["DO doze(1);", "UPDATE t SET n = SLEEP(600) WHERE id = 1;", "INSERT INTO m SELECT SLEEP(600);"],
    );
    change(&fleet, "MyISAM");
    let limits = [("QUERYFLEET_STATEMENT_TIMEOUT", "1s"), ("QUERYFLEET_MAX_ATTEMPTS", "2")];
    let _worker = fleet.worker_with(1, &limits);
    fleet.wait("remains").expect(3);
    let timeout = |seq| (seq, "timeout".to_owned(), None);
    let third = if fleet.is_mysql() { error(3, 1785) } else { unknown(3) };
    assert_eq!(fleet.dead(), [timeout(1), timeout(2), third]);
}
