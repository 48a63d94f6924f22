//! A connection that had ended before its job came costs the job nothing.

use std::time::Duration;

use queryfleet_tests::{Fleet, Proxy, Worker};

/// Longer than a slot trusts a connection that nobody has used.
const IDLE: Duration = Duration::from_millis(1200);

/// Attempts whose connection broke after the packet was sent.
fn lost(worker: &Worker) -> f64 {
    worker.metric("queryfleet_job_errors_total", &["class=\"lost_after_send\""])
}

fn one_job(fleet: &Fleet, run: &str, id: u64) {
    let script = fleet.script([format!("UPDATE t SET n = n + 1 WHERE id = {id};")]);
    fleet.publish(&script, run);
    fleet.wait(run).expect(0);
}

#[test]
#[ignore = "make faults: servers of its own"]
fn after_a_restart_of_the_database_no_idle_slot_costs_a_job_an_attempt() {
    let fleet = Fleet::with_own_servers();
    fleet.make_counters(6);
    let worker = fleet.worker_with(6, &[("QUERYFLEET_MAX_ATTEMPTS", "2")]);
    worker.serves();
    one_job(&fleet, "before", 1);
    fleet.servers().stack.database.terminate().unwrap();
    fleet.servers().stack.database.start_again().unwrap();
    for id in 2..=6 {
        one_job(&fleet, &format!("after-{id}"), id);
    }
    fleet.assert_each_once();
    // The one that met the first connection, if nobody else did before.
    assert!(lost(&worker) <= 1.0);
}

/// As a balancer does that ends idle connections.
#[test]
fn an_idle_connection_that_a_balancer_has_ended_costs_no_attempt() {
    let fleet = Fleet::new();
    fleet.make_counters(4);
    let proxy = Proxy::to(&fleet.mysql_url());
    let url = proxy.url(&fleet.mysql_url());
    let worker = fleet.worker_with(2, &[("QUERYFLEET_MYSQL_URL", &url), ("QUERYFLEET_MAX_ATTEMPTS", "1")]);
    worker.serves();
    for id in 1..=4 {
        std::thread::sleep(IDLE);
        proxy.cut();
        one_job(&fleet, &format!("run-{id}"), id);
    }
    fleet.assert_each_once();
    assert_eq!(lost(&worker), 0.0);
    assert!(worker.metric("queryfleet_reconnects_total", &["dependency=\"database\""]) >= 1.0);
}

/// A job meets one connection that has ended at most: the next one is asked first, however short it was idle.
#[test]
fn after_one_lost_connection_the_others_are_asked_before_they_are_used() {
    let fleet = Fleet::new();
    let count = 40;
    let proxy = Proxy::to(&fleet.mysql_url());
    let url = proxy.url(&fleet.mysql_url());
    let script = fleet.counters(count);
    let worker = fleet.worker_with(4, &[("QUERYFLEET_MYSQL_URL", &url), ("QUERYFLEET_MAX_ATTEMPTS", "2")]);
    worker.serves();
    fleet.publish(&script, "all");
    fleet.wait("all").expect(0);
    for id in 1..=5 {
        fleet.sql(&format!("UPDATE t SET n = 0 WHERE id = {id}"));
        proxy.cut();
        one_job(&fleet, &format!("run-{id}"), id);
    }
    fleet.assert_each_once();
}
