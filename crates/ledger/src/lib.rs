//! All of the database: the slot's connection with its init step, the one packet that claims a job in the ledger,
//! executes it and commits both, the error codes and what each means, runs, dead jobs and worker heartbeats.
//!
//! An **error never proves that nothing was committed**: after any doubt a connection is dropped and the ledger row
//! decides at the next attempt. Nothing outside this crate sees mysql_async.

mod attempt;
mod bind;
mod cancel;
mod catalog;
mod claim;
mod collations;
mod connect;
mod count;
mod dead;
mod doctor;
mod error;
mod error_code;
mod explain;
mod init;
mod key;
mod kill;
mod not_atomic;
mod own;
mod packet;
mod probe;
mod process_list;
mod purge;
mod ranges;
mod replay;
mod rights;
mod runs;
mod schema;
mod session;
mod tables;
mod trial;
mod walk;
mod worker;

pub use bind::bound_length;
pub use catalog::{Catalog, NotHeld};
pub use collations::Collations;
pub use connect::{Control, Database};
pub use count::{BLOCK, Counts};
pub use dead::Dead;
pub use doctor::{Settings, TableEngine};
pub use error::Error;
pub use explain::{Access, Explainer};
pub use init::Facts;
pub use key::Key;
pub use replay::{DeadGroup, DeadRow, Filter, Replaying};
pub use rights::{Answer, Probe, Right, Table};
pub use runs::{NewRun, Run, RunState};
pub use session::{RunSession, Session};
pub use tables::RUN_NAME_LIMIT;
pub use walk::{Range, Walk};
pub use worker::{Heartbeat, WorkerRow};
