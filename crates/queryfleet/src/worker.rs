//! A worker in this process.

use std::net::SocketAddr;
use std::sync::Arc;

use queryfleet_config::Config;
use queryfleet_consumer::Build;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinHandle};

use crate::{Error, ErrorKind};

/// What the metric `build_info` says of a worker in a program.
const BUILD: Build = Build { version: env!("CARGO_PKG_VERSION"), revision: "library" };

/// How a worker is told to stop; clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Drain(pub(crate) queryfleet_consumer::Drain);

impl Drain {
    /// Takes no further message, and lets running statements end, for `QUERYFLEET_DRAIN_TIMEOUT`.
    pub fn begin(&self) {
        self.0.begin();
    }

    /// Ends running statements too, and gives their messages back.
    pub fn now(&self) {
        self.0.now();
    }

    /// Whether one of both was said.
    pub fn is_draining(&self) -> bool {
        self.0.is_draining()
    }

    /// Waits until one of both is said.
    pub async fn draining(&self) {
        self.0.draining().await;
    }
}

/// A worker that has not started.
#[must_use]
pub struct Worker {
    config: Config,
    build: Build,
}

impl Worker {
    pub(crate) fn of(config: Config) -> Worker {
        Worker { config, build: BUILD }
    }

    /// The commit of the binary, for the metric `build_info`; not part of the interface.
    #[doc(hidden)]
    pub fn revision(mut self, revision: &'static str) -> Worker {
        self.build.revision = revision;
        self
    }

    /// How many jobs it executes at a time, from 1 to 1,024, each on a connection of its own; `QUERYFLEET_SLOTS` otherwise.
    pub fn slots(mut self, slots: usize) -> Worker {
        self.config.slots = slots;
        self
    }

    /// Serves `/metrics`, `/livez` and `/readyz` at this address; port 0 takes a free one. Without this call it listens
    /// nowhere, unless `QUERYFLEET_METRICS_LISTEN` is set.
    pub fn metrics(mut self, address: SocketAddr) -> Worker {
        self.config.metrics_listen = Some(address);
        self
    }

    /// What can be said before it runs.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let slots = self.config.slots;
        if (1..=usize::from(queryfleet_config::MAX_SLOTS)).contains(&slots) {
            return Ok(());
        }
        let most = queryfleet_config::MAX_SLOTS;
        Err(Error::new(ErrorKind::Config, format!("{slots} slots: a worker has from 1 to {most}")))
    }

    /// Serves the queue until `drain` begins and the running jobs have ended, and says what it has done. Servers that are
    /// unavailable are waited for.
    ///
    /// Dropping the future ends the running statements and gives their messages back, in the background of the runtime; where
    /// the runtime ends as well, the broker gives them to other workers. No job is lost or doubled either way.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], and [`ErrorKind::Server`] for what waiting does not remove.
    pub async fn run(self, drain: Drain) -> Result<WorkerTotals, Error> {
        self.check()?;
        // Its own: others may have this drain, too.
        let own = drain.0.child();
        let _end = EndNow(own.clone());
        let work =
            tokio::spawn(async move { queryfleet_consumer::work(&self.config, own, self.build).await });
        let totals = work
            .await
            .map_err(|error| Error::new(ErrorKind::Internal, error))?
            .map_err(Error::of_consumer)?;
        let queryfleet_metrics::Totals { done, rows_affected, retries, redeliveries } = totals;
        Ok(WorkerTotals { done, rows_affected, retries, redeliveries })
    }
}

/// A worker of this process beside a publish and the wait for its run, as `queryfleet run` and [`Fleet::run`](crate::Fleet::run)
/// have it: it starts when the input is checked, or not at all, since it would take the messages of other runs. Dropping it
/// ends its statements. For the binary; not part of the interface.
#[doc(hidden)]
pub struct OwnWorker {
    checked: Arc<Notify>,
    drain: Drain,
    /// `None` once its end was seen.
    working: Option<JoinHandle<Result<WorkerTotals, Error>>>,
    _end: EndNow,
}

impl OwnWorker {
    /// It waits for [`when_checked`](Self::when_checked).
    pub fn new(worker: Worker) -> OwnWorker {
        let (checked, drain) = (Arc::new(Notify::new()), Drain::default());
        let (start, draining) = (checked.clone(), drain.clone());
        let working = tokio::spawn(async move {
            tokio::select! {
                () = start.notified() => {}
                () = draining.draining() => return Ok(WorkerTotals::default()),
            }
            worker.run(draining).await
        });
        let end = EndNow(drain.0.clone());
        OwnWorker { checked, drain, working: Some(working), _end: end }
    }

    /// What starts it.
    pub fn when_checked(&self) -> impl Fn() + Send + Sync + 'static {
        let checked = self.checked.clone();
        move || checked.notify_one()
    }

    /// Ends when the worker does, once.
    ///
    /// # Errors
    /// Those of [`Worker::run`].
    pub async fn ended(&mut self) -> Result<(), Error> {
        match &mut self.working {
            Some(working) => {
                let worked = working.await;
                self.working = None;
                told(worked).map(drop)
            }
            None => std::future::pending().await,
        }
    }

    /// Drains it, without what its statements would still take once `now` has ended.
    ///
    /// # Errors
    /// As [`ended`](Self::ended).
    pub async fn drain(self, now: impl Future<Output = ()>) -> Result<WorkerTotals, Error> {
        self.drain.begin();
        let Some(mut working) = self.working else { return Ok(WorkerTotals::default()) };
        tokio::select! {
            worked = &mut working => return told(worked),
            () = now => self.drain.now(),
        }
        told(working.await)
    }

    /// Drains it without its statements, which are given back.
    pub fn end_now(&self) {
        self.drain.now();
    }
}

fn told(worked: Result<Result<WorkerTotals, Error>, JoinError>) -> Result<WorkerTotals, Error> {
    worked.map_err(|error| Error::new(ErrorKind::Internal, error))?
}

/// Ends a worker whose end nobody waits for.
struct EndNow(queryfleet_consumer::Drain);

impl Drop for EndNow {
    fn drop(&mut self) {
        self.0.now();
    }
}

/// What a worker has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerTotals {
    /// Jobs that took effect.
    pub done: u64,
    /// Rows that they changed.
    pub rows_affected: u64,
    /// Messages with jobs that were left for a later attempt.
    pub retries: u64,
    /// Messages that the broker had delivered before.
    pub redeliveries: u64,
}
