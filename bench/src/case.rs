//! A case: one side with one workload.

use std::fmt;
use std::path::PathBuf;

use crate::Fault;
use crate::ground::Ground;
use crate::results::Sample;
use crate::sides::{self, Side};
use crate::workload::Workload;

/// What a side is given to do.
pub(crate) struct Task {
    pub(crate) workload: Workload,
    pub(crate) jobs: usize,
    /// The statements, one a line, where the workload has any.
    pub(crate) script: PathBuf,
}

/// One side with one workload.
pub(crate) struct Case {
    pub(crate) workload: Workload,
    pub(crate) side: Box<dyn Side>,
    pub(crate) jobs: usize,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.workload.name(), self.side.name())
    }
}

impl Case {
    /// Lets the side do the workload once, on tables made for it, and looks at what it left behind.
    pub(crate) fn run(&self, ground: &Ground) -> Result<Sample, Fault> {
        let script = ground.folder().join("jobs.sql");
        self.workload.prepare(ground, self.jobs, &script)?;
        let task = Task { workload: self.workload, jobs: self.jobs, script };
        let sample = self.side.run(ground, &task)?;
        self.workload.check(ground, self.jobs)?;
        Ok(sample)
    }
}

/// All cases, or those whose name holds one of the words in `only`, in the order in which a round runs them.
pub(crate) fn all(only: Option<&str>) -> Vec<Case> {
    let mut cases = Vec::new();
    for workload in Workload::ALL {
        for side in sides::all() {
            if let Some(jobs) = side.jobs(workload) {
                cases.push(Case { workload, side, jobs });
            }
        }
    }
    if let Some(only) = only {
        cases.retain(|case| only.split(';').any(|word| case.to_string().contains(word.trim())));
    }
    cases
}
