//! A client of the broker that is none of the program's.

use lapin::options::{
    BasicGetOptions, BasicPublishOptions, BasicRejectOptions, ConfirmSelectOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use queryfleet_job::Chunk;

use crate::Fleet;
use crate::servers::runtime;

/// The exchange of the topology (crates/broker/src/topology.rs).
const EXCHANGE: &str = "queryfleet";
/// The work queue of the queue `default`.
const WORK: &str = "queryfleet.default";

/// A message that a test has in hand.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The envelope.
    pub body: Vec<u8>,
    headers: FieldTable,
}

impl Taken {
    /// One with this body and no headers.
    pub fn of(body: Vec<u8>) -> Taken {
        Taken { body, headers: FieldTable::default() }
    }

    /// Sets a header.
    pub fn set(&mut self, name: &str, value: AMQPValue) {
        self.headers.insert(name.into(), value);
    }
}

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
        self.send_all([body]);
    }

    /// The same with many of them.
    pub fn send_all<T: AsRef<[u8]>>(&self, bodies: impl IntoIterator<Item = T>) {
        let messages: Vec<Taken> = bodies.into_iter().map(|body| Taken::of(body.as_ref().to_vec())).collect();
        self.put("default", &messages);
    }

    /// Takes all messages that are ready in the work queue out of it.
    pub fn take(&self) -> Vec<Taken> {
        self.with_channel(async |channel| {
            let mut taken = Vec::new();
            while let Some(got) = channel.basic_get(WORK.into(), BasicGetOptions { no_ack: true }).await? {
                let headers = got.delivery.properties.headers().clone().unwrap_or_default();
                taken.push(Taken { body: got.delivery.data, headers });
            }
            Ok(taken)
        })
    }

    /// Puts messages into the work queue of a queue name, as anybody can who may publish.
    pub fn put(&self, queue: &str, messages: &[Taken]) {
        let queue = format!("{EXCHANGE}.{queue}");
        self.with_channel(async |channel| {
            channel.confirm_select(ConfirmSelectOptions { nowait: false }).await?;
            let options = BasicPublishOptions { mandatory: true, immediate: false };
            let mut published = Vec::new();
            for Taken { body, headers } in messages {
                let properties =
                    BasicProperties::default().with_delivery_mode(2).with_headers(headers.clone());
                let (exchange, key) = (EXCHANGE.into(), queue.as_str().into());
                published.push(channel.basic_publish(exchange, key, options, body, properties).await?);
            }
            for one in published {
                assert!(matches!(one.await?, lapin::Confirmation::Ack(None)), "not routed");
            }
            Ok(())
        });
    }

    /// Puts a message of ours into the work queue: its body and the headers that count.
    pub fn send_message(&self, message: &queryfleet_job::Message) {
        let mut taken = Taken::of(message.body.clone());
        if let Some(signature) = &message.headers.signature {
            taken.set("x-queryfleet-signature", AMQPValue::LongString(signature.as_str().into()));
        }
        self.put("default", &[taken]);
    }

    /// Sends a chunk, as the producer would.
    pub fn send_chunk(&self, chunk: &Chunk) {
        self.send(&queryfleet_job::envelope::encode(chunk));
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
