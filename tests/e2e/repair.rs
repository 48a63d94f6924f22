//! From dead to repaired: what died where, the same statements as a file, and a run that replaces them.

use std::time::Duration;

use queryfleet_tests::{Fleet, eventually};
use serde_json::{Value, json};

/// A run whose jobs 3 and 5 are dead, and bound values of a template that are dead as well.
fn some_dead(fleet: &Fleet) -> String {
    fleet.make_counters(20);
    let script = fleet.file(
        "job.sql",
        "UPDATE t SET n = n + 1 WHERE id = 1;\nUPDATE t SET n = n + 1 WHERE id = 2; \
         INSERT INTO t (id) VALUES (1);\n\nUPDATE t SET n = n + 1 WHERE id = 3;\n\
         UPDATE\n  nowhere SET n = ';' WHERE id = 4;\nUPDATE elsewhere SET n = 1 WHERE id = 5;\n",
    );
    let _worker = fleet.worker(2);
    fleet.run(&["publish", &script, "--run", "job"]).expect(0);
    fleet.wait("job").expect(3);
    script
}

#[test]
fn a_dead_job_is_found_in_its_input() {
    let fleet = Fleet::new();
    let script = some_dead(&fleet);
    let said = fleet.run(&["dead", "list", "--run", "job", "--jobs"]).expect(0);
    said.says(&format!("{script}:2:38")).says(&format!("{script}:5:1")).says("Duplicate entry '1'");
    let jobs = fleet.run(&["dead", "list", "--run", "job", "--jobs", "--json"]).expect(0).json();
    let places: Vec<_> = jobs.as_array().unwrap().iter().map(|job| (&job["seq"], &job["place"])).collect();
    let place = |at: &str| json!(format!("{script}:{at}"));
    assert_eq!(
        places,
        [(&json!(3), &place("2:38")), (&json!(5), &place("5:1")), (&json!(6), &place("7:1"))],
        "{jobs}"
    );
    fleet.run(&["dead", "show", "job", "3"]).expect(0).says(&format!("place:      {script}:2:38"));
    // The tables differ, and so do the groups.
    let groups = fleet.run(&["dead", "list", "--run", "job", "--json"]).expect(0).json();
    let groups: Vec<(Option<u64>, u64)> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (group["code"].as_u64(), group["jobs"].as_u64().unwrap()))
        .collect();
    assert_eq!(groups.len(), 3, "{groups:?}");
    assert_eq!(groups.iter().filter(|(code, _)| *code == Some(1146)).count(), 2);
    // A replay that dies again, in a chunk or not, keeps its place.
    let _worker = fleet.worker(1);
    fleet
        .run(&["dead", "replay", "--run", "job", "--code", "1062", "--json"])
        .expect(0)
        .says("\"replayed\":1");
    fleet.wait("job").expect(3);
    fleet.run(&["dead", "show", "job", "3"]).expect(0).says(&format!("place:      {script}:2:38"));
}

