//! What a side uses between two moments: time, CPU of everybody, the most memory.

use std::collections::HashMap;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::cpu::{cpu_seconds, stat};
use crate::ground::Ground;

/// How often memory is looked at. Each look reads /proc for some milliseconds.
const LOOK: Duration = Duration::from_millis(400);
const MIB: f64 = 1024.0;

/// Runs from one moment to another.
pub(crate) struct Meter<'a> {
    ground: &'a Ground,
    client: u32,
    since: Instant,
    cpu: [f64; 3],
    memory: (Sender<()>, JoinHandle<f64>),
}

/// What was used between the two.
pub(crate) struct Used {
    pub(crate) seconds: f64,
    /// Client with all its children, broker, database.
    pub(crate) cpu: [f64; 3],
    /// The most memory of the client with all its children: the sum of their PSS, in MiB.
    pub(crate) memory: f64,
}

impl<'a> Meter<'a> {
    /// Begins: `client` is the process whose tree is the client.
    pub(crate) fn start(ground: &'a Ground, client: u32) -> Meter<'a> {
        let (stop, stopped) = channel();
        let memory = std::thread::spawn(move || {
            let mut most = 0.0_f64;
            loop {
                most = most.max(tree(client).iter().map(|pid| pss(*pid)).sum());
                if stopped.recv_timeout(LOOK) != Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                    return most / MIB;
                }
            }
        });
        let cpu = cpu(ground, client);
        Meter { ground, client, since: Instant::now(), cpu, memory: (stop, memory) }
    }

    /// Ends; the client still runs, or was waited for.
    pub(crate) fn stop(self) -> Used {
        let seconds = self.since.elapsed().as_secs_f64();
        let now = cpu(self.ground, self.client);
        let (stop, memory) = self.memory;
        drop(stop);
        Used {
            seconds,
            cpu: [0, 1, 2].map(|who| now[who] - self.cpu[who]),
            // It does nothing that could panic.
            memory: memory.join().unwrap_or_default(),
        }
    }
}

fn cpu(ground: &Ground, client: u32) -> [f64; 3] {
    let living = tree(client).into_iter().map(|pid| stat(&pid.to_string()));
    let client: f64 = living.map(|stat| stat.own + stat.reaped).sum();
    // Of ours only clients end between two readings.
    let ended = stat("self").reaped;
    let stack = &ground.stack;
    [client + ended, cpu_seconds(stack.rabbitmq.pid()), cpu_seconds(stack.database.pid())]
}

/// A process and all of its descendants.
fn tree(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        if let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            children.entry(stat(&format!("{pid}")).parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut at = 0;
    while let Some(pid) = found.get(at) {
        found.extend(children.get(pid).into_iter().flatten().copied().collect::<Vec<_>>());
        at += 1;
    }
    found
}

/// KiB of memory, with pages that several processes share divided among them.
fn pss(pid: u32) -> f64 {
    field(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

/// The most resident memory that a process has had, in MiB.
pub(crate) fn peak_rss(pid: u32) -> f64 {
    field(&format!("/proc/{pid}/status"), "VmHWM:") / MIB
}

fn field(file: &str, name: &str) -> f64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
