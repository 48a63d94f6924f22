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
mod halves;
mod identity;
mod ledger_state;
pub mod lexer;
mod outcome;
mod param;
pub mod settle;
mod signature;
mod words;

pub use backoff::{Backoff, jittered};
pub use causes::causes;
pub use chunk::{Chunk, Job, NotAtomic};
pub use class::Class;
pub use dead::DeadReason;
pub use digest::digest;
pub use envelope::{DecodeError, Headers, Message};
pub use filling::Filling;
pub use halves::halves;
pub use identity::{LedgerId, RunId};
pub use ledger_state::{LedgerState, read_conflict};
pub use outcome::{Failure, Outcome};
pub use param::Param;
pub use settle::{Policy, Progress, Settlement};
pub use signature::Signer;
