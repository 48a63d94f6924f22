//! What became of every job: the oracle of a storm.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use super::jobs::Run;
use crate::Fleet;

/// How many oddities a report shows.
const SHOWN: usize = 20;
/// Why a storm may kill a job: it met the job again and again.
const BY_STORM: [&str; 3] = ["attempts", "timeout", "delivery_limit"];

/// The end of a storm.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The seed that it had.
    pub seed: u64,
    /// The jobs that were published.
    pub jobs: u64,
    /// Good jobs without effect that the ledger does not say to be dead.
    pub lost: u64,
    /// Jobs with more than one effect.
    pub doubled: u64,
    /// What must not have happened: ledger and effect differ, a row too many or too few, a worker that died by itself.
    pub oddities: Vec<String>,
    /// Jobs that the storm has killed, all of them accounted for.
    pub dead_by_storm: u64,
    /// Faults by kind.
    pub kinds: BTreeMap<&'static str, u32>,
    /// The longest pause between the beginnings of two faults.
    pub longest_pause: Duration,
    /// How long it took, servers included.
    pub took: Duration,
}

impl Report {
    /// Whether nothing was lost, doubled or unexpected.
    pub fn is_clean(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.oddities.is_empty()
    }

    /// How many faults struck.
    pub fn faults(&self) -> u32 {
        self.kinds.values().sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for text in self.oddities.iter().take(SHOWN) {
            writeln!(f, "unexpected: {text}")?;
        }
        for (kind, count) in &self.kinds {
            writeln!(f, "{kind:<20} {count:>5}")?;
        }
        writeln!(f, "{:<20} {:>5}", "faults", self.faults())?;
        writeln!(f, "longest-pause        {:>5.1} s", self.longest_pause.as_secs_f64())?;
        writeln!(f, "jobs {}, killed by the storm and accounted for {}", self.jobs, self.dead_by_storm)?;
        writeln!(f, "seed {}, seconds {:.0}", self.seed, self.took.as_secs_f64())?;
        write!(
            f,
            "lost-count {}, doubled-count {}, unexpected-count {}",
            self.lost,
            self.doubled,
            self.oddities.len()
        )
    }
}

/// A job's ledger state, and why it is dead.
type Ending = (String, Option<String>);

/// Compares each job's effect with its ledger row.
pub(super) fn judge(fleet: &Fleet, runs: &[Run], report: &mut Report) {
    let effects: HashMap<u64, i64> = fleet.rows("SELECT id, n FROM t").into_iter().collect();
    let mut rows = 0;
    for run in runs {
        let id = fleet.run_id(&run.name);
        let query = format!(
            "SELECT l.seq, l.state, d.reason FROM queryfleet_ledger l \
             LEFT JOIN queryfleet_dead d ON d.run = l.run AND d.seq = l.seq AND d.state = 'dead' WHERE l.run = {id}"
        );
        let endings: Vec<(u64, String, Option<String>)> = fleet.rows(&query);
        rows += endings.len() as u64;
        let endings: HashMap<u64, Ending> =
            endings.into_iter().map(|(seq, state, reason)| (seq, (state, reason))).collect();
        for (seq, bad) in (1..).zip(&run.bad) {
            let n = effects.get(&(run.first + seq - 1)).copied().unwrap_or(i64::MIN);
            judge_job(report, &format!("{}/{seq}", run.name), *bad, n, endings.get(&seq));
        }
    }
    let wrong = |what: &str, count: u64, wanted: u64| {
        (count != wanted).then(|| format!("{count} rows in {what} instead of {wanted}"))
    };
    report.oddities.extend(wrong("the ledger of these runs", rows, report.jobs));
    let all = fleet.number("SELECT COUNT(*) FROM queryfleet_ledger");
    report.oddities.extend(wrong("the whole ledger", all, report.jobs));
    report.oddities.extend(wrong("t", effects.len() as u64, report.jobs));
    let dead = fleet.number("SELECT COUNT(*) FROM queryfleet_dead");
    report.oddities.extend(wrong("queryfleet_dead", dead, fleet.ledger("dead")));
    let nobodys = "SELECT CONCAT_WS('; ', d.run, d.seq, d.state, d.reason, d.message, d.first_error, d.attempts, d.worker, d.died) \
        FROM queryfleet_dead d LEFT JOIN queryfleet_ledger l ON l.run = d.run AND l.seq = d.seq WHERE l.seq IS NULL";
    let nobodys = fleet.rows::<(String,)>(nobodys);
    report
        .oddities
        .extend(nobodys.into_iter().map(|(row,)| format!("a dead row without a ledger row: {row}")));
}

fn judge_job(report: &mut Report, name: &str, bad: bool, n: i64, ending: Option<&Ending>) {
    let Some((state, reason)) = ending else {
        report.lost += u64::from(!bad && n == 0);
        report.oddities.push(format!("{name} has no ledger row, and {n} effects"));
        return;
    };
    let reason = reason.as_deref().unwrap_or("no dead row");
    report.doubled += u64::from(n > 1);
    match (bad, state.as_str(), n) {
        (false, "done", 1) => {}
        (true, "dead", 0) if reason == "error" => {}
        (_, "dead", 0) if BY_STORM.contains(&reason) => report.dead_by_storm += 1,
        (false, "done", 0) => report.lost += 1,
        (_, _, 2..) => {}
        _ => report.oddities.push(format!("{name} is {state} ({reason}) with {n} effects, bad: {bad}")),
    }
}
