//! `queryfleet work`.

use std::net::{SocketAddr, TcpListener};

use queryfleet::{Drain, Fleet, Worker};
use queryfleet_config::{Config, variables};

use crate::Exit;
use crate::failure::Failure;
use crate::output;
use crate::signal::Stop;

/// A worker of this process.
pub(crate) fn worker(config: &Config) -> Worker {
    Fleet::of_binary(config).worker().revision(env!("QUERYFLEET_REVISION"))
}

/// Serves the queue until it is told to stop. A drain that ended well is success, however it was asked for.
pub(crate) async fn work(mut config: Config) -> Result<Exit, Failure> {
    let was_given = config.was_given(&variables::METRICS_LISTEN);
    if let Some(address) = &mut config.metrics_listen
        && !was_given
        && is_taken(*address)
    {
        // A second worker on this machine, that nobody scrapes by its address. If somebody takes the port after this look, the
        // error names the variable.
        output::say(format_args!(
            "{address} is taken, probably by another worker: metrics are on a free port, which the next line names"
        ));
        address.set_port(0);
    }
    let drain = Drain::default();
    let stopping = tokio::spawn(Stop::listen()?.drain(drain.clone()));
    let worked = worker(&config).run(drain).await;
    stopping.abort();
    worked?;
    Ok(Exit::Success)
}

/// Whether somebody listens on this address.
fn is_taken(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}
