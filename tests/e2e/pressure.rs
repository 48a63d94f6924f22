//! A database that cannot serve just now: jobs wait, and none of them pays for it.

use std::time::Duration;

use queryfleet_tests::{Fleet, eventually};

const SOON: Duration = Duration::from_secs(60);

#[test]
#[ignore = "make faults: servers of its own"]
fn a_database_that_turns_read_only_costs_no_attempt() {
    let fleet = Fleet::with_own_servers();
    let script = fleet.counters(100);
    let url = fleet.plain_mysql_url();
    let variables = [("QUERYFLEET_MYSQL_URL", url.as_str()), ("QUERYFLEET_MAX_ATTEMPTS", "1")];
    let worker = fleet.worker_with(3, &variables);
    worker.serves();
    fleet.sql("SET GLOBAL read_only = 1");
    fleet.publish(&script, "read-only");
    worker.wait_for("1290");
    eventually(SOON, "unready, and the reason named", || {
        let (status, body) = worker.get("/readyz");
        status == 503 && body.contains("unfit") && body.contains("read-only")
    });
    fleet.run(&["wait", "read-only", "--timeout", "2s"]).expect(5);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_ledger"), 0);
    fleet.sql("SET GLOBAL read_only = 0");
    fleet.wait("read-only").expect(0);
    fleet.assert_each_once();
}

#[test]
#[ignore = "make faults: servers of its own"]
fn slots_without_a_connection_wait_for_one() {
    let fleet = Fleet::with_own_servers();
    let script = fleet.counters(200);
    let url = fleet.plain_mysql_url();
    // The one connection above the limit is for those who may set it.
    let mut admin = fleet.client();
    admin.run("SET GLOBAL max_connections = 10").unwrap();
    let variables = [("QUERYFLEET_MYSQL_URL", url.as_str()), ("QUERYFLEET_MAX_ATTEMPTS", "1")];
    let worker = fleet.worker_with(16, &variables);
    worker.wait_for("Too many connections");
    admin.run("SET GLOBAL max_connections = 500").unwrap();
    fleet.publish(&script, "limit");
    admin.run("SET GLOBAL max_connections = 10").unwrap();
    let ended = "SELECT COUNT(*) FROM queryfleet_ledger";
    eventually(SOON, "those with a connection do it all", || admin.rows::<u64>(ended) == [200]);
    admin.run("SET GLOBAL max_connections = 500").unwrap();
    fleet.wait("limit").expect(0);
    fleet.assert_each_once();
}

#[test]
#[ignore = "make faults: servers of its own"]
fn a_statement_above_the_servers_packet_is_refused_with_its_line() {
    let fleet = Fleet::with_own_servers();
    fleet.make_counters(1);
    fleet.sql("SET GLOBAL max_allowed_packet = 1048576");
    let large = format!("UPDATE t SET n = n + 1 /* {} */;", "x".repeat(1 << 20));
    let script = fleet.script(["DO 1;", &large]);
    let path = script.to_str().unwrap();
    let output = fleet.run(&["publish", path, "--run", "large"]).expect(1);
    assert!(output.err.contains(&format!("{path}:2:1: ")), "{output:?}");
    eventually(SOON, "nothing published", || fleet.ready("") == 0);
}
