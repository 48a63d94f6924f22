//! The producer of a storm: publishes run after run, is killed, and goes on.

use std::process::{Child, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use fastrand::Rng;

use super::Sky;
use super::jobs::Run;

/// The last run waits for so many hundredths of the faults.
const PACE: u64 = 90;

/// Publishes all runs, spread over the storm's faults. What was interrupted is published again under its name.
pub(super) fn publish_all(sky: &Sky<'_>, runs: &[Run], faults: u32, rng: &mut Rng) {
    let mut before: u64 = 0;
    for (index, run) in runs.iter().enumerate() {
        let due = u64::from(faults) * PACE / 100 * index as u64 / runs.len() as u64;
        while u64::from(sky.faults.load(Ordering::Relaxed)) < due && !sky.is_over() {
            sky.pause(Duration::from_millis(20));
        }
        while !sky.is_over() && !publish(sky, run, rng) {}
        before += run.bad.len() as u64;
        println!("{} published, chunk {}: {before} jobs", run.name, run.chunk);
    }
    sky.published.store(true, Ordering::Relaxed);
}

/// Publishes one run; false when it was interrupted.
fn publish(sky: &Sky<'_>, run: &Run, rng: &mut Rng) -> bool {
    let chunk = run.chunk.to_string();
    let mut command = sky.fleet.command(&["publish", run.path(), "--run", &run.name, "--chunk", &chunk]);
    // A small window: publishing takes long enough to be met by a fault.
    command.env("QUERYFLEET_CONFIRM_WINDOW", "16").stdin(Stdio::null()).stdout(Stdio::null());
    let mut producer = command.stderr(Stdio::piped()).spawn().expect("the program starts");
    let status = loop {
        if let Some(status) = producer.try_wait().expect("a child of ours") {
            break status;
        }
        if sky.is_over() || sky.kill_producer.swap(false, Ordering::Relaxed) {
            sky.pause(Duration::from_millis(rng.u64(0..300)));
            let _ = producer.kill();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    if let Some(code) = status.code().filter(|code| !matches!(code, 0 | 1)) {
        sky.odd(format!("publish has ended with {code}: {}", said(&mut producer)));
    }
    if status.code() == Some(1) {
        eprintln!("{} was interrupted: {}", run.name, said(&mut producer));
        // A server is down: there is no use in asking at once.
        sky.pause(Duration::from_millis(rng.u64(50..500)));
    }
    status.success()
}

fn said(producer: &mut Child) -> String {
    let mut text = String::new();
    if let Some(mut err) = producer.stderr.take() {
        let _ = std::io::Read::read_to_string(&mut err, &mut text);
    }
    text.trim().to_owned()
}
