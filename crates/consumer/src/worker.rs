//! A worker's life: init step, declare, slots, drain.

use std::sync::Arc;
use std::time::Duration;

use queryfleet_broker::ErrorClass;
use queryfleet_config::Config;
use queryfleet_job::Backoff;
use tokio::task::JoinSet;

use crate::news::{Case, Topic};
use crate::shared::Shared;
use crate::slot::Slot;
use crate::{Drain, Error, collector, heartbeat, labels};

/// How long the end of the drain may take: killing statements and publishing copies.
const GIVE_BACK: Duration = Duration::from_secs(15);
/// How long taking away the worker's row may take.
const LEAVE: Duration = Duration::from_secs(2);

/// Which program this is, for `build_info`.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// The version of the program.
    pub version: &'static str,
    /// The commit that it was built from.
    pub revision: &'static str,
}

/// Runs a worker until `drain` begins and every slot has ended.
///
/// # Errors
/// What waiting does not mend when it starts: an unusable configuration, credentials, vhost, database, tables, or a
/// queue that exists with other arguments. Servers that cannot be reached are waited for.
pub async fn work(config: &Config, drain: Drain, build: Build) -> Result<(), Error> {
    let metrics = Arc::new(labels::metrics(&config.queue, config.slots, build)?);
    let server = queryfleet_metrics::serve(config.metrics_listen, metrics.clone()).await?;
    let shared = Arc::new(Shared::new(config, metrics, drain.clone())?);
    let mut beside = JoinSet::new();
    beside.spawn(heartbeat::turn(shared.clone()));
    if !start(&shared, config.backoff_max).await? {
        return Ok(());
    }
    let id = queryfleet_job::random_id()?;
    beside.spawn(heartbeat::keep(
        shared.clone(),
        id.clone(),
        config.run_poll_interval,
        config.heartbeat_interval,
    ));
    beside.spawn(collector::collect(shared.clone()));
    let slots: JoinSet<()> = (0..config.slots).map(|index| Slot::new(shared.clone(), index).run()).collect();
    let (slots_count, metrics) = (config.slots, server.address());
    tracing::info!(slots = slots_count, queue = shared.queue, worker = shared.name, %metrics, "worker serves");
    drain.draining().await;
    shared.metrics.health().set_draining(true);
    tracing::info!(worker = shared.name, "worker drains");
    finish(slots, &drain, config.drain_timeout).await;
    beside.abort_all();
    shared.news.end();
    leave(&shared, &id).await;
    Ok(())
}

/// Waits for both servers, knows the ledger, declares the topology. False when the drain came first.
async fn start(shared: &Shared, longest: Duration) -> Result<bool, Error> {
    let mut backoff = Backoff::new(longest);
    loop {
        let (identified, declared) =
            tokio::join!(shared.runs.identify(), shared.consuming.declare(&shared.topology));
        let error: Error = match (identified, declared) {
            (Ok(()), Ok(())) => return Ok(true),
            (Err(error), _) if error.is_unfit() => return Err(error.into()),
            (_, Err(error)) if shared.consuming.class(&error) == ErrorClass::Permanent => {
                return Err(error.into());
            }
            (Err(error), _) => error.into(),
            (_, Err(error)) => error.into(),
        };
        let error = queryfleet_job::causes(&error);
        shared.news.tell(Topic::Waits, || Case { class: "start", error: Some(error), ..Case::default() });
        tokio::select! {
            () = tokio::time::sleep(backoff.pause()) => {}
            () = shared.drain.draining() => return Ok(false),
        }
    }
}

/// Lets running statements end; past the drain timeout they are ended and their messages given back.
async fn finish(mut slots: JoinSet<()>, drain: &Drain, timeout: Duration) {
    let all = async { while slots.join_next().await.is_some() {} };
    tokio::pin!(all);
    tokio::select! {
        () = &mut all => return,
        () = tokio::time::sleep(timeout) => tracing::warn!("drain timeout has passed: running statements are ended"),
        () = drain.must_end() => {}
    }
    drain.now();
    if tokio::time::timeout(GIVE_BACK, &mut all).await.is_err() {
        tracing::warn!(
            "broker or database does not answer: the messages of this worker come again elsewhere"
        );
    }
}

async fn leave(shared: &Shared, id: &str) {
    let leaving = async {
        let _ = shared.runs.control().lock().await.workers().remove(id).await;
    };
    // Best effort: a database that is away does not hold the worker.
    let _ = tokio::time::timeout(LEAVE, leaving).await;
    shared.consuming.close().await;
    shared.publishing.close().await;
}
