//! Private servers, for tests and trials.

use queryfleet_devstack::{Options, Stack};

use crate::task::where_it_may_block;
use crate::{Error, Fleet};

/// A RabbitMQ and a database of this process alone, on free ports of the loopback interface, with data in a temporary folder.
/// Both end, and their data is deleted, when this is dropped, or when the process ends, however it ends.
pub struct Servers(Stack);

impl Servers {
    /// Starts them, from the programs that this machine has, and returns when both answer.
    ///
    /// # Errors
    /// [`ErrorKind::Dev`](crate::ErrorKind), with what to install.
    pub async fn start() -> Result<Servers, Error> {
        where_it_may_block(|| async {
            Stack::start(&Options::default()).map(Servers).map_err(Error::of_devstack)
        })
        .await
    }

    /// The variables with which another process reaches them.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        self.0.env()
    }

    /// A fleet on them, with the defaults of all other settings.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind).
    pub fn fleet(&self) -> Result<Fleet, Error> {
        self.env()
            .into_iter()
            .fold(Fleet::builder(), |builder, (name, value)| builder.set(name, value))
            .build()
    }

    /// Stops them and waits for their end.
    ///
    /// # Errors
    /// [`ErrorKind::Dev`](crate::ErrorKind) if they cannot be stopped.
    pub async fn stop(self) -> Result<(), Error> {
        where_it_may_block(|| async { self.0.stop().map_err(Error::of_devstack) }).await
    }
}
