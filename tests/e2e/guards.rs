//! Guards: what a person has to approve before it is executed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use queryfleet_tests::{Fleet, eventually};

const SOON: Duration = Duration::from_secs(30);
const JOBS: u64 = 300;
const CANARY: u64 = 20;

/// A publish that goes on by itself.
fn publish(fleet: &Fleet, script: &std::path::Path, more: &[&str]) -> Child {
    let mut arguments = vec!["publish", script.to_str().unwrap(), "--run", "guarded"];
    arguments.extend(more);
    fleet.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// One that is known to wait for the approval: it says so.
fn waiting_publisher(fleet: &Fleet, script: &std::path::Path, more: &[&str]) -> Child {
    let mut arguments = vec!["publish", script.to_str().unwrap(), "--run", "guarded"];
    arguments.extend(more);
    let mut command = fleet.command(&arguments);
    let mut publisher = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(publisher.stderr.take().unwrap());
    let mut said = said.lines().map_while(Result::ok);
    assert!(said.any(|line| line.contains("the rest waits for an approval")), "it waits for nobody");
    publisher
}

fn kill(mut publisher: Child) {
    publisher.kill().unwrap();
    publisher.wait().unwrap();
}

/// Jobs of the ledger, and the largest seq among them.
fn done(fleet: &Fleet) -> (u64, u64) {
    (fleet.ledger("done"), fleet.number("SELECT COALESCE(MAX(seq), 0) FROM queryfleet_ledger"))
}

#[test]
fn nothing_after_the_canary_runs_before_somebody_approves_it_whatever_becomes_of_the_publisher() {
    let fleet = Fleet::new();
    let script = fleet.counters(JOBS);
    let canary = CANARY.to_string();
    // Killed before any of it has ended, and while it waits.
    let publisher = publish(&fleet, &script, &["--canary", &canary]);
    eventually(SOON, "the canary is in the queue", || fleet.ready("") == CANARY as u32);
    kill(publisher);
    fleet.run(&["approve", "guarded"]).expect(1).says("has not ended yet: 0 of 20 jobs");
    let _worker = fleet.worker(3);
    eventually(SOON, "it has ended", || done(&fleet) == (CANARY, CANARY));
    let said = fleet.wait("guarded").expect(7);
    said.says("its canary has ended: 20 jobs done; the rest waits: queryfleet approve guarded");
    // Repeated without the flag it is guarded still; with another one it is another run.
    let publisher = waiting_publisher(&fleet, &script, &[]);
    let all = ["publish", script.to_str().unwrap(), "--run", "guarded", "--canary", "7"];
    fleet.run(&all).expect(1).says("it has another canary");
    fleet.wait("guarded").expect(7);
    kill(publisher);
    assert_eq!(done(&fleet), (CANARY, CANARY));
    let publisher = waiting_publisher(&fleet, &script, &["--canary", &canary]);
    fleet.run(&["approve", "guarded", "--by", "dba"]).expect(0).says("approved after 20 jobs done, 0 dead");
    // Killed after it was approved, and repeated.
    kill(publisher);
    let mut publisher = publish(&fleet, &script, &[]);
    assert_eq!(publisher.wait().unwrap().code(), Some(0));
    fleet.wait("guarded").expect(0);
    fleet.assert_each_once();
    assert_eq!(done(&fleet), (JOBS, JOBS));
    fleet.run(&["events", "--run", "guarded"]).expect(0).says("approve").says("dba");
}

#[test]
fn a_canary_shows_the_rows_that_its_jobs_have_changed_and_their_time() {
    let fleet = Fleet::new();
    fleet.make_counters(10);
    let jobs = (1..=10).map(|id| match id {
        2 => "UPDATE t SET n = n + 1;".to_owned(),
        3 => "UPDATE t SET n = n + 1 + 0 * SLEEP(1) WHERE id = 3;".to_owned(),
        // A division by zero is an error without IGNORE.
        1 => "UPDATE IGNORE t SET n = n + 1 WHERE id = 1 AND 1 / 0 IS NULL;".to_owned(),
        _ => format!("UPDATE t SET n = n + 1 WHERE id = {id};"),
    });
    let script = fleet.script(jobs);
    let _worker = fleet.worker(2);
    let mut publisher = publish(&fleet, &script, &["--canary", "3", "--allow-no-where"]);
    let status = || fleet.run(&["status", "guarded"]);
    eventually(SOON, "all three are noted", || status().out.contains("canary of 3 jobs: 3 done"));
    status()
        .expect(0)
        .says("rows changed 12 (most by job 2: 10), the slowest job 3 took 1")
        .says(" (the first for job 1)")
        .says("; not approved");
    // What was decided about the queue is not drowned by it.
    fleet.run(&["events", "--run", "guarded"]).expect(0).says("job 2: rows changed 10, took");
    assert!(!fleet.run(&["events"]).expect(0).out.contains("rows changed"));
    fleet.run(&["approve", "guarded", "--by", "dba"]).expect(0);
    assert!(publisher.wait().unwrap().success());
    fleet.wait("guarded").expect(0);
    status().expect(0).says("canary of 3 jobs: 3 done").says("; approved by dba");
}

#[test]
fn a_canary_shows_what_would_have_failed_and_can_be_cancelled() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let jobs = (1..=100).map(|id| format!("UPDATE nowhere SET n = 1 WHERE id = {id};"));
    let script = fleet.script(jobs);
    let _worker = fleet.worker(2);
    let publisher = publish(&fleet, &script, &["--canary", "5"]);
    eventually(SOON, "it is dead", || fleet.ledger("dead") == 5);
    fleet.wait("guarded").expect(7).says("5 dead");
    fleet.run(&["status", "guarded"]).expect(0).says("dead: 5 jobs by 1146");
    fleet.run(&["cancel", "guarded"]).expect(0);
    let mut publisher = publisher;
    assert_eq!(publisher.wait().unwrap().code(), Some(4));
    assert_eq!((fleet.ledger("dead"), fleet.ledger("cancelled")), (5, 95));
    // What is all canary needs no approval, and a run without one has none.
    let small = fleet.script(["DO 1;", "DO 2;"]);
    fleet.run(&["run", small.to_str().unwrap(), "--run", "small", "--canary", "5"]).expect(0);
    fleet.run(&["approve", "small"]).expect(1).says("run small has no canary to approve");
    fleet.run(&["publish", small.to_str().unwrap(), "--canary", "0"]).expect(2);
}

