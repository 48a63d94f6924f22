//! A worker that stands still, and does not know it.

use std::time::Duration;

use queryfleet_tests::{Fleet, Signal, eventually};

const SOON: Duration = Duration::from_secs(60);

#[test]
fn a_worker_frozen_beyond_its_heartbeat_doubles_nothing_when_it_thaws() {
    let fleet = Fleet::new();
    fleet.make_counters(200);
    let script = fleet
        .script((1..=200).map(|id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP(0.01) WHERE id = {id};")));
    fleet.publish(&script, "frozen");
    let url = fleet.amqp_url() + "?heartbeat=1";
    let variables = [("QUERYFLEET_AMQP_URL", url.as_str())];
    let mut frozen = fleet.worker_with(4, &variables);
    eventually(SOON, "it is at work", || fleet.ledger("done") >= 20);
    frozen.signal(Signal::STOP);
    let _other = fleet.worker_with(2, &variables);
    // The broker must notice the silence before the producer does.
    fleet.run_with(&["wait", "frozen"], &[("QUERYFLEET_MISSING_TIMEOUT", "20s")]).expect(0);
    fleet.assert_each_once();
    frozen.signal(Signal::CONT);
    eventually(SOON, "it serves again", || frozen.get("/readyz").0 == 200);
    let more = fleet.script(["UPDATE t SET n = n + 1 WHERE id = 0;"]);
    fleet.publish(&more, "more");
    fleet.wait("more").expect(0);
    fleet.assert_each_once();
    assert_eq!(frozen.drain(), Some(0));
}
