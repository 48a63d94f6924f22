//! Memory stays flat, whatever a statement returns.

use std::time::Duration;

use queryfleet_tests::{Fleet, Worker, eventually};

/// Far below what any of the results here would take.
const LIMIT_KIB: u64 = 64 << 10;

/// The most memory that the worker has ever had, in KiB.
fn peak(worker: &Worker) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", worker.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_giant_result_takes_no_memory() {
    let fleet = Fleet::new();
    fleet.make_counters(1000);
    let script = fleet.script([
        "SELECT a.id, REPEAT('x', 1000) FROM t a JOIN t b WHERE b.id <= 200;",
        "SELECT a.id, b.id, c.id FROM t a JOIN t b JOIN t c;",
    ]);
    fleet.publish(&script, "giant");
    let limits = [("QUERYFLEET_STATEMENT_TIMEOUT", "3s"), ("QUERYFLEET_MAX_ATTEMPTS", "1")];
    let worker = fleet.worker_with(2, &limits);
    // The second one is longer than any deadline: it is killed while its rows come.
    fleet.run(&["wait", "giant", "--timeout", "60s"]).expect(3);
    assert!(fleet.dead().iter().all(|(_, reason, _)| reason == "timeout"), "{:?}", fleet.dead());
    assert!(peak(&worker) < LIMIT_KIB, "{} KiB", peak(&worker));
}

/// `memory` of the limits in the chart's values, in KiB, and how many slots its workers have.
fn chart() -> (u64, u16) {
    let values = std::fs::read_to_string("../helm/queryfleet/values.yaml").unwrap();
    let (_, after) = values.split_once("limits: {memory: ").unwrap();
    let mib: u64 = after.split_once("Mi}").unwrap().0.parse().unwrap();
    // What a worker has when nobody says otherwise.
    (mib << 10, 4)
}

/// What a worker has left for good, in KiB.
fn resident(worker: &Worker) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", worker.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Statements of nearly the largest size that a server and a broker take, in every slot at once: done, dead, tried again.
#[test]
#[ignore = "make faults: takes long"]
fn a_worker_of_the_chart_has_room_for_the_largest_statements() {
    let fleet = Fleet::new();
    fleet.make_counters(20);
    let (limit, slots) = chart();
    let text = "it''s a line of text\n".repeat(14_000_000 / 21);
    let (fails, _lock) = fleet.broken(1);
    let script = fleet.script((1..=9).map(|id| match id % 3 {
        0 => format!("INSERT INTO nowhere VALUES ('{text}');"),
        1 => format!("UPDATE t SET n = n + (LENGTH('{text}') > 0) WHERE id = {id};"),
        _ => format!("{} AND LENGTH('{text}') > 0;", fails.trim_end_matches(';')),
    }));
    fleet.publish(&script, "large");
    let worker = fleet.worker_with(slots, &[("QUERYFLEET_MAX_ATTEMPTS", "2")]);
    let idle = resident(worker.serves());
    fleet.run(&["wait", "large", "--timeout", "80s"]).expect(3);
    let peak = peak(&worker);
    let dead = fleet.dead();
    let of = |wanted: &str| dead.iter().filter(|(_, reason, _)| reason == wanted).count();
    assert_eq!((of("error"), of("attempts"), fleet.ledger("done")), (3, 3, 3), "{dead:?}");
    // An eighth is spare: this is one allocator's, and one build's.
    assert!(peak < limit / 8 * 7, "{peak} KiB of {limit} KiB; {idle} KiB before");
    // The allocator keeps pieces of the last copies; of a statement for each slot there would be more.
    eventually(Duration::from_secs(20), "it has given the memory back", || {
        resident(&worker) < idle + (48 << 10)
    });
    println!("peak {peak} KiB, {} KiB stay, {idle} KiB before", resident(&worker));
}

#[test]
fn a_large_message_that_waits_for_its_turn_is_given_back_by_a_drain() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    fleet.sql("CREATE TABLE flag (seconds INT); INSERT INTO flag VALUES (600)");
    let text = "x".repeat(9_000_000);
    let script = fleet.script((1..=2).map(|id| {
        format!("UPDATE t SET n = n + 1 + 0 * SLEEP((SELECT seconds FROM flag)) WHERE id = {id} AND '{text}' > '';")
    }));
    fleet.publish(&script, "large");
    let variables = [("QUERYFLEET_DRAIN_TIMEOUT", "1s"), ("QUERYFLEET_MAX_ATTEMPTS", "1")];
    let mut worker = fleet.worker_with(2, &variables);
    let soon = Duration::from_secs(30);
    eventually(soon, "both slots have their message", || {
        fleet.ready("") == 0 && fleet.running("SLEEP((") == 1
    });
    assert_eq!(worker.drain(), Some(0));
    assert_eq!(fleet.ready(""), 2);
    fleet.sql("UPDATE flag SET seconds = 0");
    let _next = fleet.worker_with(2, &variables);
    fleet.wait("large").expect(0);
    fleet.assert_each_once();
}
