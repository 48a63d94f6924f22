//! All of the database: the slot's connection with its init step, the one packet that claims a job in the ledger,
//! executes it and commits both, the error codes and what each means, runs, dead jobs and worker heartbeats.
//!
//! An **error never proves that nothing was committed**: after any doubt a connection is dropped and the ledger row
//! decides at the next attempt. Nothing outside this crate sees mysql_async.

mod attempt;
mod bind;
mod bits;
mod cancel;
mod catalog;
mod claim;
mod collations;
mod compare;
mod connect;
mod count;
mod dead;
mod doctor;
mod drive;
mod error;
mod error_code;
mod explain;
mod init;
mod kept;
mod key;
mod key_value;
mod kill;
mod moves;
mod not_atomic;
mod own;
mod packet;
mod probe;
mod process_list;
mod purge;
mod ranges;
mod ready;
mod replay;
mod rights;
mod run;
mod runs;
mod schema;
mod session;
mod session_sql;
mod tables;
mod trial;
mod unsent;
mod walk;
mod worker;
mod writing;

pub use attempt::{Done, Failed};
pub use bind::bound_length;
pub use bits::Bits;
pub use catalog::{Catalog, Explaining, NotHeld};
pub use collations::{Collations, Defaults};
pub use connect::{Control, Database};
pub use count::{BLOCK, Counts};
pub use dead::Dead;
pub use doctor::{Settings, TableEngine};
pub use error::Error;
pub use explain::{Access, Explainer};
pub use init::Facts;
pub use key::Key;
pub use key_value::{Bytes, KeyValue};
pub use replay::{DeadGroup, DeadJob, DeadRow, Filter};
pub use rights::{Answer, Probe, Right, Table};
pub use run::{Run, RunState};
pub use runs::NewRun;
pub use session::{RunSession, Session};
pub use session_sql::Fault as SessionSqlFault;
pub use walk::{Range, Walk};
pub use worker::{Heartbeat, WorkerRow};
pub use writing::Written;
