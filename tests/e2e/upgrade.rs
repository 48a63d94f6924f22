//! Tables of an older version are brought up to date by `setup`, with all that is in them.

use std::process::Stdio;
use std::time::Duration;

use queryfleet_job::Job;
use queryfleet_tests::{Fleet, eventually};

const SOON: Duration = Duration::from_secs(30);
/// From version 3 back to 2.
const TO_2: &str = "ALTER TABLE queryfleet_run DROP COLUMN manifest, DROP COLUMN manifest_signature, \
    MODIFY name VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL, \
    MODIFY queue VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL; \
    ALTER TABLE queryfleet_dead DROP COLUMN signature; ALTER TABLE queryfleet_range DROP COLUMN signature; \
    ALTER TABLE queryfleet_worker DROP COLUMN view_ms, \
    MODIFY queue VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL; \
    UPDATE queryfleet_meta SET value = '2' WHERE name = 'schema_version'";
/// From version 2 back to 1.
const TO_1: &str = "DROP TABLE queryfleet_range; ALTER TABLE queryfleet_run DROP COLUMN milestones; \
    UPDATE queryfleet_meta SET value = '1' WHERE name = 'schema_version'";

/// The columns of all tables, as the server has them.
fn columns(fleet: &Fleet) -> Vec<(String, String, String, Option<String>)> {
    fleet.rows(
        "SELECT table_name, column_name, column_type, collation_name FROM information_schema.columns \
         WHERE table_schema = DATABASE() AND table_name LIKE 'queryfleet%' ORDER BY table_name, column_name",
    )
}

#[test]
fn tables_of_any_older_version_are_upgraded_by_several_setups_at_once() {
    for (version, back) in [("1", [TO_2, TO_1].join("; ")), ("2", TO_2.to_owned())] {
        let fleet = Fleet::new();
        let new = columns(&fleet);
        fleet.make_counters(3);
        // As the version before has published it: one done, one dead, one on its way.
        let run = fleet.hollow_run("kept", 3, &[]);
        let job = |seq, sql: &str| fleet.chunk(run, vec![Job::new(seq, sql)]);
        fleet.send_chunk(&job(1, "UPDATE t SET n = n + 1 WHERE id = 1"));
        fleet.send_chunk(&job(2, "INSERT INTO t (id, n) VALUES (2, 1)"));
        let mut worker = fleet.worker(1);
        eventually(SOON, "two have ended", || fleet.ledger("done") + fleet.ledger("dead") == 2);
        assert_eq!(worker.drain(), Some(0));
        fleet.send_chunk(&job(3, "UPDATE t SET n = n + 1 WHERE id = 3"));
        fleet.sql(&back);
        fleet.run(&["status"]).expect(1);
        let script = fleet.script(["DO 9;"]);
        let path = script.to_str().unwrap();
        let wants = format!("version {version}, this program wants 3");
        fleet.run(&["publish", path]).expect(1).says(&wants);
        let setups: Vec<_> =
            (0..4).map(|_| fleet.command(&["setup"]).stdout(Stdio::null()).spawn().unwrap()).collect();
        for mut setup in setups {
            assert!(setup.wait().unwrap().success());
        }
        fleet.run(&["setup"]).expect(0);
        assert_eq!(columns(&fleet), new);
        let _worker = fleet.worker(1);
        fleet.wait("kept").expect(3).says("2 jobs done, 1 dead");
        fleet.sql("DELETE FROM t WHERE id = 2");
        fleet.run(&["dead", "replay", "--run", "kept"]).expect(0).says("1 dead job replayed");
        fleet.wait("kept").expect(0);
        fleet.assert_each_once();
        fleet.publish(&script, "kepT").says("1 job published");
        fleet.sql("DELETE FROM queryfleet_run WHERE name = 'kepT'; DROP TABLE queryfleet_ledger");
        fleet.sql(&back);
        fleet.run(&["setup"]).expect(1).says("queryfleet_ledger is gone");
    }
}

/// `run` makes the tables itself, and brings older ones up to date.
#[test]
fn a_run_brings_older_tables_up_to_date() {
    let fleet = Fleet::new();
    let script = fleet.counters(3);
    fleet.sql(TO_2);
    fleet.run(&["run", script.to_str().unwrap(), "--run", "new"]).expect(0);
    fleet.assert_each_once();
}
