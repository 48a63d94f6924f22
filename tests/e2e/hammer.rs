//! Connections and statements killed without end.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use queryfleet_tests::{Fleet, Session, eventually};

const COUNT: u64 = 10_000;
const SLOTS: u16 = 8;
/// A run in which nothing moves for so long hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// Kills until this many have been killed: each time a session of the fleet, or what it executes, at whatever moment.
fn hammer(fleet: &Fleet, killed: &AtomicU32, wanted: u32) {
    let mut dba = fleet.client();
    while killed.load(Ordering::Relaxed) < wanted && fleet.ledger("done") < COUNT {
        for Session { id, .. } in dba.try_sessions().unwrap() {
            std::thread::sleep(Duration::from_micros(fastrand::u64(0..5000)));
            let what = if fastrand::bool() { "QUERY" } else { "CONNECTION" };
            // It may have ended by itself.
            if dba.run(&format!("KILL {what} {id}")).is_ok() {
                killed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[test]
#[ignore = "make faults: thousands of kills"]
fn thousands_of_kills_leave_each_effect_with_its_row() {
    let fleet = Fleet::with_own_servers();
    fleet.make_counters(COUNT);
    let slow = |id| format!("UPDATE t SET n = n + 1 + SLEEP(0.005) WHERE id = {id};");
    fleet.publish(&fleet.script((1..=COUNT).map(slow)), "hammered");
    let variables = [("QUERYFLEET_MAX_ATTEMPTS", "1000"), ("QUERYFLEET_STATEMENT_TIMEOUT", "10s")];
    let mut worker = fleet.worker_with(SLOTS, &variables);
    worker.serves();
    let killed = AtomicU32::new(0);
    hammer(&fleet, &killed, 3000);
    assert!(killed.load(Ordering::Relaxed) >= 2000, "{killed:?} kills");
    eventually(LIMIT, "every job has ended", || fleet.ledger("done") == COUNT);
    fleet.wait("hammered").expect(0);
    fleet.assert_each_once();
    assert_eq!(worker.drain(), Some(0));
    eventually(LIMIT, "no session is left over", || fleet.sessions().is_empty());
    println!("{} kills", killed.load(Ordering::Relaxed));
}
