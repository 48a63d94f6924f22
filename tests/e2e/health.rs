//! What orchestrators and scrapers see.

use std::time::Duration;

use queryfleet_tests::{Fleet, Signal, eventually};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_worker_tells_how_it_is_and_counts_what_it_does() {
    let fleet = Fleet::new();
    let script = fleet.counters(30);
    let mut worker = fleet.worker(3);
    eventually(SOON, "ready", || worker.get("/readyz").0 == 200);
    assert_eq!(worker.get("/livez").0, 200);
    assert_eq!(worker.metric("queryfleet_slots", &[]), 3.0);
    assert_eq!(worker.metric("queryfleet_jobs_total", &[]), 0.0);
    fleet.publish(&script, "counted");
    fleet.wait("counted").expect(0);
    for (name, labels, wanted) in [
        ("queryfleet_jobs_total", &["outcome=\"done\""][..], 30.0),
        ("queryfleet_jobs_started_total", &[], 30.0),
        ("queryfleet_rows_affected_total", &[], 30.0),
        ("queryfleet_job_duration_seconds_count", &["outcome=\"done\""], 30.0),
        ("queryfleet_job_queue_wait_seconds_count", &[], 30.0),
        ("queryfleet_dependency_up", &[], 2.0),
        ("queryfleet_draining", &[], 0.0),
    ] {
        // A job that has ended in the ledger is counted a moment later.
        eventually(SOON, &format!("{name} is {wanted}"), || worker.metric(name, labels) == wanted);
    }
    eventually(SOON, "thirty acknowledged", || {
        worker.metric("queryfleet_deliveries_settled_total", &["action=\"ack\""]) == 30.0
    });

    let script = fleet.script(["DO SLEEP(2)"]);
    fleet.publish(&script, "draining");
    eventually(SOON, "one in flight", || worker.metric("queryfleet_jobs_in_flight", &[]) == 1.0);
    worker.signal(Signal::TERM);
    worker.wait_for("worker drains");
    eventually(SOON, "unready while it drains", || worker.get("/readyz").0 == 503);
    assert!(worker.get("/readyz").1.contains("draining"));
    assert_eq!(worker.get("/livez").0, 200);
    assert_eq!(worker.metric("queryfleet_draining", &[]), 1.0);
    assert_eq!(worker.wait_exit(SOON), Some(0));
}
