//! What the demo says in the end.

use std::fmt;
use std::time::Duration;

use indicatif::HumanCount;
use queryfleet::RunStatus;
use serde::Serialize;

use crate::command::demo::fleet::Worker;
use crate::command::demo::table::Rows;

/// What came of the run.
pub(crate) struct Report {
    /// How many statements were published.
    pub(crate) jobs: u64,
    /// What the ledger says.
    pub(crate) status: RunStatus,
    /// What the table says.
    pub(crate) rows: Rows,
    /// From the start of the first worker to the end of the last job.
    pub(crate) took: Duration,
    /// Every worker, with its last counters.
    pub(crate) workers: Vec<Worker>,
}

/// A contract: keys are added, never changed.
#[derive(Serialize)]
pub(crate) struct ReportView {
    jobs: u64,
    done: u64,
    dead: u64,
    lost: u64,
    doubled: u64,
    statements_per_second: f64,
    workers_killed: usize,
    seconds: f64,
    redeliveries: u64,
    ended_before: u64,
    workers: Vec<WorkerView>,
}

/// A contract: keys are added, never changed.
#[derive(Serialize)]
struct WorkerView {
    pid: u32,
    jobs: u64,
    killed: bool,
}

impl From<&Worker> for WorkerView {
    fn from(worker: &Worker) -> WorkerView {
        WorkerView { pid: worker.pid, jobs: worker.counters.done, killed: worker.killed }
    }
}

impl Report {
    /// How the promise was broken; `None` when every statement took effect exactly once.
    pub(crate) fn broken(&self) -> Option<String> {
        let RunStatus { done, dead, .. } = self.status;
        let Rows { lost, doubled } = self.rows;
        let kept = done == self.jobs && (dead, lost, doubled) == (0, 0, 0);
        let how = || {
            format!("of {} statements {done} done, {dead} dead, {lost} lost, {doubled} doubled", self.jobs)
        };
        (!kept).then(how)
    }

    pub(crate) fn view(&self) -> ReportView {
        ReportView {
            jobs: self.jobs,
            done: self.status.done,
            dead: self.status.dead,
            lost: self.rows.lost,
            doubled: self.rows.doubled,
            statements_per_second: self.rate().round(),
            workers_killed: self.workers.iter().filter(|worker| worker.killed).count(),
            seconds: (self.took.as_secs_f64() * 1000.0).round() / 1000.0,
            redeliveries: self.redeliveries(),
            ended_before: self.ended_before(),
            workers: self.workers.iter().map(WorkerView::from).collect(),
        }
    }

    fn rate(&self) -> f64 {
        self.status.done as f64 / self.took.as_secs_f64().max(0.001)
    }

    fn redeliveries(&self) -> u64 {
        self.workers.iter().map(|worker| worker.counters.redeliveries).sum()
    }

    fn ended_before(&self) -> u64 {
        self.workers.iter().map(|worker| worker.counters.ended_before).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, name, count, meaning| {
            writeln!(f, "  {name:<8} {:>7}   {meaning}", HumanCount(count).to_string())
        };
        writeln!(f, "of {} statements", HumanCount(self.jobs))?;
        line(f, "done", self.status.done, "in the ledger")?;
        line(f, "dead", self.status.dead, "in the ledger: failed for good")?;
        line(f, "lost", self.rows.lost, "in the table: rows that are still 0")?;
        line(f, "doubled", self.rows.doubled, "in the table: updates beyond the first of a row")?;
        let rate = HumanCount(self.rate().round() as u64);
        writeln!(f, "{rate} statements/s, {:.1} s in all\n", self.took.as_secs_f64())?;
        writeln!(f, "the workers' counters")?;
        for worker in &self.workers {
            let end =
                if worker.killed { "killed with SIGKILL; read just before" } else { "drained with SIGTERM" };
            let done = HumanCount(worker.counters.done).to_string();
            writeln!(f, "  pid {:<8} {done:>7} jobs done; {end}", worker.pid)?;
        }
        let again = self.redeliveries();
        let before = self.ended_before();
        writeln!(
            f,
            "  {again} jobs were delivered a second time; {before} of them had committed, and were not run again"
        )?;
        match self.broken() {
            None => write!(f, "\nevery row is exactly 1: every statement took effect exactly once"),
            Some(_) => write!(f, "\nthe promise was broken"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_these_keys() {
        let view = ReportView {
            jobs: 3,
            done: 3,
            dead: 0,
            lost: 0,
            doubled: 0,
            statements_per_second: 1.0,
            workers_killed: 1,
            seconds: 3.0,
            redeliveries: 0,
            ended_before: 0,
            workers: vec![WorkerView { pid: 1, jobs: 3, killed: true }],
        };
        expect_test::expect![[r#"{"jobs":3,"done":3,"dead":0,"lost":0,"doubled":0,"statements_per_second":1.0,"workers_killed":1,"seconds":3.0,"redeliveries":0,"ended_before":0,"workers":[{"pid":1,"jobs":3,"killed":true}]}"#]]
        .assert_eq(&serde_json::to_string(&view).unwrap());
    }
}
