//! `queryfleet idle`.

use crate::Exit;
use crate::failure::Failure;
use crate::signal::Stop;

/// Does nothing until it is told to stop. It asks for no configuration: what that lacks, the commands beside it say.
pub(crate) async fn idle() -> Result<Exit, Failure> {
    Stop::listen()?.next().await;
    Ok(Exit::Success)
}
