//! `--chunk auto`: what is small shares a message, what may be slow or in another's way has its own.

use std::process::Stdio;
use std::time::Duration;

use queryfleet_tests::{Fleet, Output, Signal, eventually};
use rustix::process::{Pid, kill_process};
use serde_json::{Value, json};

fn publish(fleet: &Fleet, lines: Vec<String>, run: &str) -> Value {
    let script = fleet.script(lines);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", run, "--json"]).expect(0).json()
}

/// How many jobs are alone for each reason.
fn alone(chunks: &Value) -> Vec<(&str, u64)> {
    let reasons = chunks["alone"].as_array().unwrap().iter();
    reasons.map(|alone| (alone["reason"].as_str().unwrap(), alone["count"].as_u64().unwrap())).collect()
}

#[test]
fn each_reason_to_be_alone_is_said_and_the_rest_is_grouped() {
    let fleet = Fleet::new();
    fleet.make_counters(3000);
    fleet.sql(
        "CREATE TABLE plain (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0, KEY (n)) ENGINE=InnoDB; \
         CREATE TABLE parent (id INT PRIMARY KEY) ENGINE=InnoDB; \
         CREATE TABLE child (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES parent (id) ON DELETE CASCADE) ENGINE=InnoDB; \
         CREATE TABLE watched (id INT PRIMARY KEY) ENGINE=InnoDB; \
         CREATE TRIGGER watching AFTER INSERT ON watched FOR EACH ROW UPDATE plain SET n = n + 1 WHERE id = 1; \
         INSERT INTO plain VALUES (1, 0)",
    );
    let many = |lines: &dyn Fn(u32) -> String, number: u32| (1..=number).map(lines).collect::<Vec<_>>();
    let long = "x".repeat(17_000);
    let mut lines = many(&|id| format!("UPDATE t SET n = n + 1 WHERE id = {id};"), 2000);
    lines.extend(many(&|id| format!("INSERT INTO parent VALUES ({id});"), 500));
    lines.extend([
        "DO 1;".to_owned(),
        "UPDATE t SET n = n WHERE n > 5;".to_owned(),
        "UPDATE t SET n = n WHERE id BETWEEN 1 AND 2000;".to_owned(),
        "UPDATE plain SET n = n + SLEEP(0) WHERE id = 1;".to_owned(),
        format!("UPDATE plain SET n = n + 0 * LENGTH('{long}') WHERE id = 1;"),
        "INSERT INTO watched VALUES (7);".to_owned(),
        "DELETE FROM parent WHERE id = 499;".to_owned(),
        "UPDATE nowhere SET n = 1 WHERE id = 1;".to_owned(),
    ]);
    // Of these the first is like any other.
    lines.extend(many(&|_| "UPDATE t SET n = n + 1 WHERE id = 3000;".to_owned(), 200));
    let published = publish(&fleet, lines, "mixed");
    let chunks = &published["chunks"];
    let mut found = alone(chunks);
    let same_rows = found.pop().unwrap();
    assert_eq!(
        found,
        [
            ("other_kind", 1),
            ("scan", 1),
            ("many_rows", 1),
            ("waits", 1),
            ("long", 1),
            ("beside", 2),
            ("not_explained", 1)
        ],
        "{published}"
    );
    assert!(same_rows.0 == "same_rows" && (100..200).contains(&same_rows.1), "{published}");
    assert_eq!(chunks["most"], 42, "a sixty-fourth: {published}");
    assert_eq!(chunks["messages"], json!(fleet.ready("")), "{published}");
    assert!(chunks["grouped"].as_u64().unwrap() >= 2500, "{published}");
    let _worker = fleet.worker(4);
    fleet.wait("mixed").expect(3).says("2707 jobs done, 1 dead");
    assert_eq!(fleet.dead(), [(2508, "error".to_owned(), Some(1146))]);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM t WHERE id <= 2000 AND n = 1"), 2000);
    assert_eq!(fleet.number("SELECT n FROM t WHERE id = 3000"), 200);
}

#[test]
fn bound_values_tell_which_rows_meet() {
    let fleet = Fleet::new();
    fleet.make_counters(1000);
    let rows = fleet.file("rows.csv", &{
        let distinct = (1..=600).map(|id| format!("{id},1\n"));
        let same = (0..600).map(|_| "700,1\n".to_owned());
        format!("id,add\n{}{}", distinct.collect::<String>(), same.collect::<String>())
    });
    let template = "UPDATE t SET n = n + :add WHERE id = :id";
    let arguments = ["publish", "--template", template, "--rows", &rows, "--run", "rows", "--json"];
    let published = fleet.run(&arguments).expect(0).json();
    let found = alone(&published["chunks"]);
    assert!(matches!(found[..], [("same_rows", 582..=599)]), "{published}");
}

/// Few jobs are for all slots, and a slow rate is even.
#[test]
fn a_small_run_and_a_slow_one_have_a_message_for_each_job() {
    let fleet = Fleet::new();
    fleet.make_counters(127);
    let updates = || (1..=127).map(|id| format!("UPDATE t SET n = n + 1 WHERE id = {id};")).collect();
    let published = publish(&fleet, updates(), "small");
    assert_eq!((&published["chunks"]["messages"], fleet.ready("")), (&json!(127), 127), "{published}");
    let script = fleet.script(updates());
    let said: Output = fleet.run(&["plan", script.to_str().unwrap()]).expect(0);
    said.says("a message for each job");
}

#[test]
fn run_executes_while_it_publishes() {
    let fleet = Fleet::new();
    fleet.make_counters(20_000);
    let script = fleet.script((1..=20_000).map(|id| format!("UPDATE t SET n = n + 1 WHERE id = {id};")));
    let slow = [("QUERYFLEET_CONFIRM_WINDOW", "1")];
    let arguments = ["run", script.to_str().unwrap(), "--run", "both", "--chunk", "1", "--slots", "4"];
    let mut run = fleet.command(&arguments).envs(slow).stderr(Stdio::null()).spawn().unwrap();
    eventually(Duration::from_secs(60), "a job is done", || {
        fleet.number("SELECT COUNT(*) FROM queryfleet_ledger") > 0
    });
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run WHERE state = 'publishing'"), 1);
    kill_process(Pid::from_child(&run), Signal::TERM).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    let _worker = fleet.worker(4);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "both"]).expect(0);
    fleet.wait("both").expect(0);
    fleet.assert_each_once();
}
