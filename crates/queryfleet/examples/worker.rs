//! A worker: serves the queue with the slots that `QUERYFLEET_SLOTS` says, until Ctrl-C; a second one ends statements too.
//!
//! ```sh
//! cargo run -p queryfleet --example worker
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr)] // An example speaks to whoever runs it.

use queryfleet::{Drain, Fleet};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let fleet = Fleet::from_env()?;
    let drain = Drain::default();
    let stopping = drain.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if stopping.is_draining() {
                stopping.now();
            }
            stopping.begin();
        }
    });
    let totals = fleet.worker().run(drain).await?;
    println!("{} jobs done, {} rows changed", totals.done, totals.rows_affected);
    Ok(())
}
