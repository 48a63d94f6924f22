//! A job cannot say of others that they are done.

use std::time::Duration;

use queryfleet_job::Job;
use queryfleet_tests::{Fleet, eventually};

/// A row of the ledger says that a job is done: no job may write one, by whatever way, not even one that is not atomic.
#[test]
fn no_job_writes_the_tables_of_queryfleet() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    fleet.sql(
        "CREATE TABLE t2 (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; \
         CREATE VIEW innocent AS SELECT * FROM queryfleet_ledger; \
         CREATE FUNCTION forge() RETURNS INT DETERMINISTIC BEGIN DELETE FROM queryfleet_dead; RETURN 1; END; \
         CREATE PROCEDURE forging() UPDATE queryfleet_run SET total = 1; \
         CREATE TRIGGER forges AFTER INSERT ON t2 FOR EACH ROW \
         INSERT INTO queryfleet_ledger (run, seq, state) VALUES (1, 1, 'done')",
    );
    for statement in [
        "INSERT INTO queryfleet_ledger (run, seq, state) VALUES (1, 7, 'done')",
        "UPDATE t JOIN QueryFleet_Ledger l SET l.state = 'done'",
        "DELETE FROM /*!999999 t2 */ queryfleet_ledger",
        "TRUNCATE queryfleet_ledger",
        "UPDATE innocent SET state = 'done'",
        "DO forge()",
        "CALL forging()",
        "INSERT INTO t2 VALUES (1, 1)",
    ] {
        let script = fleet.script([format!("{statement};")]);
        let publish = ["publish", script.to_str().unwrap(), "--not-atomic=repeat", "--allow-no-where"];
        fleet.run(&publish).expect(1).says(":1:1: ").says("by which a job could call others done");
    }
    fleet.publish(&fleet.script(["UPDATE t SET n = 1 WHERE id = 1;"]), "forged");
    fleet.purge_queue();
    let forged = "INSERT INTO queryfleet_ledger (run, seq, state) VALUES (1, 7, 'done')";
    fleet.send_chunk(&fleet.chunk(fleet.run_id("forged"), vec![Job::new(1, forged)]));
    let _worker = fleet.worker(1);
    eventually(Duration::from_secs(20), "the forgery is dead", || {
        fleet.dead().iter().any(|(seq, reason, _)| *seq == 1 && reason == "refused")
    });
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_ledger WHERE run = 1"), 0);
}
