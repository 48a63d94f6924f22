//! `make bench-micro`: single stages of a job's way, each timed by itself.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use queryfleet_bench::way::{self, Slot};
use queryfleet_job::{Failure, Outcome, Spent, envelope};
use queryfleet_sql::{self, SqlMode};

fn main() {
    // Some 40 s in all.
    let mut criterion = Criterion::default()
        .without_plots()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    lexer(&mut criterion);
    envelopes(&mut criterion);
    worker(&mut criterion);
    criterion.final_summary();
}

/// Bytes a second of scripts in memory; one statement, as a worker checks it.
fn lexer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("split");
    for (name, script) in [("updates", way::updates(10_000)), ("inserts", way::inserts(10))] {
        group.throughput(Throughput::BytesDecimal(script.len() as u64));
        group.bench_function(name, |timer| {
            timer.iter(|| way::split(black_box(&script), |statement| _ = black_box(statement)));
        });
    }
    group.finish();
    let sql = "UPDATE accounts SET balance = 1234.56, note = 'it''s late' WHERE id = 1234567890 -- x";
    criterion.bench_function("check", |timer| {
        timer.iter(|| queryfleet_sql::check(black_box(sql), SqlMode::default()));
    });
}

/// Jobs a second, with four bound values each or none.
fn envelopes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("envelope");
    let cases = [
        ("chunk-1", way::chunks(1, 1)),
        ("chunk-32", way::chunks(32, 32)),
        ("chunk-1-values", way::chunks_with_values(1, 1)),
        ("chunk-32-values", way::chunks_with_values(32, 32)),
    ];
    for (name, chunks) in cases {
        let [chunk] = chunks.as_slice() else { continue };
        let body = envelope::encode(chunk);
        group.throughput(Throughput::Elements(chunk.jobs.len() as u64));
        group.bench_function(format!("encode-{name}"), |timer| {
            timer.iter(|| envelope::encode(black_box(chunk)));
        });
        group.bench_function(format!("decode-{name}"), |timer| {
            timer.iter(|| envelope::decode(black_box(&body)));
        });
    }
    group.finish();
}

/// The text of the packet and the decision after it.
fn worker(criterion: &mut Criterion) {
    let mut slot = Slot::default();
    let mut group = criterion.benchmark_group("packet");
    for size in [1, 32] {
        let chunks = way::chunks(size, size as usize);
        group.throughput(Throughput::Elements(size));
        group.bench_function(format!("chunk-{size}"), |timer| {
            timer.iter(|| chunks.iter().map(|chunk| slot.fill(black_box(chunk)).len()).sum::<usize>());
        });
    }
    group.finish();
    let progress = Spent { attempts: 1, tries_here: 3, held: Duration::ZERO };
    let mut group = criterion.benchmark_group("settle");
    for outcome in [Outcome::Done(1), Outcome::Conflict(Failure::said("deadlock"))] {
        let name = outcome.class().as_str();
        group.bench_function(name, |timer| timer.iter(|| slot.settle(&outcome, progress)));
    }
    group.finish();
}