#[test]
fn an_export_is_repaired_and_its_run_replaces_the_dead_jobs() {
    let fleet = Fleet::new();
    some_dead(&fleet);
    let exported = fleet.run(&["dead", "export", "--run", "job"]).expect(0);
    let script = exported.says("3 dead jobs exported").out;
    let at: Vec<_> =
        ["-- job 3 of", "-- job 5 of", "-- job 6 of"].map(|job| script.find(job).unwrap()).into();
    assert!(at.is_sorted(), "in the order of the input: {script}");
    let one = fleet.run(&["dead", "export", "--run", "job", "--job", "5"]).expect(0);
    one.says("1 dead job exported").says("-- job 5 of run job");
    fleet.run(&["dead", "export"]).expect(2).says("--run");
    assert!(
        script.contains("-- job 3 of run job, ") && script.contains(": error 1062 (23000): Duplicate"),
        "{script}"
    );
    assert!(script.contains("UPDATE\n  nowhere SET n = ';' WHERE id = 4;"), "{script}");
    let repaired = script
        .replace("INSERT INTO t (id) VALUES (1)", "UPDATE t SET n = n + 1 WHERE id = 18")
        .replace("nowhere SET n = ';'", "t SET n = n + 1")
        .replace("elsewhere SET n = 1", "t SET n = n + 1");
    let file = fleet.file("fix.sql", &repaired);
    let _worker = fleet.worker(2);
    let arguments = ["publish", file.as_str(), "--run", "fix", "--replaces", "job"];
    fleet.run(&arguments).expect(0);
    fleet.wait("fix").expect(0).says("all 3 jobs done");
    fleet.run(&arguments).expect(0);
    fleet
        .run(&["status", "job"])
        .expect(0)
        .says("repaired")
        .says("3 dead jobs discarded, replaced by run fix");
    fleet.wait("job").expect(0).says("3 dead: 3 dead jobs discarded, replaced by run fix");
    fleet.run(&["events", "--run", "job"]).expect(0).says("3 by run fix");
    let status = fleet.run(&["status", "job", "--json"]).expect(0).json();
    assert_eq!((&status["state"], &status["replaced_by"]), (&json!("repaired"), &json!(["fix"])), "{status}");
    fleet.run(&["dead", "replay", "--run", "job"]).expect(0).says("0 dead jobs replayed");
    assert_eq!(fleet.number("SELECT SUM(n) FROM t"), 6, "each once");
}

#[test]
fn a_run_is_repaired_when_what_replaces_its_dead_jobs_is_done() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    let script = fleet.script(["UPDATE nowhere SET n = 1 WHERE id = 1;"]);
    let fix = fleet.file("fix.sql", "UPDATE t SET n = n + 1 WHERE id = 1;\n");
    for (run, fix_name) in [("one", "first"), ("two", "second")] {
        let mut worker = fleet.worker(1);
        fleet.run(&["publish", script.to_str().unwrap(), "--run", run]).expect(0);
        fleet.wait(run).expect(3);
        assert_eq!(worker.drain(), Some(0));
        fleet.run(&["publish", &fix, "--run", fix_name, "--replaces", run]).expect(0);
        let said = fleet.run(&["status", run]).expect(0);
        said.says("finished").says(&format!("; run {fix_name} is not done: queryfleet status {fix_name}"));
    }
    fleet.run(&["cancel", "second"]).expect(0);
    let _worker = fleet.worker(1);
    fleet.wait("first").expect(0);
    fleet.run(&["status", "one"]).expect(0).says("repaired");
    fleet.run(&["status", "two"]).expect(0).says("finished").says("; run second is not done");
    fleet.wait("two").expect(3);
}

#[test]
fn a_run_is_repaired_only_when_the_last_of_a_chain_that_replaces_is_done_and_purging_repairs_nothing() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let broken =
        |id: u64| fleet.file(&format!("{id}.sql"), &format!("UPDATE nowhere SET n = 1 WHERE id = {id};\n"));
    let fix = fleet.file("fix.sql", "UPDATE t SET n = n + 1 WHERE id = 1;\n");
    let status = |run: &str| fleet.run(&["status", run]).expect(0);
    {
        let _worker = fleet.worker(1);
        fleet.run(&["publish", &broken(1), "--run", "one"]).expect(0);
        fleet.run(&["publish", &broken(2), "--run", "lost"]).expect(0);
        fleet.wait("one").expect(3);
        fleet.wait("lost").expect(3);
        fleet.run(&["publish", &broken(3), "--run", "fix-1", "--replaces", "one"]).expect(0);
        fleet.wait("fix-1").expect(3);
        status("one").says("finished").says("; run fix-1 has dead jobs");
    }
    fleet.run(&["publish", &fix, "--run", "fix-2", "--replaces", "fix-1"]).expect(0);
    status("one").says("finished").says("; run fix-1 is not done");
    fleet.wait("one").expect(3);
    fleet.run(&["publish", &broken(4), "--run", "gone", "--replaces", "lost"]).expect(0);
    fleet.run(&["cancel", "gone"]).expect(0);
    let _worker = fleet.worker(1);
    fleet.wait("fix-2").expect(0);
    fleet.assert_each_once();
    status("one").says("repaired");
    fleet.sql("UPDATE queryfleet_ledger SET time = time - INTERVAL 25 HOUR");
    for run in ["gone", "fix-2"] {
        fleet.run(&["purge", run]).expect(0);
    }
    status("one").says("repaired");
    status("lost").says("finished").says("; run gone is not done");
    fleet.wait("lost").expect(3);
}

