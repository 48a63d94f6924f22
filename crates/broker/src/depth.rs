//! How many messages wait.

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;

use crate::declare::close;
use crate::{Broker, Error, Topology};

/// Messages that are ready, without those that a slot holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// In the work queue.
    pub work: u32,
    /// In all retry tiers.
    pub retry: u32,
    /// In the dead queue.
    pub dead: u32,
    /// Consumers of the work queue: slots that are being served.
    pub consumers: u32,
}

impl Broker {
    /// Asks for the depth of every queue of the topology.
    ///
    /// # Errors
    /// [`Error::NoQueue`] when one is not there, and as connecting can fail.
    pub async fn depth(&self, topology: &Topology) -> Result<Depth, Error> {
        let channel = self.channel().await?;
        let asking = async {
            let (work, consumers) = passive(&channel, topology.work()).await?;
            let (dead, _) = passive(&channel, topology.dead()).await?;
            let mut retry = 0;
            for tier in 0..topology.tiers() {
                retry += passive(&channel, topology.tier(tier)).await?.0;
            }
            Ok::<_, Error>(Depth { work, retry, dead, consumers })
        };
        let depth = tokio::time::timeout(self.timeout(), asking).await;
        let depth = depth.map_err(|_| self.timed_out("counting messages"))??;
        close(channel).await;
        Ok(depth)
    }

    /// Messages that are ready in the work queue and in all retry tiers. A queue that is not there holds none: somebody
    /// has deleted it, or the fleet has other tiers.
    ///
    /// # Errors
    /// As connecting can fail.
    pub async fn waiting(&self, topology: &Topology) -> Result<u32, Error> {
        let asking = async {
            let (mut waiting, mut channel) = (0, None);
            let tiers = (0..topology.tiers()).map(|tier| topology.tier(tier));
            for name in std::iter::once(topology.work()).chain(tiers) {
                let open = match channel.take() {
                    Some(open) => open,
                    None => self.channel().await?,
                };
                match passive(&open, name).await {
                    Ok((ready, _)) => {
                        waiting += ready;
                        channel = Some(open);
                    }
                    // It took the channel with it.
                    Err(Error::NoQueue { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok((waiting, channel))
        };
        let answer = tokio::time::timeout(self.timeout(), asking).await;
        let (waiting, channel) = answer.map_err(|_| self.timed_out("counting messages"))??;
        if let Some(channel) = channel {
            close(channel).await;
        }
        Ok(waiting)
    }
}

impl Broker {
    /// Whether this queue is there.
    ///
    /// # Errors
    /// [`Error::NoQueue`] when it is not, and as connecting can fail.
    pub(crate) async fn find(&self, name: &str) -> Result<(), Error> {
        let channel = self.channel().await?;
        let asked = tokio::time::timeout(self.timeout(), passive(&channel, name.to_owned())).await;
        asked.map_err(|_| self.timed_out("looking for a queue"))??;
        close(channel).await;
        Ok(())
    }
}

async fn passive(channel: &lapin::Channel, name: String) -> Result<(u32, u32), Error> {
    let options = QueueDeclareOptions {
        passive: true,
        durable: true,
        exclusive: false,
        auto_delete: false,
        nowait: false,
    };
    match channel.queue_declare(name.as_str().into(), options, FieldTable::default()).await {
        Ok(queue) => Ok((queue.message_count(), queue.consumer_count())),
        Err(source) if source.is_amqp_soft_error() => Err(Error::NoQueue { name, source }),
        Err(source) => Err(Error::Channel { doing: "counting messages", source }),
    }
}
