//! A clock that jumps while jobs run.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use queryfleet_tests::{Fleet, eventually};

const COUNT: u64 = 300;
const SOON: Duration = Duration::from_secs(60);

/// Of Debian's package libfaketime, which `make faults` installs.
fn libfaketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap();
    let mut found = folders.map(|folder| folder.unwrap().path().join("faketime/libfaketime.so.1"));
    found
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("libfaketime is not installed: run this test by make faults"))
}

/// The year in so many days, as a log begins its lines with it.
fn year(days: &str) -> String {
    let date = Command::new("date").args(["-u", "-d", &format!("{days} days"), "+%Y-"]).output().unwrap();
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}

#[test]
#[ignore = "make faults: needs a package"]
fn a_clock_that_jumps_costs_nothing() {
    let fleet = Fleet::new();
    fleet.make_counters(COUNT + 1);
    let (broken, fault) = fleet.broken(COUNT + 1);
    let slow = |id| format!("UPDATE t SET n = n + 1 + SLEEP(0.02) WHERE id = {id};");
    let script = fleet.script((1..=COUNT).map(slow).chain([broken]));
    let clock = script.with_extension("clock");
    let library = libfaketime();
    let jump = |offset: &str| std::fs::write(&clock, format!("{offset}d\n")).unwrap();
    jump("+0");
    let variables = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
        ("QUERYFLEET_STATEMENT_TIMEOUT", "20s"),
        ("QUERYFLEET_MAX_ATTEMPTS", "50"),
    ];
    let worker = fleet.worker_with(2, &variables);
    worker.serves();
    fleet.publish(&script, "jumps");
    for (part, offset) in [(1, "+400"), (2, "-400"), (3, "+0")] {
        jump(offset);
        // The broken job's attempts are logged.
        worker.wait_for(&year(offset));
        eventually(SOON, "it goes on", || fleet.ledger("done") >= part * COUNT / 4);
        assert_eq!(worker.get("/livez").0, 200);
        assert_eq!(worker.get("/readyz").0, 200);
    }
    drop(fault);
    fleet.wait("jumps").expect(0);
    fleet.assert_each_once();
    assert_eq!(worker.metric("queryfleet_statements_killed_total", &[]), 0.0);
    assert_eq!(worker.metric("queryfleet_reconnects_total", &[]), 0.0);
    assert_eq!(worker.metric("queryfleet_redeliveries_total", &[]), 0.0);
}