#[test]
fn values_databases_and_bodies_survive_an_export() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    fleet.sql("CREATE TABLE v (id INT PRIMARY KEY, a VARCHAR(50), b VARBINARY(50), c DOUBLE) ENGINE=InnoDB");
    // What a terminal would obey or not show is data here.
    let unseen = "\u{feff}a\u{200d}b\r\n\u{1b}[1m\u{ad}\t";
    let lines = [
        json!({"sql": "INSERT INTO v VALUES (?, ?, ?, ?)", "params": [1, "it's; a \\ \"day\"\n", {"base64": "/wA="}, 1.5]}),
        json!({"sql": "INSERT INTO v VALUES (3, ?, NULL, NULL)", "params": [unseen]}),
        json!({"sql": format!("INSERT INTO v VALUES (4, '{unseen}', NULL, NULL)")}),
        json!({"sql": "INSERT INTO v VALUES (2, 'a;b', NULL, ?)", "params": [null], "timeout": "90s"}),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let file = fleet.file("jobs.ndjson", &text);
    let _worker = fleet.worker(1);
    fleet.sql("RENAME TABLE v TO w");
    fleet.run(&["publish", &file, "--run", "job"]).expect(0);
    fleet.wait("job").expect(3);
    fleet.sql("RENAME TABLE w TO v");
    type Row = (i64, String, Option<Vec<u8>>, Option<f64>);
    let rows = || fleet.rows::<Row>("SELECT id, a, b, c FROM v ORDER BY id");
    let mut found = Vec::new();
    for (format, name) in [("sql", "as.sql"), ("ndjson", "as.ndjson")] {
        let exported = fleet.run(&["dead", "export", "--run", "job", "--format", format]).expect(0).out;
        let file = fleet.file(name, &exported);
        fleet.run(&["publish", &file, "--run", format]).expect(0);
        fleet.wait(format).expect(0);
        found.push(rows());
        fleet.sql("DELETE FROM v");
    }
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0][0].1, "it's; a \\ \"day\"\n");
    assert_eq!((&found[0][0].2, found[0][0].3), (&Some(vec![0xff, 0]), Some(1.5)));
    assert_eq!((found[0][2].1.as_str(), found[0][3].1.as_str()), (unseen, unseen));
}

#[test]
fn what_cannot_be_replaced_is_refused_and_nothing_changes() {
    let fleet = Fleet::new();
    some_dead(&fleet);
    let one = fleet.file("one.sql", "UPDATE t SET n = n + 1 WHERE id = 20;\n");
    let refused =
        |run: &str, replaced: &str| fleet.run(&["publish", &one, "--run", run, "--replaces", replaced]);
    refused("fix", "nothing").expect(1).says("run nothing is not in this ledger");
    refused("job", "job").expect(1).says("it is this run");
    fleet.run(&["publish", &one, "--run", "open"]).expect(0);
    refused("fix", "open").expect(1).says("it is running");
    fleet.sql("UPDATE queryfleet_dead SET state = 'replaying' WHERE seq = 3");
    refused("fix", "job").expect(1).says("a replay of job 3");
    fleet.sql("UPDATE queryfleet_dead SET state = 'dead' WHERE seq = 3");
    let named = |name: &str, comment: &str| {
        let file = fleet.file(name, &format!("-- {comment}\nUPDATE t SET n = n + 1 WHERE id = 20;\n"));
        fleet.run(&["publish", &file, "--run", "fix", "--replaces", "job"])
    };
    named("other.sql", "job 3 of run jobs, x:1:1: error").expect(1).says("of another run");
    named("four.sql", "job 4 of run job").expect(1).says("job 4 in a comment, and that one is not dead");
    assert_eq!(fleet.dead().len(), 3);
    fleet.run(&["status", "fix"]).expect(1).says("not in this ledger");
}