/// Jobs of which those from 31 on fail, each after a tenth of a second.
fn failing(fleet: &Fleet, jobs: u64) -> std::path::PathBuf {
    fleet.make_counters(jobs);
    let job = |id| match id {
        ..=30 => format!("UPDATE t SET n = n + 1 WHERE id = {id};"),
        _ => format!("INSERT INTO t (id, n) VALUES ({id}, 0 * SLEEP(0.1));"),
    };
    fleet.script((1..=jobs).map(job))
}

#[test]
fn a_run_that_fails_too_often_holds_its_queue_until_somebody_resumes_it() {
    let fleet = Fleet::new();
    let script = failing(&fleet, 300);
    let mut workers = vec![fleet.worker(1), fleet.worker(1), fleet.worker(1)];
    workers.iter().for_each(|worker| _ = worker.serves());
    fleet
        .run(&["publish", script.to_str().unwrap(), "--run", "bad", "--chunk", "1", "--halt", "10"])
        .expect(0);
    eventually(SOON, "the first are dead", || fleet.ledger("dead") > 0);
    // Whoever has executed them may be gone.
    workers.remove(0).kill();
    fleet.wait("bad").expect(7).says("run bad: halted with 30 jobs done, ").says("queryfleet resume");
    fleet.run(&["status"]).expect(0).says("is held: hold 1 by halt: run bad: ").says("and it halts at 10");
    eventually(SOON, "what ran has ended", || fleet.running("SLEEP(0.1)") == 0);
    let dead = fleet.ledger("dead");
    assert!((10..150).contains(&dead), "{dead}");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_hold"), 1);
    // Only what dies after it counts. Nothing begins, and each worker looks twice.
    fleet.run(&["pause", "--by", "dba"]).expect(1).says("not acknowledged by");
    fleet.run(&["resume", "1"]).expect(0);
    std::thread::sleep(Duration::from_secs(5));
    let by = fleet.rows::<String>("SELECT placed_by FROM queryfleet_hold");
    assert_eq!(by, ["dba"], "nothing has died since");
    fleet.run(&["resume"]).expect(0);
    eventually(SOON, "some more are dead", || fleet.ledger("dead") > dead);
    fleet.wait("bad").expect(7);
    let more = fleet.ledger("dead");
    assert!(more >= dead + 10, "{dead} and {more}");
    // A run that is cancelled holds nothing.
    let good = fleet.script(["DO 1;"]);
    fleet.publish(&good, "good");
    fleet.run(&["cancel", "bad"]).expect(0);
    fleet.wait("good").expect(0);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_hold"), 0);
    fleet.run(&["events", "--run", "bad"]).expect(0).says("halt");
}

