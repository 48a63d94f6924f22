//! The jobs of a storm: runs of increments, some of them slow, some that cannot succeed.

use std::path::PathBuf;

use fastrand::Rng;

use crate::Fleet;

/// One job in so many inserts a row that is there already.
const ONE_BAD_IN: u64 = 40;
/// One job in so many takes a while, so that faults meet it in the middle.
const ONE_SLOW_IN: u64 = 40;
/// The sizes of a chunk.
const CHUNKS: [u64; 3] = [1, 8, 32];
/// About how many jobs a run has: enough to be interrupted, so few that publishing goes on through all of a storm.
const RUN_JOBS: u64 = 1500;
/// At least one run of each chunk size.
const FEWEST_RUNS: u64 = 3;

/// One run, with the rows of `t` that its jobs count in: job `seq` counts in row `first + seq - 1`.
pub(super) struct Run {
    pub(super) name: String,
    pub(super) script: PathBuf,
    pub(super) chunk: u64,
    pub(super) first: u64,
    /// Whether each job, by seq - 1, is to fail for good.
    pub(super) bad: Vec<bool>,
}

/// Makes the counters and the scripts.
pub(super) fn make(fleet: &Fleet, rng: &mut Rng, jobs: u64) -> Vec<Run> {
    fleet.make_counters(jobs);
    let count = (jobs / RUN_JOBS).max(FEWEST_RUNS);
    let cut = |index: u64| jobs * index / count;
    (0..count).map(|index| run(fleet, rng, index, cut(index) + 1, cut(index + 1))).collect()
}

fn run(fleet: &Fleet, rng: &mut Rng, index: u64, first: u64, last: u64) -> Run {
    let bad: Vec<bool> = (first..=last).map(|_| rng.u64(0..ONE_BAD_IN) == 0).collect();
    let lines = (first..=last).zip(&bad).map(|(id, bad)| match bad {
        true => format!("INSERT INTO t (id) VALUES ({id});"),
        false if rng.u64(0..ONE_SLOW_IN) == 0 => {
            format!("UPDATE t SET n = n + 1 + 0 * SLEEP(0.05) WHERE id = {id};")
        }
        false => format!("UPDATE t SET n = n + 1 WHERE id = {id};"),
    });
    let lines: Vec<String> = lines.collect();
    let chunk = CHUNKS[((index + rng.u64(0..2)) % 3) as usize];
    Run { name: format!("storm-{index}"), script: fleet.script(lines), chunk, first, bad }
}
