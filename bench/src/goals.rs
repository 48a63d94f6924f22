//! The goals: what is due, what is wanted, and what this run found.

use crate::results::{Results, Sample};

/// A figure that is to be reached.
pub(crate) struct Goal {
    pub(crate) what: &'static str,
    pub(crate) required: f64,
    pub(crate) wanted: f64,
    pub(crate) unit: &'static str,
    /// `None` when a side that it needs was not measured.
    pub(crate) measured: Option<f64>,
}

impl Goal {
    /// Whether more is better than less.
    fn grows(&self) -> bool {
        self.wanted > self.required
    }

    /// How far it is reached.
    pub(crate) fn verdict(&self) -> &'static str {
        let reaches = |mark: f64, value: f64| if self.grows() { value >= mark } else { value <= mark };
        match self.measured {
            None => "not measured",
            Some(value) if reaches(self.wanted, value) => "goal",
            Some(value) if reaches(self.required, value) => "required",
            Some(_) => "**no**",
        }
    }
}

const UPDATE: &str = "update";
const OURS_4: &str = "queryfleet, 4 slots, chunk 1";
const OURS_16: &str = "queryfleet, 16 slots, chunk 1";
const AUTO: &str = "queryfleet, 4 slots, chunk auto";
const RUN: &str = "queryfleet run, 4 slots, --chunk auto";
const CELERY: &str = "Celery, 4 processes";
const POOL: &str = "Python pool, 4 processes";

/// Every goal with what was found.
pub(crate) fn all(results: &Results) -> Vec<Goal> {
    let value = |workload: &str, side: &str| results.median(workload, side).map(|sample| sample.value);
    let ratio = |ours: &str, theirs: &str| Some(value(UPDATE, ours)? / value(UPDATE, theirs)?);
    let published = |side| results.median(UPDATE, side).and_then(|sample| sample.published);
    let own = |side| results.median(UPDATE, side).map(|sample| sample.micros()[0]);
    let rss = |sample: &Sample| sample.rss;
    let goal = |what, required, wanted, unit, measured| Goal { what, required, wanted, unit, measured };
    let whole = |theirs| Some(value("whole", RUN)? / value("whole", theirs)?);
    // The best of the fixed chunks.
    let of_best = |workload| {
        let fixed = ["32", "128", "512"];
        let fixed = fixed.map(|chunk| value(workload, &format!("queryfleet, 4 slots, chunk {chunk}")));
        let best = fixed.into_iter().flatten().reduce(f64::max)?;
        Some(value(workload, AUTO)? / best)
    };
    vec![
        goal("whole command, `--chunk auto` / `mariadb < file`", 5.0, 10.0, "×", whole("mariadb < file")),
        goal("whole command, `--chunk auto` / Python pool of 4", 2.5, 5.0, "×", whole(POOL)),
        goal("UPDATEs, `--chunk auto` / best fixed chunk", 0.9, 1.0, "×", of_best(UPDATE)),
        goal("INSERTs, `--chunk auto` / best fixed chunk", 0.9, 1.0, "×", of_best("insert")),
        goal(
            "`--chunk auto`, 4 slots / bare driver loop, 4 connections, packets of that size",
            0.85,
            0.95,
            "×",
            ratio(AUTO, "bare driver, 4 connections, our packet of 480"),
        ),
        goal("chunk 1, 4 slots / Celery, 4 processes", 2.0, 2.5, "×", ratio(OURS_4, CELERY)),
        goal("chunk 1, 16 slots / Python pool of 4", 0.75, 1.0, "×", ratio(OURS_16, POOL)),
        goal(
            "chunk 32, 4 slots / Python pool of 4",
            6.0,
            8.0,
            "×",
            ratio("queryfleet, 4 slots, chunk 32", POOL),
        ),
        goal(
            "chunk 32, 4 slots / bare driver loop, 4 connections, the same packets",
            0.6,
            0.8,
            "×",
            ratio("queryfleet, 4 slots, chunk 32", "bare driver, 4 connections, our packet of 32"),
        ),
        goal(
            "chunk 32, 16 slots / bare driver loop, 16 connections, the same packets",
            0.6,
            0.8,
            "×",
            ratio("queryfleet, 16 slots, chunk 32", "bare driver, 16 connections, our packet of 32"),
        ),
        goal(
            "publish, chunk 1 / Celery's publish",
            25.0,
            40.0,
            "×",
            published(OURS_4).zip(published(CELERY)).map(|(ours, theirs)| ours / theirs),
        ),
        goal("worker's own CPU a job, chunk 1, 4 slots", 90.0, 60.0, " µs", own(OURS_4)),
        goal("worker's own CPU a job, chunk 1, 16 slots", 90.0, 60.0, " µs", own(OURS_16)),
        goal(
            "1 → 8 worker processes of 1 slot, `DO SLEEP(0.01)`, of linear",
            0.9,
            0.95,
            "",
            value("scale", "queryfleet, 8 x 1 slot")
                .zip(value("scale", "queryfleet, 1 x 1 slot"))
                .map(|(eight, one)| eight / (8.0 * one)),
        ),
        goal(
            "purge by key ranges / pt-archiver's bulk delete",
            2.0,
            2.5,
            "×",
            value("purge", "queryfleet run --range, 4 slots")
                .zip(value("purge", "pt-archiver --bulk-delete"))
                .map(|(ours, theirs)| ours / theirs),
        ),
        goal(
            "RSS of a worker with 16 slots",
            32.0,
            24.0,
            " MiB",
            results.median(UPDATE, OURS_16).and_then(rss),
        ),
        goal(
            "RSS of a producer at 10 million jobs",
            64.0,
            32.0,
            " MiB",
            results.median("huge", "queryfleet publish, chunk 100").and_then(rss),
        ),
        goal(
            "process start to first job, topology declared before",
            150.0,
            60.0,
            " ms",
            value("start", "queryfleet work, 4 slots"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::Goal;

    #[test]
    fn less_is_better_when_the_goal_is_below_what_is_required() {
        let verdict = |required, wanted, value| {
            Goal { what: "", required, wanted, unit: "", measured: Some(value) }.verdict()
        };
        assert_eq!(verdict(2.0, 2.5, 2.6), "goal");
        assert_eq!(verdict(2.0, 2.5, 2.1), "required");
        assert_eq!(verdict(2.0, 2.5, 1.9), "**no**");
        assert_eq!(verdict(90.0, 60.0, 59.0), "goal");
        assert_eq!(verdict(90.0, 60.0, 91.0), "**no**");
    }
}
