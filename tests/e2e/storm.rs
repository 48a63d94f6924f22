//! A short storm; `make storm` makes long ones.

use queryfleet_tests::storm::Storm;

#[test]
fn nothing_is_lost_and_nothing_doubled_in_a_storm() {
    let seed = fastrand::u64(1..1_000_000);
    let storm = Storm { seed, jobs: 3000, faults: 14 };
    println!(
        "again with: make storm SEED={seed} JOBS=3000 FAULTS=14; a line for tests/storm-seeds.txt: {storm}"
    );
    let report = storm.run();
    println!("{report}");
    assert!(report.is_clean(), "{report}");
}
