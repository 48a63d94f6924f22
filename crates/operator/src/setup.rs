//! Making the tables and the queues.

use queryfleet_broker::{Broker, Topology};
use queryfleet_job::LedgerId;

use crate::{Error, Operator};

/// What is there after [`Operator::setup`].
#[derive(Clone, Debug)]
pub struct Ready {
    /// The database that has the tables.
    pub database: String,
    /// `host:port` of its server.
    pub database_server: String,
    /// The identity of the ledger.
    pub ledger: LedgerId,
    /// `host:port/vhost` of the broker.
    pub broker_server: String,
    /// The work queue.
    pub queue: String,
}

impl Operator {
    /// Makes the tables, then the queue with its retry tiers and its dead queue. What is there already stays as it is, so
    /// several processes may do this at once.
    ///
    /// # Errors
    /// [`Error::Ledger`] or [`Error::Broker`] when a server cannot be reached, refuses the account, or has tables or
    /// queues that this version cannot use.
    pub async fn setup(&mut self) -> Result<Ready, Error> {
        let ledger = self.ledger.setup().await?;
        let config = &self.config;
        let topology = Topology::new(&config.queue, &config.retry_tiers, config.delivery_limit)?;
        let broker = Broker::new(config, "setup")?;
        broker.declare(&topology).await?;
        let broker_server = broker.server();
        broker.close().await;
        Ok(Ready {
            database: self.database.schema().to_owned(),
            database_server: self.database.server(),
            ledger,
            broker_server,
            queue: topology.work(),
        })
    }

    /// Whether the tables are missing, or of an older version, so that [`setup`](Self::setup) has to be called first.
    ///
    /// # Errors
    /// [`Error::Ledger`] when the database cannot be asked.
    pub async fn needs_setup(&mut self) -> Result<bool, Error> {
        match self.ledger.identity().await {
            Ok(_) => Ok(false),
            Err(queryfleet_ledger::Error::Schema(_)) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}