#[test]
fn what_an_input_names_is_replaced_and_nothing_else() {
    let fleet = Fleet::new();
    some_dead(&fleet);
    let export =
        |more: &[&str]| fleet.run(&[&["dead", "export", "--run", "job"], more].concat()).expect(0).out;
    let publish = |name: &str, text: &str, run: &str| {
        let text = text
            .replace("INSERT INTO t (id) VALUES (1)", "UPDATE t SET n = n + 1 WHERE id = 18")
            .replace("nowhere SET n = ';'", "t SET n = n + 1")
            .replace("elsewhere SET n = 1", "t SET n = n + 1");
        let file = fleet.file(name, &text);
        fleet.run(&["publish", &file, "--run", run, "--replaces", "job"])
    };
    let all = export(&[]);
    let _worker = fleet.worker(1);
    publish("one.ndjson", &export(&["--job", "5", "--format", "ndjson"]), "one")
        .expect(0)
        .says("1 dead job of run job replaced");
    fleet.wait("one").expect(0);
    fleet.wait("job").expect(3);
    assert_eq!(fleet.dead().len(), 3);
    publish("all.sql", &all, "all").expect(1).says("job 5 is replaced by run");
    // What was replayed since the export is not executed a second time.
    fleet.sql("DELETE FROM t WHERE id = 1");
    let rest = export(&[]);
    fleet.run(&["dead", "replay", "--run", "job", "--job", "3"]).expect(0).says("1 dead job replayed");
    fleet.wait("job").expect(3);
    publish("rest.sql", &rest, "rest").expect(1).says("job 3 was replayed meanwhile");
    publish("last.sql", &export(&[]), "last").expect(0);
    fleet.wait("last").expect(0);
    fleet.wait("job").expect(0).says("2 dead jobs discarded, replaced by the runs one, last");
    // A repair that dies repairs nothing.
    fleet.sql("UPDATE queryfleet_dead SET state = 'dead' WHERE seq = 6");
    let again = fleet.file("again.sql", "UPDATE nowhere SET n = 1 WHERE id = 1 -- once more\n;\n");
    fleet.run(&["publish", &again, "--run", "again", "--replaces", "job"]).expect(0);
    fleet.wait("again").expect(3);
    fleet.wait("job").expect(3).says("run again has dead jobs: queryfleet dead list --run again");
    let exported = fleet.run(&["dead", "export", "--run", "again"]).expect(0).out;
    assert!(exported.ends_with("UPDATE nowhere SET n = 1 WHERE id = 1 -- once more\n;\n"), "{exported}");
    let again = fleet.file("again.sql", &exported.replace("nowhere", "t"));
    fleet.run(&["publish", &again, "--run", "once-more", "--replaces", "again"]).expect(0);
    fleet.wait("once-more").expect(0);
    fleet.wait("job").expect(0);
    assert_eq!(fleet.number("SELECT n FROM t WHERE id = 4"), 1);
    assert_eq!(fleet.number("SELECT n FROM t WHERE id = 5"), 1);
    assert_eq!(fleet.number("SELECT n FROM t WHERE id = 18"), 0);
}

