//! `make storm`: one long run under random faults, from a seed; before it the storms that have failed once, unless SEED
//! names one.

// A number that cannot be read ends it, with the number's name.
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::process::ExitCode;

use queryfleet_tests::storm::Storm;

const JOBS: u64 = 20_000;
/// Two hundred faults for a hundred thousand jobs.
const JOBS_PER_FAULT: u64 = 500;

/// The number in an environment variable; `None` when it is unset or empty.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().expect(name))
}

fn main() -> ExitCode {
    let seed = number("SEED");
    let jobs = number("JOBS").unwrap_or(JOBS);
    let faults = number("FAULTS").unwrap_or(jobs / JOBS_PER_FAULT);
    let asked =
        Storm { seed: seed.unwrap_or_else(|| fastrand::u64(1..1_000_000)), jobs, faults: faults as u32 };
    let mut storms = if seed.is_some() { Vec::new() } else { Storm::recorded() };
    storms.push(asked);
    for storm in storms {
        println!("seed {}, {} jobs, at least {} faults", storm.seed, storm.jobs, storm.faults);
        let report = storm.run();
        println!("{report}");
        if !report.is_clean() {
            println!("a line for tests/storm-seeds.txt: {storm}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
