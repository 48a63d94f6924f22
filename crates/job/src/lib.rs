//! The vocabulary of queryfleet, without any I/O.
//!
//! A **run** is one batch; a **job** is one statement of it, known by (run, seq); a **chunk** is what one message
//! carries. [`envelope`] turns chunks into bytes and back, [`Outcome`] names every way an attempt can end, and
//! [`settle`](settle::settle) says what then happens to the message. What this crate decides, it decides purely:
//! the worker and the model checker run the same functions.

mod backoff;
mod causes;
mod chunk;
mod class;
mod dead;
mod digest;
pub mod envelope;
mod filling;
mod foreign;
mod halves;
mod identity;
mod ledger_state;
pub mod manifest;
mod outcome;
mod param;
mod run_name;
pub mod settle;
mod signature;
mod terms;
mod words;

pub use backoff::{Backoff, jittered};
pub use causes::causes;
pub use chunk::{Chunk, Job, NotAtomic};
pub use class::Class;
pub use dead::DeadReason;
pub use digest::{digest, hex};
pub use envelope::{DecodeError, Headers, Message};
pub use filling::Filling;
pub use foreign::{FOREIGN_LIMIT, bounded, foreign, shorten};
pub use halves::halves;
pub use identity::{LedgerId, RunId};
pub use ledger_state::LedgerState;
pub use manifest::{Manifest, ManifestDigest, ManifestError};
pub use outcome::{Failure, Outcome};
pub use param::Param;
pub use run_name::{RUN_NAME_LIMIT, as_run_name, check_run_name, is_run_id};
pub use settle::{Action, Policy, Settlement, Spent, read_conflict};
pub use signature::{SIGNATURE_LENGTH, Signer};
pub use terms::{Beside, Here, RunRow, Terms};
pub use words::{UnknownWord, Word, find_word};
