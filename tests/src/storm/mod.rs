//! The storm: one long run of jobs while everything is killed, frozen, cut off and restarted, as a seed says.
//!
//! [`Storm::run`] publishes several runs one after the other, serves them with several workers, and strikes at least
//! once every two seconds until every job has ended. Then the [`Report`] compares each job's effect with its ledger
//! row. The seed fixes jobs, faults, their order and their pauses; what they hit is up to the machine.

mod fault;
mod jobs;
mod producer;
mod ranks;
mod report;
mod seeds;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::{Fleet, eventually};
use fault::Fault;
use jobs::Run;
use ranks::Ranks;
pub use report::Report;

/// Without any job ending for so long the storm gives up: something hangs.
const STANDSTILL: Duration = Duration::from_secs(150);
/// The longest pause between the beginnings of two faults, below the two seconds that are promised.
const LONGEST_PAUSE_MS: u64 = 1400;
/// How long copies may still be under way when every job has ended: the longest tier and a few locks.
const CALM: Duration = Duration::from_secs(120);

/// What a storm is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storm {
    /// Fixes jobs and faults.
    pub seed: u64,
    /// How many jobs.
    pub jobs: u64,
    /// At least so many faults: the last jobs are published only after most of them.
    pub faults: u32,
}

/// What the threads of a storm share.
struct Sky<'a> {
    fleet: &'a Fleet,
    ranks: Ranks<'a>,
    /// Faults that have begun.
    faults: AtomicU32,
    kinds: Mutex<BTreeMap<&'static str, u32>>,
    oddities: Mutex<Vec<String>>,
    /// One fault at a time for each server.
    broker_busy: AtomicBool,
    database_busy: AtomicBool,
    steering_busy: AtomicBool,
    kill_producer: AtomicBool,
    published: AtomicBool,
    over: AtomicBool,
}

impl Sky<'_> {
    /// Notes what must not have happened.
    fn odd(&self, text: String) {
        eprintln!("unexpected: {text}");
        self.oddities.lock().expect("nobody panics with it").push(text);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// How many jobs have ended; `None` while the database is down.
    fn ended(&self) -> Option<u64> {
        let rows = self.fleet.try_client()?.try_rows::<u64>("SELECT COUNT(*) FROM queryfleet_ledger").ok()?;
        rows.first().copied()
    }

    /// Waits for `pause`, or until the storm is over.
    fn pause(&self, pause: Duration) {
        let since = Instant::now();
        while since.elapsed() < pause && !self.is_over() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Storm {
    /// Lets it rage on servers of its own: three broker nodes and a database.
    pub fn run(self) -> Report {
        let began = Instant::now();
        let fleet = Fleet::with_cluster();
        let mut rng = Rng::with_seed(self.seed);
        let runs = jobs::make(&fleet, &mut rng, self.jobs);
        let sky = Sky {
            fleet: &fleet,
            ranks: Ranks::new(&fleet),
            faults: AtomicU32::new(0),
            kinds: Mutex::default(),
            oddities: Mutex::default(),
            broker_busy: AtomicBool::new(false),
            database_busy: AtomicBool::new(false),
            steering_busy: AtomicBool::new(false),
            kill_producer: AtomicBool::new(false),
            published: AtomicBool::new(false),
            over: AtomicBool::new(false),
        };
        let mut producer_rng = rng.fork();
        let longest_pause = std::thread::scope(|scope| {
            scope.spawn(|| producer::publish_all(&sky, &runs, self.faults, &mut producer_rng));
            let watch = scope.spawn(|| sky.watch(self.jobs));
            let longest = sky.rage(scope, &mut rng);
            watch.join().expect("the watch does not panic");
            longest
        });
        sky.calm();
        let kinds = std::mem::take(&mut *sky.kinds.lock().expect("nobody panics with it"));
        let oddities = std::mem::take(&mut *sky.oddities.lock().expect("nobody panics with it"));
        let (seed, jobs) = (self.seed, self.jobs);
        let mut report = Report { seed, jobs, kinds, oddities, longest_pause, ..Report::default() };
        report::judge(&fleet, &runs, &mut report);
        report.took = began.elapsed();
        report
    }
}

impl Sky<'_> {
    /// Strikes until the storm is over; answers the longest pause between the beginnings of two faults.
    fn rage<'scope>(&'scope self, scope: &'scope std::thread::Scope<'scope, '_>, rng: &mut Rng) -> Duration {
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        while !self.is_over() {
            self.pause(Duration::from_millis(rng.u64(100..LONGEST_PAUSE_MS)));
            let mut wanted = Fault::choose(rng);
            // What is struck already is left to its fault; there is always something else.
            while !self.is_over() && !fault::begin(self, scope, wanted, rng.fork()) {
                wanted = Fault::choose(rng);
            }
            if !self.is_over() {
                longest = longest.max(last.elapsed());
                last = Instant::now();
            }
        }
        longest
    }

    /// Ends the storm when every job has ended, or when nothing moves any more.
    fn watch(&self, jobs: u64) {
        let (mut known, mut moved) = (0, Instant::now());
        while !self.is_over() {
            std::thread::sleep(Duration::from_millis(100));
            let Some(ended) = self.ended() else { continue };
            if ended != known {
                (known, moved) = (ended, Instant::now());
            }
            let all = self.published.load(Ordering::Relaxed) && ended >= jobs;
            if !all && moved.elapsed() > STANDSTILL {
                self.odd(format!(
                    "nothing has ended for {STANDSTILL:?}: {ended} of {jobs} jobs\n{}",
                    self.scene()
                ));
            }
            if all || moved.elapsed() > STANDSTILL {
                self.over.store(true, Ordering::Relaxed);
            }
        }
    }

    /// What an operator would look at.
    fn scene(&self) -> String {
        let queues = self.fleet.ctl(&["list_queues", "name", "messages_ready", "messages_unacknowledged"]);
        let list =
            self.fleet.try_client().and_then(|mut client| client.try_sessions().ok()).unwrap_or_default();
        format!("{queues}\n{list:#?}\n{}", self.ranks.logs())
    }

    /// Lets every copy of a job meet its ledger row, and every worker drain.
    fn calm(&self) {
        if self.oddities.lock().expect("nobody panics with it").is_empty() {
            eventually(CALM, "every copy has been settled", || self.fleet.messages() == 0);
        }
        for text in self.ranks.drain() {
            self.odd(text);
        }
    }
}

/// A run of the storm, for those who need its name only.
impl Run {
    fn path(&self) -> &str {
        self.script.to_str().expect("a path of ours")
    }
}
