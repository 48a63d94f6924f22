//! Reads input, builds jobs, publishes a run, goes on with it after an interruption, and waits for its end.
//!
//! A run is published in two passes over its input: the first checks every statement, so that bad input publishes
//! nothing; the second numbers, chunks and publishes. The run's row keeps how much is confirmed, and the
//! digest of the input, so that nothing else is published under its name.

mod check;
mod error;
mod input;
mod notice;
mod plan;
mod publish;
mod range;
mod wait;

pub use error::Error;
pub use input::dialect::CsvDialect;
pub use input::{InputBytes, Source};
pub use plan::{Counted, FailedExplain, FullScan, Plan, Seen, plan};
pub use publish::pace::Limits;
pub use publish::{Progress, PublishRequest, Published, publish};
pub use range::Ranges;
pub use range::size::Size;
pub use wait::{Ended, wait};
