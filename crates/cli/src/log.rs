//! The log: to standard error, as text for a person or JSON for a cluster.

use queryfleet_config::{Config, LogFormat, variables};
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::failure::Failure;
use crate::output::Log;

/// Starts logging at the level that QUERYFLEET_LOG gives; where it gives none, at `default`, or else at the one that is
/// documented.
pub(crate) fn start(config: &Config, default: Option<LevelFilter>) -> Result<(), Failure> {
    let filter = match default {
        Some(level) if !config.was_given(&variables::LOG) => EnvFilter::new(level.to_string()),
        _ => EnvFilter::try_new(&config.log).map_err(|_| {
            Failure::new("QUERYFLEET_LOG is no filter: expected error, warn, info, debug or trace")
        })?,
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(Log(config.log_format)).with_target(false);
    let layer = match config.log_format {
        LogFormat::Text => layer.with_ansi(false).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    // lapin logs every frame error that we handle and say ourselves, and at level trace the password in the frame that
    // logs in: a filter of the user's must not bring it back.
    let ours =
        filter_fn(|event| !event.target().starts_with("lapin")).with_max_level_hint(LevelFilter::TRACE);
    tracing_subscriber::registry().with(layer.with_filter(filter.and(ours))).init();
    Ok(())
}
