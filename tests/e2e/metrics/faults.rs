//! How attempts and deliveries end while a server is away or refuses.

use queryfleet_job::Job;
use queryfleet_tests::{Fleet, Link, Proxy, Signal, eventually};

use super::outcomes::sleeping;
use super::{SOON, Seen};

const AMQP: &str = "QUERYFLEET_AMQP_URL";
const STALLED: Link = Link { delay: std::time::Duration::ZERO, piece: 0, stalled: true };

/// A worker is told to stop, and cannot wait for its statement.
pub(super) fn drain(seen: &Seen) {
    let fleet = Fleet::new();
    let proxy = Proxy::to(&fleet.amqp_url());
    let url = proxy.url(&fleet.amqp_url());
    let mut worker = fleet.worker_with(1, &[(AMQP, &url), ("QUERYFLEET_DRAIN_TIMEOUT", "100ms")]);
    worker.serves();
    fleet.publish(&fleet.script(["DO SLEEP(60);"]), "drain");
    eventually(SOON, "the statement runs", || sleeping(&fleet).len() == 1);
    // Without its broker it cannot give the job back, and stays to be looked at.
    proxy.set(STALLED);
    worker.signal(Signal::TERM);
    seen.moves(&worker, &[("statements_killed_total", "drain")]);
    assert_eq!(worker.metric("queryfleet_draining", &[]), 1.0);
    proxy.set(Link::default());
    assert_eq!(worker.wait_exit(SOON), Some(0));
}

/// Somebody holds the queue, and does not wait for the statement that runs.
pub(super) fn hold(seen: &Seen) {
    let fleet = Fleet::new();
    let worker = fleet.worker(1);
    worker.serves();
    fleet.publish(&fleet.script(["DO SLEEP(60);"]), "hold");
    eventually(SOON, "the statement runs", || sleeping(&fleet).len() == 1);
    fleet.run(&["pause", "--now"]).expect(0);
    seen.moves(&worker, &[("statements_killed_total", "hold"), ("held", "default")]);
}

/// Somebody limits the queue, and the worker makes the checks.
pub(super) fn limit(seen: &Seen) {
    let fleet = Fleet::new();
    let worker = fleet.worker(2);
    worker.serves();
    fleet.run(&["limit", "--slots", "1", "--max-load", "Threads_connected=400"]).expect(0);
    seen.moves(&worker, &[("governor", "default"), ("slots_allowed", "default")]);
    let load = "Threads_connected";
    seen.moves(&worker, &[("check_value", load), ("check_limit", load)]);
    // A query that fails from now on.
    fleet.sql("CREATE TABLE stop (n INT)");
    fleet.run(&["limit", "--throttle-query", "SELECT COUNT(*) FROM stop"]).expect(0);
    fleet.sql("INSERT INTO stop VALUES (1)");
    seen.moves(&worker, &[("check_value", "the throttle query")]);
    fleet.sql("DROP TABLE stop");
    seen.moves(&worker, &[("check_age_seconds", "the throttle query")]);
}

/// The broker's connections break while a copy waits for its confirm.
pub(super) fn broker(seen: &Seen) {
    let fleet = Fleet::new();
    let run = fleet.hollow_run("broker", 2, &[]);
    let proxy = Proxy::to(&fleet.amqp_url());
    let url = proxy.url(&fleet.amqp_url());
    let worker = fleet.worker_with(1, &[(AMQP, &url), ("QUERYFLEET_CONNECT_TIMEOUT", "1s")]);
    fleet.send_chunk(&fleet.chunk(run, vec![Job::new(1, "DO 1")]));
    eventually(SOON, "it is done", || fleet.ledger("done") == 1);
    let slow = Job { timeout_ms: Some(1500), ..Job::new(2, "DO SLEEP(60)") };
    fleet.send_chunk(&fleet.chunk(run, vec![slow]));
    eventually(SOON, "the statement runs", || sleeping(&fleet).len() == 1);
    proxy.set(STALLED);
    seen.moves(&worker, &[("job_errors_total", "deadline")]);
    proxy.cut();
    seen.moves(&worker, &[("messages_published_total", "unanswered")]);
    proxy.set(Link::default());
    seen.moves(&worker, &[("reconnects_total", "broker"), ("redeliveries_total", "default")]);
}

/// The database goes away under a chunk, and nobody listens in its place.
pub(super) fn database(seen: &Seen) {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    let proxy = Proxy::to(&fleet.mysql_url());
    let url = proxy.url(&fleet.mysql_url());
    let limits = [("QUERYFLEET_MYSQL_URL", url.as_str()), ("QUERYFLEET_PRESSURE_TIMEOUT", "100ms")];
    let worker = fleet.worker_with(1, &limits);
    worker.serves();
    let update = |id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP(3) WHERE id = {id};");
    let script = fleet.script([update(1), update(2)]);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "away", "--chunk", "2"]).expect(0);
    eventually(SOON, "the statement runs", || sleeping(&fleet).len() == 1);
    drop(proxy);
    seen.moves(&worker, &["job_errors_total", "jobs_total"].map(|name| (name, "not_sent")));
    assert_eq!(worker.get("/readyz").0, 503);
}

/// A retry tier is full, and then no exchange leads to it.
pub(super) fn copies(seen: &Seen) {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let (broken, _fault) = fleet.broken(1);
    fleet.ctl(&["set_policy", "full", r"^queryfleet\.default\.retry\.1h", r#"{"max-length":1}"#]);
    fleet.publish(&fleet.script(vec![broken; 20]), "copies");
    // Its copies stay in their tier.
    let worker = fleet.worker_with(1, &[("QUERYFLEET_RETRY_TIERS", "1h")]);
    seen.moves(&worker, &[("messages_published_total", "nacked")]);
    fleet.unbind_queue(".retry.1h");
    seen.moves(&worker, &[("messages_published_total", "unroutable")]);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_ledger"), 0);
}
