//! A client of the broker that is none of the program's.

use job::Chunk;
use lapin::options::{
    BasicGetOptions, BasicPublishOptions, BasicRejectOptions, ConfirmSelectOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use crate::Fleet;
use crate::servers::runtime;

/// The exchange of the topology (crates/broker/src/topology.rs).
const EXCHANGE: &str = "queryfleet";
/// The work queue of the queue `default`.
const WORK: &str = "queryfleet.default";

impl Fleet {
    fn with_channel<T>(&self, work: impl AsyncFnOnce(&Channel) -> Result<T, lapin::Error>) -> T {
        let done = runtime().block_on(async {
            let connection = self.connect_to_a_node().await?;
            let channel = connection.create_channel().await?;
            let done = work(&channel).await;
            connection.close(200, "done".into()).await?;
            done
        });
        done.expect("the broker serves the tests")
    }

    /// A node that is struck may still run and not answer: then it is the next one's turn.
    async fn connect_to_a_node(&self) -> Result<Connection, lapin::Error> {
        let urls = self.amqp_urls("?connection_timeout=3000");
        let mut connection = Err(lapin::ErrorKind::ChannelsLimitReached.into());
        for url in urls.split(',') {
            connection = Connection::connect(url, ConnectionProperties::default()).await;
            if connection.is_ok() {
                break;
            }
        }
        connection
    }

    /// Puts bytes into the work queue, without headers, and waits for the broker's confirm.
    pub fn send(&self, body: &[u8]) {
        self.with_channel(async |channel| {
            channel.confirm_select(ConfirmSelectOptions { nowait: false }).await?;
            let options = BasicPublishOptions { mandatory: true, immediate: false };
            let properties = BasicProperties::default().with_delivery_mode(2);
            let published =
                channel.basic_publish(EXCHANGE.into(), WORK.into(), options, body, properties).await?;
            assert!(matches!(published.await?, lapin::Confirmation::Ack(None)), "not routed");
            Ok(())
        });
    }

    /// Sends a chunk, as the producer would.
    pub fn send_chunk(&self, chunk: &Chunk) {
        self.send(&job::envelope::encode(chunk));
    }

    /// Takes the next message of the work queue and rejects it, as a worker does that cannot verify it.
    pub fn reject_next(&self) {
        self.with_channel(async |channel| {
            let got = channel.basic_get(WORK.into(), BasicGetOptions { no_ack: false }).await?;
            let message = got.expect("a message that is ready");
            message.reject(BasicRejectOptions { requeue: false }).await
        });
    }

    /// Takes the next message of the work queue and puts it back, as somebody at the management page does, until there is
    /// none any more; answers how often.
    pub fn requeue_all(&self) -> usize {
        self.with_channel(async |channel| {
            let mut count = 0;
            while let Some(message) =
                channel.basic_get(WORK.into(), BasicGetOptions { no_ack: false }).await?
            {
                message.reject(BasicRejectOptions { requeue: true }).await?;
                count += 1;
                assert!(count < 1000, "nothing ends that");
            }
            Ok(count)
        })
    }

    /// Moves the next message of the work queue to the dead queue, as a person with a shovel does.
    pub fn shovel_next(&self) {
        self.with_channel(async |channel| {
            let got = channel.basic_get(WORK.into(), BasicGetOptions { no_ack: false }).await?;
            let message = got.expect("a message that is ready");
            let (dead, options) =
                (format!("{WORK}.dead"), BasicPublishOptions { mandatory: true, immediate: false });
            let properties = message.delivery.properties.clone();
            channel
                .basic_publish("".into(), dead.as_str().into(), options, &message.delivery.data, properties)
                .await?;
            message.delivery.acker.ack(lapin::options::BasicAckOptions { multiple: false }).await?;
            Ok(())
        });
    }

    /// Messages that are ready in the work queue or in one named after it, such as `.dead`.
    pub fn ready(&self, suffix: &str) -> u32 {
        let queue = format!("{WORK}{suffix}");
        self.with_channel(async |channel| {
            let options = QueueDeclareOptions {
                passive: true,
                durable: true,
                exclusive: false,
                auto_delete: false,
                nowait: false,
            };
            let queue = channel.queue_declare(queue.as_str().into(), options, FieldTable::default()).await?;
            Ok(queue.message_count())
        })
    }

    /// Makes the work queue of another queue name, or one named after it such as `NAME.dead`, as a stranger might: of
    /// this type, `classic` or `quorum`, without any other of our arguments.
    pub fn make_strange_queue(&self, queue: &str, kind: &str) {
        let queue = format!("{EXCHANGE}.{queue}");
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
        self.with_channel(async |channel| {
            let options = QueueDeclareOptions {
                passive: false,
                durable: true,
                exclusive: false,
                auto_delete: false,
                nowait: false,
            };
            channel.queue_declare(queue.as_str().into(), options, arguments).await
        });
    }

    /// Deletes the work queue with all that is in it, as an operator might.
    pub fn delete_queue(&self) {
        self.with_channel(async |channel| {
            let options = QueueDeleteOptions { if_unused: false, if_empty: false, nowait: false };
            channel.queue_delete(WORK.into(), options).await
        });
    }

    /// Takes the binding of the work queue away, or of one named after it: the exchange has nowhere to send a job to.
    pub fn unbind_queue(&self, suffix: &str) {
        let queue = format!("{WORK}{suffix}");
        let name = queue.as_str();
        self.with_channel(async |channel| {
            channel.queue_unbind(name.into(), EXCHANGE.into(), name.into(), FieldTable::default()).await
        });
    }

    /// All messages in all queues of the virtual host, held ones included: some 0.5 s.
    pub fn messages(&self) -> u64 {
        let queues = self.ctl(&["list_queues", "messages"]);
        // The first line is a heading.
        queues.lines().filter_map(|line| line.trim().parse::<u64>().ok()).sum()
    }

    /// Removes every ready message of the work queue, as an operator might.
    pub fn purge_queue(&self) {
        self.ctl(&["purge_queue", WORK]);
    }
}
