//! Measures the lexer on one core: `cargo run --release -p queryfleet-job --example split_rate`.

use queryfleet_job::lexer::{Splitter, SqlMode, check};
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

const MEGABYTES: usize = 256;
const PIECE: usize = 128 << 10;

fn main() {
    println!("single-row UPDATEs: {:.0} MB/s", split_rate(&updates()));
    println!("long INSERTs:       {:.0} MB/s", split_rate(&inserts()));
    let update = "UPDATE accounts SET balance = 1234.56, note = 'it''s late' WHERE id = 1234567890 -- x";
    println!("check of {} bytes:  {:.0} ns", update.len(), check_nanoseconds(update));
}

fn updates() -> String {
    let mut script = String::new();
    for id in 0.. {
        let _ = writeln!(script, "UPDATE account SET note = 'paid, it''s {id}', state = 2 WHERE id = {id};");
        if script.len() >= 8 << 20 {
            break;
        }
    }
    script
}

fn inserts() -> String {
    let mut script = String::new();
    while script.len() < 8 << 20 {
        script.push_str("INSERT INTO `account` VALUES (0,'x',NULL)");
        for id in 1..2000 {
            let _ = write!(script, ",({id},'name of \\'{id}\\'','2024-01-02 03:04:05',{id}.5,NULL)");
        }
        script.push_str(";\n");
    }
    script
}

/// The best of several rounds, in megabytes a second.
fn split_rate(script: &str) -> f64 {
    let rounds = (MEGABYTES << 20) / script.len();
    let best = (0..rounds).map(|_| {
        let start = Instant::now();
        let mut splitter = Splitter::new(SqlMode::default(), 16 << 20);
        let mut bytes = 0;
        for piece in script.as_bytes().chunks(PIECE) {
            splitter.feed(piece);
            while let Ok(Some(statement)) = splitter.next_statement() {
                bytes += black_box(statement).sql.len();
            }
        }
        black_box(bytes);
        start.elapsed().as_secs_f64()
    });
    script.len() as f64 / 1e6 / best.fold(f64::MAX, f64::min)
}

fn check_nanoseconds(sql: &str) -> f64 {
    const ROUNDS: u32 = 1_000_000;
    let best = (0..5).map(|_| {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            let _ = black_box(check(black_box(sql), SqlMode::default()));
        }
        start.elapsed().as_secs_f64() / f64::from(ROUNDS) * 1e9
    });
    best.fold(f64::MAX, f64::min)
}
