//! `make storm`: one long run under random faults, from a seed.

// A number that cannot be read ends it, with the number's name.
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::process::ExitCode;

use queryfleet_tests::storm::Storm;

const JOBS: u64 = 20_000;
/// A fault for so many jobs: two hundred for a hundred thousand.
const JOBS_A_FAULT: u64 = 500;

/// The number in an environment variable; `None` when it is unset or empty.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().expect(name))
}

fn main() -> ExitCode {
    let seed = number("SEED").unwrap_or_else(|| fastrand::u64(1..1_000_000));
    let jobs = number("JOBS").unwrap_or(JOBS);
    let faults = number("FAULTS").unwrap_or(jobs / JOBS_A_FAULT);
    println!("seed {seed}, {jobs} jobs, at least {faults} faults");
    let report = Storm { seed, jobs, faults: faults as u32 }.run();
    println!("{report}");
    if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
