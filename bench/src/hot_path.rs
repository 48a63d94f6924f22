//! `hot-path PATH ROUNDS` goes along one path of a job so many times, for callgrind to count: see `make instructions`.
//! Without arguments it lists the paths, and how many jobs a round has.

#![allow(clippy::print_stdout)]

use std::hint::black_box;

use queryfleet_bench::way::{self, Slot};
use queryfleet_job::envelope;

/// Jobs a round: a multiple of the largest chunk.
const JOBS: u64 = 128;
const PATHS: [&str; 6] = [
    "producer-chunk-1",
    "producer-chunk-32",
    "worker-chunk-1",
    "worker-chunk-32",
    "retry",
    "values-chunk-32",
];

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, rounds] = arguments.as_slice() else {
        println!("{JOBS} {}", PATHS.join(" "));
        return Ok(());
    };
    let rounds = rounds.parse().map_err(|error| format!("{rounds} is no number of rounds: {error}"))?;
    let went = match path.as_str() {
        "producer-chunk-1" => publish(1, rounds),
        "producer-chunk-32" => publish(32, rounds),
        "worker-chunk-1" => serve(1, rounds),
        "worker-chunk-32" => serve(32, rounds),
        "retry" => retry(rounds),
        "values-chunk-32" => values(rounds),
        _ => return Err(format!("{path} is no path; these are: {}", PATHS.join(" "))),
    };
    went.ok_or_else(|| format!("{path} was left on the way"))
}

fn publish(chunk: usize, rounds: u32) -> Option<()> {
    let script = way::updates(JOBS);
    (0..rounds).for_each(|_| way::publish(black_box(&script), chunk));
    Some(())
}

fn serve(chunk: usize, rounds: u32) -> Option<()> {
    let bodies: Vec<Vec<u8>> = way::chunks(JOBS, chunk).iter().map(envelope::encode).collect();
    let mut slot = Slot::default();
    (0..rounds).try_for_each(|_| bodies.iter().try_for_each(|body| slot.serve(black_box(body))))
}

fn retry(rounds: u32) -> Option<()> {
    let (chunks, slot) = (way::chunks(JOBS, 1), Slot::default());
    (0..rounds).try_for_each(|_| {
        chunks.iter().try_for_each(|chunk| slot.retry(black_box(chunk)).map(|copy| drop(black_box(copy))))
    })
}

/// Bound values on both sides of the envelope.
fn values(rounds: u32) -> Option<()> {
    let chunks = way::chunks_with_values(JOBS, 32);
    (0..rounds).try_for_each(|_| {
        chunks.iter().try_for_each(|chunk| {
            let body = envelope::encode(black_box(chunk));
            envelope::decode(&body).map(|chunk| drop(black_box(chunk))).ok()
        })
    })
}
