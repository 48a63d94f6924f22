//! Declaring the topology: idempotent, and a queue with other arguments is said by name.

use lapin::ExchangeKind;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;

use crate::topology::{Declared, EXCHANGE};
use crate::{Broker, Error, Topology};

impl Broker {
    /// Declares the exchange, the queues and their bindings.
    ///
    /// # Errors
    /// [`Error::Declare`] names what exists with other arguments or must not be declared.
    pub async fn declare(&self, topology: &Topology) -> Result<(), Error> {
        let channel = self.channel().await?;
        let declaring = async {
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
                .map_err(|source| Error::Declare { name: format!("exchange {EXCHANGE}"), source })?;
            for queue in topology.queues() {
                declare_queue(&channel, queue).await?;
            }
            Ok::<_, Error>(())
        };
        // Creating six quorum queues takes some 40 ms, and seconds while a cluster elects leaders.
        let declared = tokio::time::timeout(self.timeout() * 4, declaring).await;
        declared.map_err(|_| self.timed_out("declaring the queues"))??;
        close(channel).await;
        Ok(())
    }
}

async fn declare_queue(channel: &lapin::Channel, queue: Declared) -> Result<(), Error> {
    let Declared { name, arguments } = queue;
    let failed = |source| Error::Declare { name: format!("queue {name}"), source };
    let options = QueueDeclareOptions {
        passive: false,
        durable: true,
        exclusive: false,
        auto_delete: false,
        nowait: false,
    };
    channel.queue_declare(name.as_str().into(), options, arguments).await.map_err(failed)?;
    let (queue, key) = (name.as_str().into(), name.as_str().into());
    let bound = channel
        .queue_bind(queue, EXCHANGE.into(), key, QueueBindOptions { nowait: false }, FieldTable::default())
        .await;
    bound.map_err(|source| Error::Declare { name: format!("the binding of queue {name}"), source })
}

pub(crate) async fn close(channel: lapin::Channel) {
    // Best effort: a channel that does not close goes with its connection.
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), channel.close(200, "done".into())).await;
}
