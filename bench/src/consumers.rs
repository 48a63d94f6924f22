//! The other limit: consumers that take messages, one at a time, and acknowledge them without doing anything.
//!
//! usage: consumers COUNT MESSAGES; of a worker's subscriptions, on one connection. Prints `ready`, waits for a line,
//! and prints `done` when so many messages have been acknowledged.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use queryfleet_bench::say;
use queryfleet_broker::{Broker, Topology};
use queryfleet_config::Config;

type Fault = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Fault> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, count, messages] = arguments.as_slice() else {
        return Err("usage: consumers COUNT MESSAGES".into());
    };
    // As the worker's own runtime is made.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(take(count.parse()?, messages.parse()?))
}

async fn take(count: usize, messages: usize) -> Result<(), Fault> {
    let config = Config::from_env()?;
    let broker = Arc::new(Broker::new(&config, "bench")?);
    let topology = Topology::new(&config.queue, &config.retry_tiers, config.delivery_limit)?;
    let left = Arc::new(AtomicUsize::new(messages));
    let (over, mut last) = tokio::sync::mpsc::channel(1);
    say("ready")?;
    for number in 0..count {
        let mut subscription = broker.subscribe(&topology.work(), &format!("bench/{number}")).await?;
        let (left, over) = (left.clone(), over.clone());
        tokio::spawn(async move {
            while let Some(Ok(delivery)) = subscription.next().await {
                delivery.ack();
                if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                    let _ = over.send(()).await;
                }
            }
        });
    }
    drop(over);
    last.recv().await.ok_or("a consumer has ended")?;
    say("done")?;
    broker.close().await;
    Ok(())
}
