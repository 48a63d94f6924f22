//! The log: to standard error, as text for a person or JSON for a cluster.

use queryfleet_config::{Config, LogFormat};
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::failure::Failure;
use crate::output::Log;

/// Starts logging at the level that the configuration gives, or at `level` when a person watches a progress bar.
pub(crate) fn start(config: &Config, level: Option<&str>) -> Result<(), Failure> {
    let wanted = match (level, std::env::var_os("QUERYFLEET_LOG")) {
        (Some(level), None) => level,
        _ => config.log.as_str(),
    };
    let filter = EnvFilter::try_new(wanted).map_err(|_| {
        Failure::new("QUERYFLEET_LOG is no filter: expected error, warn, info, debug or trace")
    })?;
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
