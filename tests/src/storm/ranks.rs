//! The workers of a storm.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;

use crate::{Fleet, Signal, Worker};

/// How many workers serve.
const WORKERS: usize = 3;
/// Slots of each.
const SLOTS: u16 = 4;
/// Seconds between heartbeats: the broker gives up on a worker that is silent for twice as long.
const HEARTBEAT_S: u64 = 2;
/// How long a drain may take: statements, their deadline, and a server that comes back meanwhile.
const DRAINED: Duration = Duration::from_secs(60);
/// Storms are to kill workers, not jobs.
const VARIABLES: [(&str, &str); 3] = [
    ("QUERYFLEET_MAX_ATTEMPTS", "50"),
    ("QUERYFLEET_STATEMENT_TIMEOUT", "3s"),
    ("QUERYFLEET_DRAIN_TIMEOUT", "3s"),
];

/// Several workers, each struck by one fault at a time.
pub(super) struct Ranks<'a> {
    fleet: &'a Fleet,
    ranks: Vec<Rank>,
}

struct Rank {
    busy: AtomicBool,
    worker: Mutex<Worker>,
}

fn start(fleet: &Fleet) -> Worker {
    let url = fleet.amqp_urls(&format!("?heartbeat={HEARTBEAT_S}"));
    let variables = [&VARIABLES[..], &[("QUERYFLEET_AMQP_URL", url.as_str())]].concat();
    fleet.worker_with(SLOTS, &variables)
}

impl<'a> Ranks<'a> {
    pub(super) fn new(fleet: &'a Fleet) -> Ranks<'a> {
        let rank = || Rank { busy: AtomicBool::new(false), worker: Mutex::new(start(fleet)) };
        Ranks { fleet, ranks: (0..WORKERS).map(|_| rank()).collect() }
    }

    /// A worker that nothing strikes now; the answer has to be given to one of the strikes.
    pub(super) fn take(&self, rng: &mut Rng) -> Option<usize> {
        let first = rng.usize(0..WORKERS);
        let mut all = (0..WORKERS).map(|index| (first + index) % WORKERS);
        all.find(|index| !self.ranks[*index].busy.swap(true, Ordering::Acquire))
    }

    /// Runs `strike` on a worker that was taken, and gives it back.
    fn strike(&self, index: usize, strike: impl FnOnce(&mut Worker)) -> Option<String> {
        let rank = &self.ranks[index];
        let mut worker = rank.worker.lock().expect("nobody panics with it");
        let died = (!worker.is_running()).then(|| format!("a worker has ended by itself:\n{}", worker.log()));
        match died {
            Some(_) => *worker = start(self.fleet),
            None => strike(&mut worker),
        }
        drop(worker);
        rank.busy.store(false, Ordering::Release);
        died
    }

    /// kill -9, and another one in its place.
    pub(super) fn kill(&self, index: usize) -> Option<String> {
        self.strike(index, |worker| {
            worker.kill();
            *worker = start(self.fleet);
        })
    }

    /// Frozen until its heartbeat is overdue, then thawed.
    pub(super) fn freeze(&self, index: usize, rng: &mut Rng) -> Option<String> {
        self.strike(index, |worker| {
            worker.signal(Signal::STOP);
            std::thread::sleep(Duration::from_millis(2000 * HEARTBEAT_S + rng.u64(500..2500)));
            worker.signal(Signal::CONT);
        })
    }

    /// SIGTERM, and another one in its place.
    pub(super) fn replace(&self, index: usize) -> Option<String> {
        let mut wrong = None;
        let died = self.strike(index, |worker| {
            worker.signal(Signal::TERM);
            wrong = drained(worker);
            *worker = start(self.fleet);
        });
        died.or(wrong)
    }

    /// Ends all of them politely; answers what went wrong.
    pub(super) fn drain(&self) -> Vec<String> {
        let workers = self.ranks.iter().map(|rank| rank.worker.lock().expect("nobody panics with it"));
        let mut workers: Vec<_> = workers.collect();
        for worker in &mut workers {
            if worker.is_running() {
                worker.signal(Signal::TERM);
            }
        }
        workers.iter_mut().filter_map(|worker| drained(worker)).collect()
    }

    /// The last lines of every worker's log.
    pub(super) fn logs(&self) -> String {
        let last = |rank: &Rank| {
            let log = rank.worker.lock().expect("nobody panics with it").log();
            let lines: Vec<&str> = log.lines().collect();
            lines[lines.len().saturating_sub(30)..].join("\n")
        };
        self.ranks.iter().map(last).collect::<Vec<_>>().join("\n---\n")
    }
}

fn drained(worker: &mut Worker) -> Option<String> {
    let code = worker.end(DRAINED);
    (code != Some(0)).then(|| format!("a drained worker ended with {code:?}:\n{}", worker.log()))
}
