//! `queryfleet limit`.

use queryfleet_config::Config;
use queryfleet_operator::{LimitStanding, Obedience, Operator};
use serde::Serialize;

use crate::Exit;
use crate::command::hold::{login_name, print_obedience};
use crate::failure::Failure;
use crate::limit_arguments::LimitArgs;
use crate::output::{self, print_json};

/// The limit as JSON. A contract: keys are added, never changed.
#[derive(Serialize)]
struct LimitView<'a> {
    queue: &'a str,
    slots: Option<u32>,
    /// Jobs per second.
    rate: Option<f64>,
    /// 0: nobody has ever set one.
    version: u32,
    changed: Option<&'a str>,
    by: Option<&'a str>,
    because: Option<&'a str>,
    permits_in_use: u32,
    /// What the workers made of a change.
    #[serde(flatten)]
    obedience: Option<ObedienceView<'a>>,
}

#[derive(Serialize)]
struct ObedienceView<'a> {
    acknowledged: usize,
    silent: &'a [String],
    unaware: &'a [String],
    running: u32,
}

/// Changes the limit of the queue, and says whether every worker obeys; or shows it.
pub(crate) async fn limit(config: &Config, arguments: LimitArgs) -> Result<Exit, Failure> {
    let mut operator = Operator::new(config)?;
    if arguments.only_shows() {
        let standing = operator.limit().await?;
        if arguments.json {
            print_json(&view(&config.queue, &standing, None));
        } else {
            output::print(line(&config.queue, &standing));
        }
        return Ok(Exit::Success);
    }
    let change = arguments.change();
    let because = arguments.because.unwrap_or_default();
    let by = arguments.by.unwrap_or_else(login_name);
    let standing = operator.set_limit(&change, &by, &because).await?;
    if !arguments.json {
        output::print(line(&config.queue, &standing));
    }
    let version = standing.row.as_ref().map_or(0, |row| row.version);
    let obedience = operator.obedience_to_limit(version).await?;
    if arguments.json {
        print_json(&view(&config.queue, &standing, Some(&obedience)));
    } else {
        print_obedience(&obedience, "obey the limit", "limits");
    }
    Ok(if obedience.is_complete() { Exit::Success } else { Exit::Failed })
}

fn view<'a>(queue: &'a str, standing: &'a LimitStanding, obedience: Option<&'a Obedience>) -> LimitView<'a> {
    let row = standing.row.as_ref();
    LimitView {
        queue,
        slots: standing.limit.slots,
        rate: standing.limit.rate,
        version: row.map_or(0, |row| row.version),
        changed: row.map(|row| row.changed.as_str()),
        by: row.map(|row| row.changed_by.as_str()),
        because: row.map(|row| row.because.as_str()),
        permits_in_use: standing.in_use,
        obedience: obedience.map(|obedience| ObedienceView {
            acknowledged: obedience.acknowledged,
            silent: &obedience.silent,
            unaware: &obedience.unaware,
            running: obedience.running,
        }),
    }
}

/// The limit in one line.
pub(crate) fn line(queue: &str, standing: &LimitStanding) -> String {
    let LimitStanding { limit, row, in_use } = standing;
    let row = row.as_ref();
    let whose = row.map_or_else(String::new, |row| {
        let because = if row.because.is_empty() { String::new() } else { format!(": {}", row.because) };
        format!(" (since {} by {}{because})", row.changed, row.changed_by)
    });
    if limit.is_none() {
        return format!("queue {queue} is not limited{whose}");
    }
    let in_use = limit.slots.map_or_else(String::new, |_| format!("; {in_use} in use"));
    format!("queue {queue} is limited to {limit}{in_use}{whose}")
}
