//! The worker: slots that take messages one at a time, the pipeline that each goes through, settling, draining.
//!
//! A statement's way through this crate is [`pipeline`]: decode, admit, execute, settle. A slot holds at most one
//! message, and acknowledges it only after the ledger has the end of every job in it, or a confirmed copy has.

mod admit;
mod check;
mod collector;
mod copies;
mod decode;
mod drain;
mod error;
mod execute;
mod heartbeat;
mod kept;
mod labels;
mod large;
mod news;
mod pipeline;
mod remains;
mod settle;
mod shared;
mod slot;
mod tries;
mod worker;

pub use drain::Drain;
pub use error::Error;
pub use labels::metrics_reference;
pub use worker::{Build, work};
