//! `queryfleet events`.

use std::time::Duration;

use queryfleet_config::Config;
use queryfleet_ledger::Event;
use queryfleet_operator::Operator;
use serde::Serialize;

use crate::Exit;
use crate::failure::Failure;
use crate::output::{self, Align, print_json, print_table};

/// An event as JSON. A contract: keys are added, never changed.
#[derive(Serialize)]
struct EventView<'a> {
    at: &'a str,
    queue: &'a str,
    run: Option<u64>,
    name: Option<&'a str>,
    who: &'a str,
    what: &'a str,
    detail: &'a str,
}

impl<'a> From<&'a Event> for EventView<'a> {
    fn from(event: &'a Event) -> EventView<'a> {
        let Event { at, queue, run, name, who, what, detail } = event;
        EventView { at, queue, run: *run, name: name.as_deref(), who, what, detail }
    }
}

/// Lists who has done what, the newest last.
pub(crate) async fn events(
    config: &Config,
    run: Option<&str>,
    since: Duration,
    count: u32,
    json: bool,
) -> Result<Exit, Failure> {
    let mut events = Operator::new(config)?.events(run, since, count).await?;
    // As a log reads.
    events.reverse();
    if json {
        print_json(&events.iter().map(EventView::from).collect::<Vec<_>>());
        return Ok(Exit::Success);
    }
    if events.is_empty() {
        output::print("nothing was done in this time");
        return Ok(Exit::Success);
    }
    print_table(COLUMNS, &events.iter().map(row).collect::<Vec<_>>());
    Ok(Exit::Success)
}

/// The columns of [`row`].
pub(crate) const COLUMNS: [(&str, Align); 5] = [
    ("AT", Align::Left),
    ("WHO", Align::Left),
    ("WHAT", Align::Left),
    ("RUN", Align::Left),
    ("DETAIL", Align::Left),
];

/// An event in a line of a table.
pub(crate) fn row(event: &Event) -> [String; 5] {
    let Event { at, run, name, who, what, detail, .. } = event;
    let run = name.clone().or_else(|| run.map(|run| run.to_string())).unwrap_or_default();
    [at.clone(), who.clone(), what.clone(), run, detail.clone()]
}
