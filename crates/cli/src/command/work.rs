//! `queryfleet work`.

use queryfleet_config::Config;
use queryfleet_consumer::{Build, Drain};

use crate::Exit;
use crate::failure::Failure;
use crate::signal::Stop;

/// Which program this is.
pub(crate) const BUILD: Build = Build {
    version: env!("CARGO_PKG_VERSION"),
    revision: match option_env!("QUERYFLEET_REVISION") {
        Some(revision) => revision,
        None => "unknown",
    },
};

/// Serves the queue until it is told to stop. A drain that ended well is success, however it was asked for.
pub(crate) async fn work(config: &Config) -> Result<Exit, Failure> {
    let drain = Drain::default();
    let stopping = tokio::spawn(Stop::listen()?.drain(drain.clone()));
    let worked = queryfleet_consumer::work(config, drain, BUILD).await;
    stopping.abort();
    worked?;
    Ok(Exit::Success)
}
