//! The worker: slots that take messages one at a time, the pipeline that each message goes through, settling, draining.
//!
//! A message's way through this crate is `slot::pipeline`: decode, admit, execute, settle. A slot holds at most one
//! message, and acknowledges it only after the ledger has the end of every job in it, or a confirmed copy has the job.
//! Beside the slots run the heartbeat and the collector. [`work`] runs a worker from its start to the end of its drain.

mod collector;
mod dead_row;
mod decode;
mod drain;
mod error;
mod failpoint;
mod governor;
mod halt;
mod heartbeat;
mod log;
mod not_run;
mod shared;
mod slot;
mod sweeper;
mod worker;

pub use drain::Drain;
pub use error::Error;
pub use worker::{Build, work};