#[test]
fn what_is_replayed_while_its_replacement_is_checked_is_not_replaced() {
    let fleet = Fleet::new();
    some_dead(&fleet);
    let file = fleet.file("one.sql", "UPDATE t SET n = n + 1 WHERE id = 18;\n");
    // Somebody is about to make a run of the same name: the publish has looked at the dead jobs, and waits.
    let mut other = fleet.client();
    other
        .run(
            "START TRANSACTION; INSERT INTO queryfleet_run (id, name, queue, digest, chunk) \
             VALUES (9, 'fix', 'default', REPEAT('x', 32), 1)",
        )
        .unwrap();
    let publish = ["publish", &file, "--run", "fix", "--replaces", "job"];
    std::thread::scope(|scope| {
        let published = scope.spawn(|| fleet.run(&publish));
        eventually(Duration::from_secs(30), "the publish waits", || {
            fleet.running("digest, milestones, chunk") == 1
        });
        fleet.sql("DELETE FROM t WHERE id = 1");
        let _worker = fleet.worker(1);
        fleet.run(&["dead", "replay", "--run", "job", "--job", "3"]).expect(0).says("1 dead job replayed");
        fleet.wait("job").expect(3);
        other.run("ROLLBACK").unwrap();
        published
            .join()
            .unwrap()
            .expect(1)
            .says("job 3 was replayed meanwhile")
            .says("nothing was published");
    });
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_dead WHERE state = 'dead'"), 2);
    assert_eq!(fleet.number("SELECT n FROM t WHERE id = 18"), 0);
}

#[test]
fn discarding_says_what_it_does_and_wants_to_be_meant() {
    let fleet = Fleet::new();
    some_dead(&fleet);
    let discard = |more: &[&str]| fleet.run(&[&["dead", "discard"], more].concat());
    discard(&["--run", "job", "--code", "1146"]).expect(2).says("without a terminal, say --yes");
    discard(&[]).expect(2);
    discard(&["--run", "job", "--code", "1146", "--dry-run"])
        .expect(0)
        .says("2 dead jobs would be discarded");
    assert_eq!(fleet.dead().len(), 3);
    let said = discard(&["--run", "job", "--code", "1146", "--yes"]).expect(0);
    said.says("nowhere").says("2 dead jobs discarded");
    fleet.wait("job").expect(3);
    let json: Value = discard(&["--run", "job", "--yes", "--json"]).expect(0).json();
    assert_eq!(json, json!({"discarded": 1, "dry_run": false}));
    fleet.wait("job").expect(0).says("3 dead: 3 dead jobs discarded");
    fleet.run(&["status", "job"]).expect(0).says("repaired");
}

#[test]
fn a_ledger_of_a_version_without_places_is_served_and_gets_them_by_setup() {
    let fleet = Fleet::new();
    fleet.sql(
        "DROP TABLE queryfleet_place; ALTER TABLE queryfleet_dead DROP COLUMN replaced_by; \
         UPDATE queryfleet_meta SET value = '1' WHERE name = 'additions'",
    );
    some_dead(&fleet);
    let script = fleet.file("fix.sql", "UPDATE t SET n = n + 1 WHERE id = 1;\n");
    fleet
        .run(&["publish", &script, "--run", "fix", "--replaces", "job"])
        .expect(1)
        .says("run `queryfleet setup`");
    fleet.run(&["dead", "list", "--run", "job", "--jobs"]).expect(0).says("Duplicate entry");
    fleet.run(&["dead", "discard", "--run", "job", "--yes"]).expect(0);
    fleet.wait("job").expect(0);
    fleet.run(&["setup"]).expect(0);
    let script = fleet.file("more.sql", "\nINSERT INTO t (id) VALUES (1);\n");
    let _worker = fleet.worker(1);
    fleet.run(&["publish", &script, "--run", "more"]).expect(0);
    fleet.wait("more").expect(3);
    fleet.run(&["dead", "show", "more", "1"]).expect(0).says(&format!("place:      {script}:2:1"));
}

#[test]
fn places_that_the_server_refuses_hold_no_run_up() {
    let fleet = Fleet::new();
    fleet.sql("ALTER TABLE queryfleet_place DROP COLUMN places");
    let _worker = fleet.worker(1);
    let script = fleet.counters(10);
    let said = fleet.run(&["publish", script.to_str().unwrap(), "--run", "unplaced"]).expect(0);
    said.says("where jobs stand is not written down");
    fleet.wait("unplaced").expect(0);
    fleet.assert_each_once();
}
