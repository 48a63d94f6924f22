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

#[test]
#[ignore = "make faults: needs a package"]
fn a_window_opens_and_closes_by_the_servers_clock_whatever_the_workers_say() {
    const OPEN_S: u64 = 6;
    let fleet = Fleet::new();
    fleet.make_counters(600);
    fleet.sql("ALTER TABLE t ADD COLUMN began DATETIME(6) NULL");
    let library = libfaketime();
    let worker = |offset| {
        let clock =
            [("LD_PRELOAD", library.to_str().unwrap()), ("FAKETIME", offset), ("DONT_FAKE_MONOTONIC", "1")];
        fleet.worker_with(2, &clock)
    };
    // A full minute that is some seconds away, and an hour later; the margin ends the window long before.
    let minutes = "CEIL((TIME_TO_SEC(UTC_TIME()) + 8) / 60)";
    let time = |plus| {
        let query = format!("SELECT DATE_FORMAT('2026-01-01' + INTERVAL {minutes} + {plus} MINUTE, '%H:%i')");
        fleet.rows::<(String,)>(&query).remove(0).0
    };
    let (window, margin) = (format!("{}-{} UTC", time(0), time(60)), format!("{}s", 3600 - OPEN_S));
    let opens = format!("UTC_DATE() + INTERVAL {} MINUTE", fleet.number(&format!("SELECT {minutes}")));
    let opens = fleet.rows::<(String,)>(&format!("SELECT CAST({opens} AS CHAR)")).remove(0).0;
    fleet.run(&["limit", "--window", &window, "--window-margin", &margin]).expect(0);
    let job =
        |id| format!("UPDATE t SET began = UTC_TIMESTAMP(6), n = n + 1 + 0 * SLEEP(0.1) WHERE id = {id};");
    let script = fleet.script((1..=600).map(job));
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "night", "--chunk", "1"]).expect(0);
    let workers = ["-10m", "+0", "+10m"].map(worker);
    workers.iter().for_each(|worker| _ = worker.serves());
    let began = || fleet.number("SELECT COUNT(*) FROM t WHERE began IS NOT NULL");
    eventually(Duration::from_secs(80), "the window opens", || began() > 0);
    let allowed = |worker: &queryfleet_tests::Worker| worker.metric("queryfleet_slots_allowed", &[]);
    eventually(SOON, "it closes", || workers.iter().all(|worker| allowed(worker) == 0.0));
    eventually(SOON, "what began has ended", || fleet.running("SLEEP(0.1)") == 0);
    let after = |which: &str| {
        fleet.number(&format!("SELECT TIMESTAMPDIFF(MICROSECOND, '{opens}', {which}(began)) FROM t"))
    };
    let (first, last) = (after("MIN"), after("MAX"));
    assert!(first < 3_000_000 && last < (OPEN_S + 1) * 1_000_000, "{first} to {last} µs");
    // All three had their hours.
    assert!(workers.iter().all(|worker| worker.metric("queryfleet_jobs_started_total", &[]) > 0.0));
    fleet.run(&["limit", "--window", "off", "--window-margin", "off"]).expect(0);
    fleet.wait("night").expect(0);
    fleet.assert_each_once();
}
