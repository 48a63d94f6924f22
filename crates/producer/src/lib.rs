//! Reads input, builds jobs, publishes a run, resumes it after an interruption, and waits for its end.
//!
//! A run is published in two passes over its input. The first checks every statement, so that bad input publishes nothing;
//! the second numbers, chunks and publishes. The run's row keeps how much is confirmed, and the digest of the input, so
//! that nothing else is published under its name.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::path::PathBuf;
//!
//! use queryfleet_config::Config;
//! use queryfleet_producer::{Ended, Patience, PublishRequest, Source, publish, wait};
//!
//! let config = Config::from_env()?;
//! let files = [PathBuf::from("cleanup.sql")];
//! let request = PublishRequest {
//!     name: Some("cleanup-1"),
//!     ..PublishRequest::new(Source::Files(&files))
//! };
//! let run = publish(&config, &request, &mut |_| {}).await?;
//! let (ended, standing) = wait(&config, &run.name, Patience::default(), &mut |_, _| {}).await?;
//! assert_eq!(ended, Ended::Done, "{} jobs are dead", standing.counts.dead);
//! # Ok(())
//! # }
//! ```

mod check;
mod error;
mod grouping;
mod input;
mod location;
mod notice;
mod plan;
mod problem;
mod publish;
mod range;
mod request;
mod seen;
mod wait;

/// The refusals of a statement, for benchmarks; not part of the interface.
#[doc(hidden)]
pub use check::statement;
pub use error::{Error, PastEnd, RunOption};
pub use grouping::alone::{Alone, Chunks, CountedAlone};
pub use input::InputBytes;
pub use location::Location;
pub use plan::plan;
pub use plan::report::{Counted, FailedExplain, FullScan, Plan};
pub use problem::Problem;
pub use publish::progress::{Progress, Published, Waits};
pub use publish::publish;
pub use request::{
    ChunkSize, CsvDialect, InputFormat, LARGEST_CHUNK, LARGEST_RANGE, Limits, PublishRequest, RangeSize,
    Ranges, Source,
};
pub use seen::Seen;
pub use wait::reason::Reason;
pub use wait::{Ended, Patience, wait};

#[cfg(test)]
mod tests {
    use super::*;

    /// Compiles only if both futures can be spawned.
    #[allow(dead_code)]
    fn publishing_and_waiting_are_send(config: &queryfleet_config::Config, request: &PublishRequest<'_>) {
        fn require_send(_: impl Send) {}
        require_send(publish(config, request, &mut |_| {}));
        require_send(wait(config, "", Patience::default(), &mut |_, _| {}));
    }
}
