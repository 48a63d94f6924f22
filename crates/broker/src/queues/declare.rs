//! Declaring the topology: idempotent, and a queue with other arguments is an error that names it.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, ExchangeKind};

use super::topology::{EXCHANGE, QueueDeclaration, Topology};
use crate::connection::close_channel;
use crate::{Broker, Error, Operation};

impl Broker {
    /// Declares the exchange, the queues and their bindings.
    ///
    /// # Errors
    /// [`Error::Declare`] names what exists with other arguments or must not be declared by this account.
    pub async fn declare(&self, topology: &Topology) -> Result<(), Error> {
        let channel = self.channel().await?;
        let declaring = async {
            declare_exchange(&channel).await?;
            for queue in topology.queues() {
                declare_queue(&channel, queue).await?;
            }
            Ok::<_, Error>(())
        };
        // Creating six quorum queues takes some 40 ms, and seconds while a cluster elects leaders.
        let declared = tokio::time::timeout(self.timeout() * 4, declaring).await;
        declared.map_err(|_| self.timed_out(Operation::Declaring))??;
        close_channel(channel).await;
        Ok(())
    }
}

async fn declare_exchange(channel: &Channel) -> Result<(), Error> {
    let options = ExchangeDeclareOptions {
        passive: false,
        durable: true,
        auto_delete: false,
        internal: false,
        nowait: false,
    };
    channel
        .exchange_declare(EXCHANGE.into(), ExchangeKind::Direct, options, FieldTable::default())
        .await
        .map_err(|source| Error::declare(format!("exchange {EXCHANGE}"), source))
}

async fn declare_queue(channel: &Channel, queue: QueueDeclaration) -> Result<(), Error> {
    let QueueDeclaration { name, arguments } = queue;
    let options = QueueDeclareOptions {
        passive: false,
        durable: true,
        exclusive: false,
        auto_delete: false,
        nowait: false,
    };
    channel
        .queue_declare(name.as_str().into(), options, arguments)
        .await
        .map_err(|source| Error::declare(format!("queue {name}"), source))?;
    let key = name.as_str().into();
    let options = QueueBindOptions { nowait: false };
    channel
        .queue_bind(name.as_str().into(), EXCHANGE.into(), key, options, FieldTable::default())
        .await
        .map_err(|source| Error::declare(format!("the binding of queue {name}"), source))
}
