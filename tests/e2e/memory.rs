//! Memory stays flat, whatever a statement returns.

use queryfleet_tests::{Fleet, Worker};

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
