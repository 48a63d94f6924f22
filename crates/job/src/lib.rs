//! The vocabulary of queryfleet, without any I/O.
//!
//! A **run** is one batch; a **job** is one statement of it, known by (run, seq); a **chunk** is what one message
//! carries. [`envelope`] turns chunks into bytes and back, [`Outcome`] names every way an attempt can end, and
//! [`settle`](settle::settle) says what then happens to the message. What this crate decides, it decides purely:
//! the worker and the model checker run the same functions.

mod backoff;
mod chunk;
mod digest;
pub mod envelope;
mod filling;
mod foreign;
mod gate;
mod halt;
mod halves;
mod identity;
mod job_mark;
mod json;
mod law;
mod limit;
pub mod manifest;
mod outcome;
mod own_tables;
mod param;
mod permits;
mod run_name;
pub mod settle;
mod signature;
mod terms;
mod window;
mod words;

pub use backoff::{Backoff, jittered};
pub use chunk::{Chunk, Job};
pub use digest::{digest, hex};
pub use envelope::{DecodeError, Headers, Message};
pub use filling::Filling;
pub use foreign::{FOREIGN_LIMIT, bounded, causes, foreign, shorten, shown};
pub use gate::{Gate, Hold, gate};
pub use halt::{Halt, Tally};
pub use halves::halves;
pub use identity::{LedgerId, RunId, random_id};
pub use job_mark::{job_mark, marks_run, read_job_mark};
pub use law::{LagLaw, StopLaw};
pub use limit::{Limit, LimitError, OTHERS_RUNNING, Threshold};
pub use manifest::{Manifest, ManifestDigest, ManifestError, NotAtomic};
pub use outcome::{Class, Failure, LedgerState, Outcome};
pub use own_tables::{TABLE_PREFIX, is_own_table, may_change_own_tables};
pub use param::Param;
pub use permits::{PermitChange, permit_change, valid_permits};
pub use run_name::{RUN_NAME_LIMIT, as_run_name, check_run_name, is_run_id};
pub use settle::{Action, DeadReason, RetryPolicy, Settlement, Spent, read_conflict};
pub use signature::{SIGNATURE_LENGTH, Signer};
pub use terms::{ExecutionSite, StoredRun, Terms, UnsignedColumns};
pub use window::{Window, WindowError};
pub use words::{UnknownWord, Word, find_word};
