//! CPU time of a process, from /proc.

/// USER_HZ, which Linux fixes at 100 for everything that reads /proc.
const TICKS_A_SECOND: f64 = 100.0;

/// Seconds of CPU that a process has used, all of its threads together; 0 when it is gone.
pub(crate) fn cpu_seconds(pid: Option<u32>) -> f64 {
    pid.map_or(0.0, |pid| stat(&pid.to_string()).own)
}

/// What /proc tells of a process.
#[derive(Default)]
#[allow(dead_code)] // `make bench-quick` looks at `own` only
pub(crate) struct Stat {
    pub(crate) parent: u32,
    /// Seconds of CPU of all of its threads.
    pub(crate) own: f64,
    /// Seconds of CPU of all of its children that have ended and were waited for, and of theirs.
    pub(crate) reaped: f64,
}

/// What /proc tells of `process`, a number or `self`; nothing when it is gone.
pub(crate) fn stat(process: &str) -> Stat {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in parentheses may hold spaces. After it: state, parent; utime, stime, cutime, cstime from the 12th on.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let number = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    let seconds = |first: usize| (number(first) + number(first + 1)) / TICKS_A_SECOND;
    Stat { parent: number(1) as u32, own: seconds(11), reaped: seconds(13) }
}