#[test]
fn what_is_discarded_after_a_halt_hides_nothing_that_dies_next() {
    let fleet = Fleet::new();
    let script = failing(&fleet, 300);
    let _worker = fleet.worker(1);
    let publish = ["publish", script.to_str().unwrap(), "--run", "bad", "--chunk", "1", "--halt", "20"];
    fleet.run(&publish).expect(0);
    fleet.wait("bad").expect(7);
    eventually(SOON, "what ran has ended", || fleet.running("SLEEP(0.1)") == 0);
    let dead = fleet.ledger("dead");
    // What was dead when it is resumed counts no more, whether it is there or not.
    fleet.run(&["pause", "--by", "dba"]).expect(0);
    fleet.run(&["resume", "1"]).expect(0);
    fleet.run(&["dead", "discard", "--run", "bad", "--yes"]).expect(0);
    fleet.run(&["resume"]).expect(0);
    eventually(SOON, "some more are dead", || fleet.ledger("dead") > dead);
    fleet.wait("bad").expect(7);
    eventually(SOON, "what ran has ended", || fleet.running("SLEEP(0.1)") == 0);
    let more = fleet.ledger("dead") - dead;
    // 0.1 s each, and it is looked at every two seconds.
    assert!((20..20 + dead).contains(&more), "{dead} and {more}");
    fleet.run(&["cancel", "bad"]).expect(0);
}

#[test]
fn a_run_that_ends_after_it_was_halted_holds_nothing() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    let dies = (1..=20).map(|id| format!("UPDATE nowhere SET n = 1 WHERE id = {id};"));
    let runs = (1..=2).map(|id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP(8) WHERE id = {id};"));
    let script = fleet.script(dies.chain(runs));
    let _worker = fleet.worker(4);
    fleet
        .run(&["publish", script.to_str().unwrap(), "--run", "bad", "--chunk", "1", "--halt", "10"])
        .expect(0);
    let holds = || fleet.number("SELECT COUNT(*) FROM queryfleet_hold");
    eventually(SOON, "it is held", || holds() == 1);
    assert_eq!(fleet.ledger("done"), 0, "its last jobs run");
    eventually(SOON, "it is not held", || holds() == 0);
    fleet.assert_each_once();
    fleet.run(&["events", "--run", "bad"]).expect(0).says("run bad has ended");
    fleet.wait("bad").expect(3);
}

#[test]
fn a_share_halts_a_run_and_a_run_that_fails_less_goes_on() {
    let fleet = Fleet::new();
    let script = failing(&fleet, 100);
    let _worker = fleet.worker(2);
    for bad in ["0", "0%", "101%", "many"] {
        fleet.run(&["publish", script.to_str().unwrap(), "--halt", bad]).expect(2).says("a share such as 5%");
    }
    let publish = |name: &str, share: &str| {
        fleet
            .run(&["publish", script.to_str().unwrap(), "--run", name, "--chunk", "1", "--halt", share])
            .expect(0);
        fleet.wait(name)
    };
    publish("halted", "20%").expect(7).says("halted with 30 jobs done");
    fleet.run(&["cancel", "halted"]).expect(0);
    fleet.sql("UPDATE t SET n = 0");
    publish("finished", "95%").expect(3);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_hold"), 0);
}
