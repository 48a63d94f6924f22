//! All of the database: the slot's connection with its init step, the one packet that claims a job in the ledger,
//! executes it and commits both, the error codes and what each means, runs, dead jobs and worker heartbeats.
//!
//! An **error never proves that nothing was committed**: after any doubt a connection is dropped and the ledger row
//! decides at the next attempt. Nothing outside this crate sees mysql_async.

mod client;
mod connect;
mod connection;
mod error;
mod error_code;
mod facts;
mod init;
mod inspect;
mod own_mode;
mod quote;
mod range;
mod replica;
mod row;
mod session;
mod session_sql;
mod tables;

pub use client::dead_jobs::{DeadJob, DeadJobs, DeadLine, Filter, ReplayableJob};
pub use client::events::{CanaryJob, Event, Events, NewEvent};
pub use client::given_up::GivenUp;
pub use client::governors::{GovernorRow, Governors, Verdict};
pub use client::halts::{GuardedRun, HALT, Halts, LoweredBase};
pub use client::holds::{HoldRow, Holds, NewHold, Until, WorkerHolds, hold_ids};
pub use client::jobs::{Counts, Jobs, SEQS_PER_BLOCK};
pub use client::limits::{LimitRow, Limits, NewLimit, WorkerLimit};
pub use client::permits::{ListedSessions, Permits};
pub use client::places::{JOBS_PER_BLOCK, PlaceList, Places};
pub use client::ranges::Ranges;
pub use client::rates::Rates;
pub use client::replacing::NotReplaced;
pub use client::run::{Run, RunState};
pub use client::runs::{NewRun, Runs};
pub use client::standing::{RunStatus, Standing};
pub use client::workers::{Heartbeat, WorkerDetails, WorkerRow, Workers};
pub use connect::Database;
pub use connection::LedgerClient;
pub use error::Error;
pub use facts::{SessionFacts, SessionRef};
pub use inspect::Inspect;
pub use inspect::catalog::{Catalog, Explaining, NotHeld};
pub use inspect::collations::{Collations, Defaults};
pub use inspect::columns::{DataType, TableColumn};
pub use inspect::doctor::{Settings, TableEngine};
pub use inspect::explain::{Access, Beside, Explainer, rows_read};
pub use inspect::rights::{Answer, Probe, Right, Table};
pub use inspect::running::RunningStatement;
pub use inspect::writing::Written;
pub use range::key::Key;
pub use range::key_value::{Bytes, KeyValue};
pub use range::walk::{Range, Walk};
pub use replica::Replica;
pub use session::Session;
pub use session::aftermath::Failed;
pub use session::bind::{bound_length, statement as bound_statement};
pub use session::dead_row::NewDeadJob;
pub use session::open::RunSession;
/// Pure, and of no promise: public for `bench`.
#[doc(hidden)]
pub use session::packet;
pub use session::transaction::Done;
pub use session_sql::Fault as SessionSqlFault;
