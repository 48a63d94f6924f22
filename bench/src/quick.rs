//! `make bench-quick`: 4 and 16 slots, chunk 1 and 32, in under a minute.
//!
//! Publishes first, then lets one worker drain the queue, so that each figure is of one thing. Prints a table and
//! appends it to the file that is given, so that a merge shows what it changed.

#![allow(clippy::print_stdout)]

mod cpu;

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cpu::cpu_seconds;
use queryfleet_devstack::{Options, Stack, scrape};

/// Slots, chunk, jobs: enough of them for some seconds each.
const CASES: [(usize, usize, usize); 4] =
    [(4, 1, 20_000), (16, 1, 20_000), (4, 32, 100_000), (16, 32, 100_000)];
const PORT_FILE_LINE: &str = "metrics=";

fn main() -> Result<(), Box<dyn Error>> {
    let history = std::env::args().nth(1).map(PathBuf::from);
    let program = std::env::current_exe()?.with_file_name("queryfleet");
    let stack = Stack::start(&Options { sleepy_broker: true, ..Options::default() })?;
    queryfleet(&program, &stack, &["setup"])?;
    let mut rows = String::new();
    for case in CASES {
        let row = measure(&program, &stack, case)?;
        print!("{row}");
        rows.push_str(&row);
    }
    if let Some(path) = history {
        std::fs::OpenOptions::new().append(true).create(true).open(path)?.write_all(rows.as_bytes())?;
    }
    stack.stop()?;
    Ok(())
}

fn measure(
    program: &Path,
    stack: &Stack,
    (slots, chunk, jobs): (usize, usize, usize),
) -> Result<String, Box<dyn Error>> {
    let database = &stack.database;
    database.query(&format!(
        "USE queryfleet; DROP TABLE IF EXISTS t; CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0); \
         INSERT INTO t (id) SELECT seq FROM seq_1_to_{jobs}"
    ))?;
    let script = stack.folder().join("quick.sql");
    let text: String = (1..=jobs).map(|id| format!("UPDATE t SET n = n + 1 WHERE id = {id};\n")).collect();
    std::fs::write(&script, text)?;
    let published = Instant::now();
    let file = script.to_str().ok_or("the temporary folder's name is not UTF-8")?;
    queryfleet(program, stack, &["publish", file, "--again", "--chunk", &chunk.to_string()])?;
    let publish_rate = jobs as f64 / published.elapsed().as_secs_f64();
    let before = [cpu_seconds(stack.rabbitmq.pid()), cpu_seconds(database.pid())];
    let (worker, address) = start_worker(program, stack, slots)?;
    let started = Instant::now();
    while jobs_ended(&address)? < jobs as f64 {
        if started.elapsed() > Duration::from_secs(60) {
            return Err("the worker did not finish within 60 s".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let took = started.elapsed().as_secs_f64();
    let used = [
        cpu_seconds(Some(worker.0.id())),
        cpu_seconds(stack.rabbitmq.pid()) - before[0],
        cpu_seconds(database.pid()) - before[1],
    ];
    drop(worker);
    let wrong = database.query("SELECT COUNT(*) FROM queryfleet.t WHERE n <> 1")?;
    if wrong.trim() != "0" {
        return Err(format!("{} rows are not exactly 1", wrong.trim()).into());
    }
    let micros = used.map(|seconds| seconds * 1e6 / jobs as f64);
    let mut row = String::new();
    writeln!(
        row,
        "| {} | {slots} | {chunk} | {:.0} | {:.0} | {:.0} | {:.0} | {publish_rate:.0} |",
        revision(),
        jobs as f64 / took,
        micros[0],
        micros[1],
        micros[2],
    )?;
    Ok(row)
}

/// The attempts at jobs that a worker has ended so far.
fn jobs_ended(address: &str) -> std::io::Result<f64> {
    let metrics = scrape::get(address, "/metrics")?.body;
    Ok(scrape::sum(&metrics, "queryfleet_jobs_total", &[]))
}

fn queryfleet(program: &Path, stack: &Stack, arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let output = Command::new(program).args(arguments).envs(stack.env()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("queryfleet {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)).into())
}

/// A worker that is killed when it is dropped.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a worker and reads from its log where its metrics are.
fn start_worker(program: &Path, stack: &Stack, slots: usize) -> Result<(Worker, String), Box<dyn Error>> {
    let mut child = Command::new(program)
        .args(["work", "--slots", &slots.to_string()])
        .envs(stack.env())
        .env("QUERYFLEET_METRICS_LISTEN", "127.0.0.1:0")
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = child.stderr.take().ok_or("no stderr")?;
    let worker = Worker(child);
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(stderr));
    for line in &mut lines {
        let line = line?;
        if let Some((_, address)) = line.split_once(PORT_FILE_LINE) {
            let address = address.split_whitespace().next().unwrap_or_default().to_owned();
            std::thread::spawn(move || lines.for_each(drop));
            return Ok((worker, address));
        }
    }
    Err("the worker ended before it served".into())
}

/// The commit that is measured, with a `+` when the tree differs from it.
fn revision() -> String {
    let output = Command::new("git").args(["describe", "--always", "--dirty=+"]).output();
    output.map_or_else(|_| "?".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
