//! Reads input, builds jobs, publishes a run, goes on with it after an interruption, and waits for its end.
//!
//! A run is published in two passes over its input: the first checks every statement, so that bad input publishes
//! nothing; the second numbers, chunks and publishes. The run's row keeps how much is confirmed, and the
//! digest of the input, so that nothing else is published under its name.

mod batch;
mod cancel;
mod check;
mod csv;
mod cut;
mod dialect;
mod error;
mod fit;
mod input;
mod keep;
mod lines;
mod manifest;
mod milestones;
mod missing;
mod ndjson;
mod never;
mod notice;
mod number;
mod objects;
mod pace;
mod plan;
mod prefix;
mod present;
mod publish;
mod publishing;
mod range;
mod replay;
mod rows;
mod rules;
mod run;
mod script;
mod sets;
mod settings;
mod size;
mod state;
mod template;
mod told;
mod used;
mod value;
mod wait;

pub use cancel::cancel;
pub use dialect::CsvDialect;
pub use error::Error;
pub use input::{InputBytes, Source};
pub use pace::Limits;
pub use plan::{Counted, FailedExplain, FullScan, Plan, Seen, plan};
pub use publish::{Order, Progress, Published, publish};
pub use range::Ranges;
pub use replay::{Replayed, Shown, replay, show};
pub use size::Size;
pub use wait::{Ended, Standing, standing, wait};
