//! A worker's life: it connects, declares the topology, runs its slots, and drains.

use std::sync::Arc;
use std::time::{Duration, Instant};

use queryfleet_broker::ErrorClass;
use queryfleet_config::Config;
use queryfleet_job::Backoff;
use queryfleet_metrics::{Health, Labels, Metrics, Totals};
use tokio::task::JoinSet;

use crate::log::{Event, EventKind};
use crate::shared::Shared;
use crate::slot::Slot;
use crate::{Drain, Error, collector, governor, halt, heartbeat, sweeper};

/// How long the end of the drain may take: killing statements and publishing copies. The chart's grace period covers
/// it.
const GIVE_BACK_TIMEOUT: Duration = Duration::from_secs(15);
/// How long deleting the worker's row may take. The chart's grace period covers it.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);
/// How often it is looked whether the sessions have ended, before that.
const SESSIONS_LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// How long the worker's own loop may stand still before /livez says so.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Which program this is, for the metric `build_info`.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// The version of the program.
    pub version: &'static str,
    /// The commit that it was built from.
    pub revision: &'static str,
}

/// Runs a worker until `drain` begins and every slot has ended, and says what it has done. Servers that cannot be reached are waited for.
///
/// # Errors
/// Returns an error if the worker cannot start for a reason that waiting does not remove: an unusable configuration, an
/// address for metrics that is in use, wrong credentials, a missing virtual host or database, or a queue that exists with
/// other arguments; or because queryfleet's tables, or this account's rights to them, are missing for longer than
/// `setup_timeout`.
pub async fn work(config: &Config, drain: Drain, build: Build) -> Result<Totals, Error> {
    let labels = Labels {
        queue: &config.queue,
        slots: config.slots,
        version: build.version,
        revision: build.revision,
    };
    let metrics = Arc::new(Metrics::new(&labels, Health::new(STALL_TIMEOUT))?);
    let server = match config.metrics_listen {
        Some(address) => Some(queryfleet_metrics::serve(address, metrics.clone()).await?),
        None => None,
    };
    let shared = Arc::new(Shared::new(config, metrics, drain.clone())?);
    let mut beside = JoinSet::new();
    beside.spawn(heartbeat::show_liveness(shared.clone()));
    if !connect(&shared, config.setup_timeout).await? {
        return Ok(Totals::default());
    }
    // A worker that is started into a hold or a limit never looks as if it could serve.
    heartbeat::show_control(&shared);
    beside.spawn(heartbeat::keep(shared.clone(), config.run_poll_interval, config.heartbeat_interval));
    beside.spawn(heartbeat::keep_admissions_connected(shared.clone()));
    beside.spawn(collector::collect(shared.clone()));
    beside.spawn(sweeper::sweep(shared.clone()));
    beside.spawn(halt::watch(shared.clone()));
    beside.spawn(governor::govern(shared.clone(), config.clone()));
    let slots: JoinSet<()> = (0..config.slots).map(|index| Slot::new(shared.clone(), index).run()).collect();
    // Tests and benches wait for "worker serves", and read the address behind "metrics=".
    tracing::info!(
        slots = config.slots,
        queue = shared.queue,
        worker = shared.worker,
        metrics = %server.as_ref().map_or_else(|| "off".to_owned(), |server| server.address().to_string()),
        "worker serves"
    );
    drain.draining().await;
    shared.metrics.health().set_draining(true);
    // Tests wait for this line, too.
    tracing::info!(worker = shared.worker, "worker drains");
    finish(slots, &drain, config.drain_timeout).await;
    beside.abort_all();
    shared.log.flush_all();
    leave(&shared).await;
    Ok(shared.metrics.totals())
}

/// Waits for both servers, reads which ledger this is, and declares the topology. For tables and rights it waits for
/// `setup_timeout`: workers may be started together with `queryfleet setup`. Returns false if the drain came first.
async fn connect(shared: &Shared, setup_timeout: Duration) -> Result<bool, Error> {
    let since = Instant::now();
    let mut backoff = Backoff::new(shared.limits.longest_backoff);
    loop {
        let (identified, declared) = tokio::join!(
            shared.runs.connect(&shared.control),
            shared.clients.consuming.declare(&shared.topology)
        );
        let error: Error = match (identified, declared) {
            (Ok(()), Ok(())) => return Ok(true),
            (Err(error), _)
                if error.is_unfit() && !(error.awaits_setup() && since.elapsed() < setup_timeout) =>
            {
                return Err(error.into());
            }
            (_, Err(error)) if shared.clients.consuming.class(&error) == ErrorClass::Permanent => {
                return Err(error.into());
            }
            (Err(error), _) => error.into(),
            (_, Err(error)) => error.into(),
        };
        shared.log.record(EventKind::StartFailed, || Event {
            class: "start",
            error: Some(queryfleet_job::causes(&error)),
            ..Event::default()
        });
        tokio::select! {
            () = tokio::time::sleep(backoff.pause()) => {}
            () = shared.drain.draining() => return Ok(false),
        }
    }
}

/// Lets running statements end. Past the drain timeout they are killed, and their messages are given back.
async fn finish(mut slots: JoinSet<()>, drain: &Drain, drain_timeout: Duration) {
    let ended = async { while slots.join_next().await.is_some() {} };
    tokio::pin!(ended);
    tokio::select! {
        () = &mut ended => return,
        () = tokio::time::sleep(drain_timeout) => {
            tracing::warn!("drain timeout has passed: running statements are ended");
        }
        () = drain.must_end() => {}
    }
    drain.now();
    if tokio::time::timeout(GIVE_BACK_TIMEOUT, &mut ended).await.is_err() {
        tracing::warn!(
            "broker or database does not answer: the messages of this worker come again elsewhere"
        );
    }
}

/// Gives the worker's permits back, deletes its row, and closes the connections. Where a killed statement is still undone, the
/// row and its permits stay: they are free when the server lists the session no longer.
async fn leave(shared: &Shared) {
    let leaving = async {
        let mut client = shared.clients.heartbeat.lock().await;
        if shared.control.is_limited() {
            shared.sessions.write(&mut client, shared.control.worker_id()).await?;
            // A session that was closed is listed for a moment. The others: until the timeout.
            while !client
                .permits()
                .listed_sessions()
                .await?
                .is_some_and(|listed| shared.sessions.have_ended(&listed))
            {
                tokio::time::sleep(SESSIONS_LOOK_INTERVAL).await;
            }
        }
        shared.control.give_up_permits(&mut client).await?;
        client.workers().remove(shared.control.worker_id()).await
    };
    // Best effort: a database that is unavailable does not hold the worker.
    let _ = tokio::time::timeout(LEAVE_TIMEOUT, leaving).await;
    shared.clients.consuming.close().await;
    shared.clients.publishing.close().await;
}
