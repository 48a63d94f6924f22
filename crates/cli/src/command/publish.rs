//! `queryfleet publish`.

use config::Config;
use producer::{Order, Published};
use serde_json::json;

use crate::Exit;
use crate::arguments::Publish;
use crate::bar::Bar;
use crate::command::print_json;
use crate::failure::Failure;
use crate::signal::Stop;

/// Publishes a run and prints its name.
pub(crate) async fn publish(config: &Config, order: &Publish) -> Result<Exit, Failure> {
    let mut stop = Stop::listen()?;
    let published = tokio::select! {
        published = publish_run(config, order) => published?,
        () = stop.next() => {
            eprintln!("interrupted: publish again with the same --run to go on; `queryfleet status` lists the runs");
            return Ok(Exit::Interrupted);
        }
    };
    let Published { run, name, total, before } = &published;
    if order.json.json {
        print_json(&json!({ "run": run.0, "name": name, "total": total, "before": before }));
    } else if before == total {
        println!("run {name}: all {total} jobs had been published before");
    } else {
        println!("run {name}: {total} jobs published; queryfleet wait {name}");
    }
    Ok(Exit::AllDone)
}

/// Publishes a run with a progress bar.
pub(crate) async fn publish_run(config: &Config, order: &Publish) -> Result<Published, Failure> {
    let wanted = Order {
        input: &order.input,
        name: order.run.as_deref(),
        chunk: order.chunk,
        session_sql: order.session_sql.as_deref(),
        not_atomic: order.not_atomic,
        missing: order.missing,
    };
    let mut bar = Bar::new("publishing");
    let published =
        producer::publish(config, &wanted, &mut |confirmed, total| bar.at(confirmed, total, "")).await;
    bar.finish();
    Ok(published?)
}
