//! The closed sets of label values that a worker's metrics have, and what each value says.

use std::time::Duration;

use queryfleet_job::{Class, DeadReason};
use queryfleet_metrics::{Health, Labels, Meanings, Metrics};

use crate::settle::ACTIONS;
use crate::{Build, Error};

/// How long the loop may stand still before /livez says so.
const STALLED: Duration = Duration::from_secs(30);

/// The metrics of a worker, each label value at 0.
pub(crate) fn metrics(queue: &str, slots: usize, build: Build) -> Result<Metrics, Error> {
    let words = |classes: &[Class]| classes.iter().map(|class| class.as_str()).collect::<Vec<_>>();
    let labels = Labels {
        queue,
        slots,
        outcomes: &words(Class::OF_ATTEMPTS),
        classes: &words(Class::OF_ERRORS),
        actions: &ACTIONS.map(|(action, _)| action),
        dead_reasons: &DeadReason::ALL.map(DeadReason::as_str),
        version: build.version,
        revision: build.revision,
    };
    Ok(Metrics::new(&labels, Health::new(STALLED))?)
}

/// Every series of a worker in Markdown, as docs/metrics.md has it.
///
/// # Errors
/// Only by a mistake in the code: a series or label that is there twice.
pub fn metrics_reference() -> Result<String, Error> {
    let metrics = metrics("default", 1, Build { version: "", revision: "" })?;
    let of =
        |classes: &[Class]| classes.iter().map(|class| (class.as_str(), class.meaning())).collect::<Vec<_>>();
    let (outcomes, classes) = (of(Class::OF_ATTEMPTS), of(Class::OF_ERRORS));
    let reasons = DeadReason::ALL.map(|reason| (reason.as_str(), reason.meaning()));
    let sets: [(&str, &Meanings<'_>); 4] = [
        ("`outcome`", &outcomes),
        ("`class`", &classes),
        ("`action`", &ACTIONS),
        ("`reason` of queryfleet_dead_jobs_total", &reasons),
    ];
    Ok(metrics.reference(&sets))
}
