//! What was measured, kept as JSON from one call of the bench to the next.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Fault;
use crate::case::Case;
use crate::meter::Used;

/// One side's work on one workload, once.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// In the workload's unit.
    pub(crate) value: f64,
    /// Statements, or rows, that `value` and `cpu` are of.
    pub(crate) count: f64,
    /// Statements published a second, by sides that publish first.
    pub(crate) published: Option<f64>,
    /// CPU of publisher and broker for each of them, in microseconds.
    pub(crate) publishing: Option<f64>,
    /// CPU seconds, while the statements were executed, of the client with its children, the broker, the database.
    pub(crate) cpu: [f64; 3],
    /// The most memory (PSS) of the client with its children, in MiB.
    pub(crate) memory: f64,
    /// The most resident memory of our worker, in MiB.
    pub(crate) rss: Option<f64>,
}

impl Sample {
    /// `count` statements or rows, for all of what was used.
    pub(crate) fn of(count: f64, used: &Used) -> Sample {
        Sample { value: count / used.seconds, count, cpu: used.cpu, memory: used.memory, ..Sample::default() }
    }

    /// The same, of a side that has published its statements first, as `publish` says.
    pub(crate) fn after(self, publish: &Sample) -> Sample {
        let [publisher, broker, _] = publish.micros();
        Sample { published: Some(publish.value), publishing: Some(publisher + broker), ..self }
    }

    /// Microseconds of CPU a statement, or row, of client, broker and database.
    pub(crate) fn micros(&self) -> [f64; 3] {
        self.cpu.map(|seconds| if self.count > 0.0 { seconds * 1e6 / self.count } else { 0.0 })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [client, broker, database] = self.cpu;
        write!(f, "{:.1}, CPU {client:.2} {broker:.2} {database:.2} s, {:.0} MiB", self.value, self.memory)?;
        self.published.map_or(Ok(()), |published| write!(f, ", {published:.0} published/s"))
    }
}

/// The samples of a case.
#[derive(Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) workload: String,
    pub(crate) side: String,
    pub(crate) jobs: usize,
    pub(crate) unit: String,
    /// The commit that was measured.
    pub(crate) revision: String,
    pub(crate) median: Sample,
    /// One a round.
    pub(crate) samples: Vec<Sample>,
}

/// All that was measured.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) revision: String,
    pub(crate) versions: Vec<(String, String)>,
    pub(crate) cases: Vec<Measured>,
}

impl Results {
    /// What an earlier call has saved; nothing when there was none.
    pub(crate) fn load(file: &Path) -> Result<Results, Fault> {
        if !file.exists() {
            return Ok(Results::default());
        }
        Ok(serde_json::from_slice(&std::fs::read(file)?)?)
    }

    /// A line a case, so that a diff shows what is new.
    pub(crate) fn save(&self, file: &Path) -> Result<(), Fault> {
        let cases: Vec<String> = self.cases.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        let versions = serde_json::to_string(&self.versions)?;
        let revision = serde_json::to_string(&self.revision)?;
        let head = format!("\"revision\":{revision},\n\"versions\":{versions}");
        Ok(std::fs::write(file, format!("{{{head},\n\"cases\":[\n{}\n]}}\n", cases.join(",\n")))?)
    }

    /// Empties these cases, which are to be measured again, and puts all into the order of the rounds.
    pub(crate) fn forget(&mut self, cases: &[Case]) {
        let all = crate::case::all(None);
        let mut kept = Vec::new();
        for case in &all {
            let (workload, side) = (case.workload.name().to_owned(), case.side.name());
            let again = cases.iter().any(|other| other.to_string() == case.to_string());
            let before = self.cases.iter().position(|old| old.workload == workload && old.side == side);
            match before {
                Some(at) if !again => kept.push(self.cases.swap_remove(at)),
                _ if again => kept.push(Measured {
                    workload,
                    side,
                    jobs: case.jobs,
                    unit: case.workload.unit().to_owned(),
                    revision: self.revision.clone(),
                    median: Sample::default(),
                    samples: Vec::new(),
                }),
                _ => {}
            }
        }
        self.cases = kept;
    }

    pub(crate) fn add(&mut self, case: &Case, sample: Sample) {
        let (workload, side) = (case.workload.name(), case.side.name());
        let found = self.cases.iter_mut().find(|old| old.workload == workload && old.side == side);
        if let Some(measured) = found {
            measured.samples.push(sample);
            measured.median = median_sample(&measured.samples);
        }
    }

    /// The medians of a case.
    pub(crate) fn median(&self, workload: &str, side: &str) -> Option<&Sample> {
        let mut cases = self.cases.iter().filter(|case| !case.samples.is_empty());
        cases.find(|case| case.workload == workload && case.side == side).map(|case| &case.median)
    }
}

fn median_sample(samples: &[Sample]) -> Sample {
    let each = |field: &dyn Fn(&Sample) -> Option<f64>| median(samples.iter().filter_map(field).collect());
    let cpu = |who: usize| each(&|sample| Some(sample.cpu[who])).unwrap_or_default();
    Sample {
        value: each(&|sample| Some(sample.value)).unwrap_or_default(),
        count: each(&|sample| Some(sample.count)).unwrap_or_default(),
        published: each(&|sample| sample.published),
        publishing: each(&|sample| sample.publishing),
        cpu: [cpu(0), cpu(1), cpu(2)],
        memory: each(&|sample| Some(sample.memory)).unwrap_or_default(),
        rss: each(&|sample| sample.rss),
    }
}

/// The middle one; of an even number the mean of the middle two.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 { upper } else { (values[middle - 1] + upper) / 2.0 })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(super::median(vec![]), None);
        assert_eq!(super::median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(super::median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
