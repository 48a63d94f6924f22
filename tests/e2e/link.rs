//! The network between the program and its servers: half-open, slow, cut at the worst moment.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use queryfleet_tests::{Fleet, Link, Proxy, Worker, eventually};

const SOON: Duration = Duration::from_secs(60);

/// Counters whose jobs take a moment, so that faults meet them in the middle.
fn slow_counters(fleet: &Fleet, count: u64) -> PathBuf {
    fleet.make_counters(count);
    fleet.script((1..=count).map(|id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP(0.02) WHERE id = {id};")))
}

fn broker_proxy(fleet: &Fleet) -> (Proxy, String) {
    let proxy = Proxy::to(&fleet.amqp_url());
    let url = proxy.url(&fleet.amqp_url()) + "?heartbeat=1";
    (proxy, url)
}

fn reconnects(worker: &Worker, dependency: &str) -> f64 {
    worker.metric("queryfleet_reconnects_total", &[&format!("dependency=\"{dependency}\"")])
}

/// A broker that takes connections and says nothing, as a frozen one does: an attempt that was given up leaves nothing
/// behind.
#[test]
fn a_silent_broker_costs_no_thread_an_attempt() {
    let fleet = Fleet::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("amqp://nobody:nothing@{}/%2f", silent.local_addr().unwrap());
    let variables = [
        ("QUERYFLEET_AMQP_URL", url.as_str()),
        ("QUERYFLEET_CONNECT_TIMEOUT", "300ms"),
        ("QUERYFLEET_BACKOFF_MAX", "50ms"),
    ];
    let worker = fleet.worker_with(2, &variables);
    let taken: Vec<_> = silent.incoming().take(15).collect();
    let threads = || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", worker.pid())).unwrap();
        let names = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")));
        names.filter(|name| name.as_ref().is_ok_and(|name| name.starts_with("lapin"))).count()
    };
    eventually(SOON, "only those that are tried now are left", || threads() <= 3);
    drop(taken);
}

#[test]
fn a_half_open_connection_to_the_broker_is_noticed_and_made_anew() {
    let fleet = Fleet::new();
    let script = slow_counters(&fleet, 100);
    fleet.publish(&script, "half-open");
    let (proxy, url) = broker_proxy(&fleet);
    let worker = fleet.worker_with(2, &[("QUERYFLEET_AMQP_URL", &url)]);
    eventually(SOON, "it is at work", || fleet.ledger("done") >= 20);
    assert!(proxy.blackhole() >= 1);
    worker.wait_for("class=\"broker\"");
    fleet.run_with(&["wait", "half-open"], &[("QUERYFLEET_MISSING_TIMEOUT", "20s")]).expect(0);
    fleet.assert_each_once();
    assert!(reconnects(&worker, "broker") >= 1.0);
}

/// The broker has subscribed the slot, and has given it the message: nobody has waited for that answer. As where a queue has no
/// majority for some seconds.
#[test]
fn a_subscription_that_was_given_up_keeps_no_message() {
    let fleet = Fleet::new();
    fleet.publish(&fleet.counters(1), "given-up");
    let proxy = Proxy::to(&fleet.amqp_url());
    let url = proxy.url(&fleet.amqp_url()) + "?heartbeat=0";
    // The method basic.consume, 60 and 20.
    proxy.lose_answer_to("\u{0}<\u{0}\u{14}");
    let first = fleet.worker_with(1, &[("QUERYFLEET_AMQP_URL", &url)]);
    first.wait_for("while subscribing");
    assert!(proxy.has_lost_an_answer());
    let _second = fleet.worker(1);
    fleet.wait("given-up").expect(0);
    fleet.assert_each_once();
}

#[test]
#[ignore = "make faults: takes long"]
fn a_half_open_connection_to_the_database_ends_at_the_deadline() {
    let fleet = Fleet::new();
    let script = slow_counters(&fleet, 100);
    fleet.publish(&script, "half-open");
    let proxy = Proxy::to(&fleet.mysql_url());
    let url = proxy.url(&fleet.mysql_url());
    let worker = fleet
        .worker_with(2, &[("QUERYFLEET_MYSQL_URL", url.as_str()), ("QUERYFLEET_STATEMENT_TIMEOUT", "1s")]);
    eventually(SOON, "it is at work", || fleet.ledger("done") >= 20);
    assert!(proxy.blackhole() >= 2);
    fleet.wait("half-open").expect(0);
    fleet.assert_each_once();
    assert!(worker.metric("queryfleet_statements_killed_total", &["reason=\"deadline\""]) >= 1.0);
}

#[test]
fn a_lost_answer_to_commit_is_read_from_the_ledger() {
    let fleet = Fleet::new();
    let script = fleet.counters(20);
    let proxy = Proxy::to(&fleet.mysql_url());
    let url = proxy.url(&fleet.mysql_url());
    let worker = fleet.worker_with(1, &[("QUERYFLEET_MYSQL_URL", &url)]);
    worker.serves();
    proxy.lose_answer_to("COMMIT");
    fleet.publish(&script, "lost");
    eventually(SOON, "the first job is committed, and nobody told", || {
        proxy.has_lost_an_answer() && fleet.ledger("done") == 1
    });
    proxy.cut();
    fleet.wait("lost").expect(0);
    fleet.assert_each_once();
    eventually(SOON, "its second delivery is acknowledged", || {
        worker.metric("queryfleet_jobs_total", &["outcome=\"ended_before\""]) == 1.0
    });
}

#[test]
fn slow_and_stalling_links_make_it_slower_only() {
    let fleet = Fleet::new();
    let script = fleet.counters(60);
    let (broker, amqp) = broker_proxy(&fleet);
    let database = Proxy::to(&fleet.mysql_url());
    let mysql = database.url(&fleet.mysql_url());
    let slow = Link { delay: Duration::from_millis(3), piece: 100, stalled: false };
    broker.set(slow);
    database.set(slow);
    let variables = [
        ("QUERYFLEET_AMQP_URL", amqp.as_str()),
        ("QUERYFLEET_MYSQL_URL", mysql.as_str()),
        ("QUERYFLEET_MAX_ATTEMPTS", "1"),
    ];
    let worker = fleet.worker_with(4, &variables);
    let publish = ["publish", script.to_str().unwrap(), "--run", "slow"];
    fleet.run_with(&publish, &variables).expect(0);
    for (proxy, count) in [(&database, 10), (&broker, 25)] {
        eventually(SOON, "some of it is done", || fleet.ledger("done") >= count);
        proxy.set(Link { stalled: true, ..slow });
        // Shorter than two heartbeats: nobody may give up.
        let mut known = u64::MAX;
        eventually(SOON, "it stands still", || {
            let before = std::mem::replace(&mut known, fleet.ledger("done"));
            std::thread::sleep(Duration::from_millis(300));
            before == known
        });
        proxy.set(slow);
    }
    fleet.wait("slow").expect(0);
    fleet.assert_each_once();
    assert_eq!(reconnects(&worker, "database"), 0.0);
}

#[test]
fn a_rollback_without_ok_ends_the_connection() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    // It fails while there are two rows, and calls nothing: a session that has is reset in any case.
    fleet.sql("CREATE TABLE flag (v INT); INSERT INTO flag VALUES (1), (1)");
    let statement = "UPDATE t SET n = n + (SELECT v FROM flag) WHERE id = 1;";
    let script = fleet.script([statement, "UPDATE t SET n = n + 1 WHERE id = 2;"]);
    let proxy = Proxy::to(&fleet.mysql_url());
    let url = proxy.url(&fleet.mysql_url());
    let variables = [("QUERYFLEET_MYSQL_URL", url.as_str()), ("QUERYFLEET_MAX_ATTEMPTS", "1000")];
    let worker = fleet.worker_with(1, &variables);
    // The probe of a slot that begins to serve rolls back too.
    eventually(SOON, "its slot serves", || worker.get("/readyz").0 == 200);
    // Nothing is rolled back: the next START TRANSACTION on this connection would commit the failed job's row.
    proxy.forge("ROLLBACK", "ROLLFRWD");
    fleet.publish(&script, "rollback");
    eventually(SOON, "the first job has failed, the second is done", || {
        proxy.has_forged() && fleet.number("SELECT n FROM t WHERE id = 2") == 1
    });
    fleet.sql("DELETE FROM flag LIMIT 1");
    fleet.wait("rollback").expect(0);
    fleet.assert_each_once();
}
