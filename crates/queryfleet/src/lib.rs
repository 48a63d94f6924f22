//! Runs big batches of SQL exactly once, from a Rust program.
//!
//! Ten lines of Python began this: a pool of processes, each with a connection, and `pool.map(execute, queries, 1)`. Here
//! they are with what a fleet promises: each statement takes effect exactly once, whatever is killed on the way; any number
//! of machines work; an error ends one job, and not all.
//!
//! ```no_run
//! use queryfleet::{End, Fleet, Publish, Statement};
//!
//! # async fn example() -> Result<(), queryfleet::Error> {
//! let fleet = Fleet::from_env()?;
//! let queries = (1..=10_000).map(|id| Statement::new("UPDATE account SET seen = NOW() WHERE id = ?").bind(id));
//! let ended = fleet.run(Publish::statements(queries).run("seen-1"), 4).await?;
//! if ended.end == End::Dead {
//!     for job in fleet.operator()?.dead_jobs("seen-1", 10).await? {
//!         eprintln!("statement {}: {}", job.index, job.message);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! `QUERYFLEET_AMQP_URL` and `QUERYFLEET_MYSQL_URL` name the servers; [`Fleet::builder`] takes them from the program.
//!
//! # From nothing to a run that was repaired
//!
//! With the feature `dev`, and the servers' programs on this machine, a trial or a test has servers of its own:
//!
//! ```no_run
//! # #[cfg(feature = "dev")]
//! # async fn example() -> Result<(), queryfleet::Error> {
//! let servers = queryfleet::dev::Servers::start().await?;
//! let fleet = servers.fleet()?;
//! # servers.stop().await
//! # }
//! ```
//!
//! A statement is a text, or a text with a `?` for each value. Values are bound: they arrive as they are. They are taken one by
//! one, memory does not grow with their number, and what makes them may fail:
//!
//! ```no_run
//! # fn example() -> std::io::Result<()> {
//! use std::io::{BufRead, BufReader};
//!
//! use queryfleet::{Publish, Statement, Value};
//!
//! let texts = Publish::statements(["DELETE FROM session WHERE id = 7", "DELETE FROM session WHERE id = 8"]);
//! let price = Value::Decimal("12.50".into());
//! let bound = Publish::statements([Statement::new("UPDATE item SET price = ? WHERE id = ?").bind(price).bind(7)]);
//! let ids = BufReader::new(std::fs::File::open("expired.txt")?).lines();
//! let read = Publish::try_statements(ids.map(|id| id.map(|id| format!("DELETE FROM session WHERE id = {id}"))));
//! # let _ = (texts, bound, read);
//! # Ok(())
//! # }
//! ```
//!
//! A run can be watched while it goes, as [`Progress`], or job by job, as [`Outcomes`]. At its end some jobs may be dead:
//! they failed for good, and are kept with their errors; [`DeadJob`] says which of them may have had an effect. Once the
//! cause is removed they are replayed, or they are published again as other statements, or given up:
//!
//! ```no_run
//! # async fn example(fleet: queryfleet::Fleet) -> Result<(), queryfleet::Error> {
//! # use queryfleet::{End, Publish};
//! # let statements: Vec<String> = Vec::new();
//! let mut running = fleet.run(Publish::statements(statements).run("prices-1"), 8);
//! while let Some(progress) = running.next().await {
//!     eprintln!("{progress}");
//! }
//! if running.await?.end == End::Dead {
//!     let mut operator = fleet.operator()?;
//!     for job in operator.dead_jobs("prices-1", 100).await? {
//!         eprintln!("statement {}: {}", job.index, job.message);
//!     }
//!     operator.replay("prices-1").await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The parts of a fleet
//!
//! [`Fleet::run`] does everything in one process. In a fleet of several, [`Fleet::publish`] is the producer,
//! [`Fleet::worker`] a worker, [`Fleet::wait`] whoever waits, and [`Fleet::operator`] the person on call:
//!
//! ```no_run
//! # async fn example(fleet: queryfleet::Fleet) -> Result<(), queryfleet::Error> {
//! use queryfleet::Drain;
//!
//! let drain = Drain::default();
//! let worker = tokio::spawn(fleet.worker().slots(4).run(drain.clone()));
//! tokio::signal::ctrl_c().await.ok();
//! drain.begin();
//! # let _ = worker.await;
//! # Ok(())
//! # }
//! ```
//!
//! # A run is known by its name
//!
//! Publishing the same statements under the same name resumes the run: what has ended is not executed again. So a program
//! that was killed is simply started again. Other statements under that name are refused. Without a name, statements of
//! which there is a run are refused, unless [`Publish::again`] says that they are meant twice.
//!
//! # What dropping leaves
//!
//! Every future here can be dropped at any await, and is `Send`. What that leaves is said at each: never a job that is lost
//! or doubled. Files are read and digests computed on threads that may block. A tokio runtime has to be there.
//!
//! # What it logs
//!
//! Workers report what they meet with [`tracing`](https://docs.rs/tracing): a program that installs no subscriber sees
//! nothing of it. What failed for good is in the ledger either way, and what a run waits for is in its [`Progress`].
//!
//! # Versions
//!
//! This crate keeps to semantic versioning, and `public-api.txt` of its sources holds all that is public. The crates that it is made
//! of promise nothing: they change with it.

#[cfg(feature = "dev")]
pub mod dev;
mod error;
mod fleet;
mod input;
mod operator;
mod outcomes;
mod publish;
mod published;
mod run;
mod spool;
mod statement;
mod task;
mod waits_for;
mod worker;

pub use error::{Error, ErrorKind, RunFault, Server};
pub use fleet::{Fleet, FleetBuilder};
pub use input::{CsvDialect, InputFormat, RangeSize};
pub use operator::{DeadJob, Hold, Operator, Replayed};
pub use outcomes::{JobEnd, Outcome, Outcomes};
pub use publish::{Halt, NotAtomic, Publish};
pub use published::{Alone, Chunks, Past, Published};
pub use run::{End, GivenUp, Progress, RunEnd, RunState, RunStatus, Wait};
pub use statement::{Statement, Value};
pub use task::Task;
pub use waits_for::{WaitsFor, WaitsForKind};
#[doc(hidden)]
pub use worker::OwnWorker;
pub use worker::{Drain, Worker, WorkerTotals};

/// The Rust on this page compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/programs.md")]
struct Page;

#[cfg(test)]
mod tests {
    use super::*;

    /// Compiles only if every future can be spawned.
    #[allow(dead_code)]
    fn all_futures_are_send(fleet: &Fleet, operator: &mut Operator, outcomes: &mut Outcomes) {
        fn require_send(_: impl Send) {}
        require_send(fleet.publish(Publish::statements(["DO 1"])).into_future());
        require_send(fleet.run(Publish::statements(["DO 1"]), 1));
        require_send(fleet.wait("run"));
        require_send(fleet.worker().run(Drain::default()));
        require_send(fleet.outcomes("run"));
        require_send(outcomes.look());
        require_send(operator.status("run"));
        require_send(operator.replay("run"));
        require_send(operator.dead_jobs("run", 1));
    }
}
