//! `queryfleet workers`.

use queryfleet_config::Config;
use queryfleet_operator::{Operator, WorkerStanding};
use serde::Serialize;

use crate::Exit;
use crate::failure::Failure;
use crate::output::{self, Align, print_json, print_table};

/// A worker as JSON. A contract: keys are added, never changed.
#[derive(Serialize)]
struct WorkerView<'a> {
    id: &'a str,
    name: &'a str,
    slots: u32,
    in_flight: u32,
    permits: u32,
    started: &'a str,
    silent_s: u64,
    live: bool,
    /// The ids of the holds that it obeys; null: it knows of none.
    holds: Option<Vec<u64>>,
    /// The version of the limit that it obeys; null: it knows of none.
    limit_version: Option<u32>,
}

impl<'a> From<&'a WorkerStanding> for WorkerView<'a> {
    fn from(worker: &'a WorkerStanding) -> WorkerView<'a> {
        let details = &worker.details;
        WorkerView {
            id: &details.id,
            name: &details.name,
            slots: details.slots,
            in_flight: details.in_flight,
            permits: details.permits,
            started: &details.started,
            silent_s: details.silent_s,
            live: worker.is_live,
            holds: details.holds.as_deref().map(ids),
            limit_version: details.limit_version,
        }
    }
}

/// Lists the workers of the queue.
pub(crate) async fn workers(config: &Config, json: bool) -> Result<Exit, Failure> {
    let workers = Operator::new(config)?.workers().await?;
    if json {
        print_json(&workers.iter().map(WorkerView::from).collect::<Vec<_>>());
        return Ok(Exit::Success);
    }
    if workers.is_empty() {
        output::print(format_args!("no worker serves queue {}", config.queue));
        return Ok(Exit::Success);
    }
    print_table(COLUMNS, &workers.iter().map(row).collect::<Vec<_>>());
    Ok(Exit::Success)
}

/// The columns of [`row`].
pub(crate) const COLUMNS: [(&str, Align); 7] = [
    ("WORKER", Align::Left),
    ("SINCE", Align::Left),
    ("SLOTS", Align::Right),
    ("BUSY", Align::Right),
    ("PERMITS", Align::Right),
    ("HEARD", Align::Right),
    ("OBEYS", Align::Left),
];

/// A worker in a line of a table.
pub(crate) fn row(worker: &WorkerStanding) -> [String; 7] {
    let details = &worker.details;
    let heard = match worker.is_live {
        true => format!("{} s ago", details.silent_s),
        false => "silent".to_owned(),
    };
    [
        details.name.clone(),
        details.started.clone(),
        details.slots.to_string(),
        details.in_flight.to_string(),
        details.permits.to_string(),
        heard,
        obeys(worker),
    ]
}

/// What a worker obeys, in words.
fn obeys(worker: &WorkerStanding) -> String {
    let details = &worker.details;
    let holds = match details.holds.as_deref().map(ids) {
        None => return "nothing: an older version".to_owned(),
        Some(holds) => holds.iter().map(|id| format!("hold {id}")).collect::<Vec<_>>(),
    };
    let limit = match details.limit_version {
        None => Some("no limit: an older version, or one it cannot read".to_owned()),
        Some(0) => None,
        Some(version) => Some(format!("limit version {version}")),
    };
    holds.into_iter().chain(limit).collect::<Vec<_>>().join(", ")
}

/// The ids in a list between commas.
fn ids(list: &str) -> Vec<u64> {
    list.split(',').filter_map(|id| id.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stand_between_commas() {
        assert!(ids(",").is_empty());
        assert_eq!(ids(",3,17,"), [3, 17]);
    }
}
