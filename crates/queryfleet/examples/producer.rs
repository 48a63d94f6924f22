//! A producer: publishes statements that it makes, says how far it is, and waits for their end. Workers run elsewhere.
//!
//! ```sh
//! cargo run -p queryfleet --example producer -- seen-1 20000
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr)] // An example speaks to whoever runs it.

use queryfleet::{End, Fleet, Publish, Statement};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(run), Some(jobs)) = (arguments.next(), arguments.next()) else {
        return Err("usage: producer RUN JOBS".into());
    };
    let jobs: u32 = jobs.parse()?;
    let fleet = Fleet::from_env()?;
    let built = (1..=jobs).map(|id| Statement::new("INSERT INTO seen (id) VALUES (?)").bind(id));
    let published = fleet.publish(Publish::statements(built).run(run)).await?;
    println!("run {}: {} jobs published", published.name, published.total - published.before);
    let mut waiting = fleet.wait(published.name);
    while let Some(progress) = waiting.next().await {
        eprintln!("{progress}");
    }
    let ended = waiting.await?;
    println!("{} done, {} dead", ended.status.done, ended.status.dead);
    if ended.end == End::Done { Ok(()) } else { Err(format!("{:?}", ended.end).into()) }
}
