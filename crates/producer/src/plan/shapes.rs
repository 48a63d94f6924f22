//! Statements by shape, and what the server would do for some of each.

use std::collections::HashMap;

use queryfleet_job::{Job, shown};
use queryfleet_ledger::{Access, Explainer, Explaining, rows_read};

use crate::Error;
use crate::plan::report::{FailedExplain, FullScan};

/// Shapes that are told apart.
const MAX_SHAPES: usize = 10_000;
/// Statements that the server is asked about, unless it is asked about all.
const MAX_SAMPLES: usize = 50;
/// A longer statement is no sample.
const MAX_SAMPLE_BYTES: usize = 16 << 10;
/// How many full scans and failing statements are named.
const MAX_FINDINGS: usize = 20;
/// Every shape met.
pub(super) struct Shapes<'a> {
    explainer: Explainer<'a>,
    index: HashMap<u64, usize>,
    shapes: Vec<Shape>,
    pub(super) explained: u64,
    full_scans: Vec<FullScan>,
    failing: Vec<FailedExplain>,
}

/// A statement that the server may be asked about.
pub(super) struct Sample {
    pub(super) place: String,
    pub(super) job: Job,
    pub(super) explaining: Explaining,
}

#[derive(Default)]
struct Shape {
    jobs: u64,
    /// The 1st, 2nd, 4th, 8th, … of them.
    samples: Vec<Sample>,
    explained: u64,
    rows: u64,
    scan: Option<usize>,
}

impl<'a> Shapes<'a> {
    pub(super) fn new(explainer: Explainer<'a>) -> Shapes<'a> {
        Shapes {
            explainer,
            index: HashMap::new(),
            shapes: Vec::new(),
            explained: 0,
            full_scans: Vec::new(),
            failing: Vec::new(),
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.shapes.len() as u64
    }

    /// Counts a job, and keeps it as a sample or asks about it at once.
    pub(super) async fn add(&mut self, shape: u64, sample: Sample, explain_now: bool) -> Result<(), Error> {
        if self.shapes.len() >= MAX_SHAPES && !self.index.contains_key(&shape) {
            return Ok(());
        }
        let at = *self.index.entry(shape).or_insert_with(|| {
            self.shapes.push(Shape::default());
            self.shapes.len() - 1
        });
        let shape = &mut self.shapes[at];
        shape.jobs += 1;
        if sample.explaining == Explaining::Never {
            return Ok(());
        }
        if explain_now {
            return self.explain(at, &sample).await;
        }
        if at < MAX_SAMPLES && shape.jobs.is_power_of_two() && sample.job.sql.len() <= MAX_SAMPLE_BYTES {
            shape.samples.push(sample);
        }
        Ok(())
    }

    /// Asks about the samples: the first of every shape, then the second, until there are enough.
    pub(super) async fn explain_samples(&mut self) -> Result<(), Error> {
        let kept: Vec<_> = self.shapes.iter_mut().map(|shape| std::mem::take(&mut shape.samples)).collect();
        let most = kept.iter().map(Vec::len).max().unwrap_or_default();
        for turn in 0..most {
            for (at, samples) in kept.iter().enumerate() {
                if self.explained >= MAX_SAMPLES as u64 {
                    return Ok(());
                }
                if let Some(sample) = samples.get(turn) {
                    self.explain(at, sample).await?;
                }
            }
        }
        Ok(())
    }

    async fn explain(&mut self, at: usize, sample: &Sample) -> Result<(), Error> {
        let Sample { place, job, explaining } = sample;
        let shape = &mut self.shapes[at];
        let accesses = match self.explainer.explain(job, *explaining == Explaining::ReadOnly).await {
            Ok(Some(accesses)) => accesses,
            // It would write.
            Ok(None) => return Ok(()),
            Err(error @ queryfleet_ledger::Error::Query { .. }) if error.code().is_some() => {
                self.explained += 1;
                if self.failing.len() < MAX_FINDINGS {
                    self.failing
                        .push(FailedExplain { place: place.clone(), error: queryfleet_job::causes(&error) });
                }
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        self.explained += 1;
        shape.explained += 1;
        shape.rows = shape.rows.saturating_add(rows_read(&accesses));
        if let Some(all) = accesses.into_iter().find(|access| access.all)
            && shape.scan.is_none()
            && self.full_scans.len() < MAX_FINDINGS
        {
            shape.scan = Some(self.full_scans.len());
            let Access { table, rows, .. } = all;
            let statement = shown(&job.sql);
            self.full_scans.push(FullScan { place: place.clone(), table, rows, jobs: shape.jobs, statement });
        }
        Ok(())
    }

    /// Rows read by all jobs of the shapes that were asked about.
    pub(super) fn rows(&self) -> Option<u64> {
        let explained = self.shapes.iter().filter(|shape| shape.explained > 0);
        let rows = explained.map(|shape| shape.rows as f64 / shape.explained as f64 * shape.jobs as f64);
        rows.reduce(|a, b| a + b).map(|rows| rows as u64)
    }

    /// What was found, each scan with the number of jobs of its shape.
    pub(super) fn into_findings(mut self) -> (Vec<FullScan>, Vec<FailedExplain>) {
        for shape in &self.shapes {
            if let Some(scan) = shape.scan {
                self.full_scans[scan].jobs = shape.jobs;
            }
        }
        (self.full_scans, self.failing)
    }
}
