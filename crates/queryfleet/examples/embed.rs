//! Everything in one process: 10,000 built queries are published, executed by four slots, and waited for; then a look at
//! those that failed. On private servers, which end with the program; `Fleet::from_env()` names those of a real fleet.
//!
//! ```sh
//! cargo run -p queryfleet --features dev --example embed
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr)] // An example speaks to whoever runs it.

use queryfleet::dev::Servers;
use queryfleet::{End, Publish, Statement};

#[tokio::main]
async fn main() -> Result<(), queryfleet::Error> {
    let servers = Servers::start().await?;
    let fleet = servers.fleet()?;

    let table = "CREATE TABLE account (id INT PRIMARY KEY, balance INT NOT NULL)";
    let table = Publish::statements([table]).not_atomic(queryfleet::NotAtomic::Repeat);
    assert_eq!(fleet.run(table, 1).await?.end, End::Done);

    // Three of the ids come twice: those statements fail, and the others do not care.
    let ids = (1..=9_997).chain(1..=3);
    let built = ids.map(|id| Statement::new("INSERT INTO account VALUES (?, ?)").bind(id).bind(100));
    let mut running = fleet.run(Publish::statements(built).run("fill-1"), 4);
    while let Some(progress) = running.next().await {
        eprintln!("{progress}");
    }
    let ended = running.await?;
    println!("{:?}: {} done, {} dead", ended.end, ended.status.done, ended.status.dead);

    let mut operator = fleet.operator()?;
    for job in operator.dead_jobs("fill-1", 10).await? {
        println!("statement {}: {} ({} attempts)", job.index, job.message, job.attempts);
    }
    println!("{} given up", operator.discard("fill-1").await?);
    servers.stop().await
}
