//! The log: to standard error, as text for a person or JSON for a cluster.

use config::{Config, LogFormat};
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Starts logging at the level that the configuration gives, or at `level` when a person watches a progress bar.
pub(crate) fn start(config: &Config, level: Option<&str>) -> Result<(), Failure> {
    let wanted = match (level, std::env::var_os("QUERYFLEET_LOG")) {
        (Some(level), None) => level,
        _ => config.log.as_str(),
    };
    // lapin logs every frame error that we handle and say ourselves.
    let filter = EnvFilter::try_new(format!("{wanted},lapin=off")).map_err(|_| {
        Failure::new("QUERYFLEET_LOG is no filter: expected error, warn, info, debug or trace")
    })?;
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    match config.log_format {
        LogFormat::Text => builder.with_ansi(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}
