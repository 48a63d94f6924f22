//! A slot: its connection, its consumer, one message at a time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use queryfleet_broker::{Delivery, Publisher, Subscription};
use queryfleet_job::Backoff;
use queryfleet_ledger::{RunSession, Session};
use queryfleet_metrics::{Dependency, SlotMetrics};

use crate::decode::verify;
use crate::large::is_outsize;
use crate::news::{self, Case, Topic};
use crate::pipeline;
use crate::settle::{self, ACTIONS, After};
use crate::shared::Shared;

/// How often an idle connection is used: well below the session's wait_timeout of 60 s.
const IDLE_PING: Duration = Duration::from_secs(20);

/// One executor of a worker.
pub(crate) struct Slot {
    pub(crate) shared: Arc<Shared>,
    pub(crate) index: usize,
    pub(crate) session: Session,
    pub(crate) publisher: Publisher,
    metrics: Arc<SlotMetrics>,
}

impl Slot {
    pub(crate) fn new(shared: Arc<Shared>, index: usize) -> Slot {
        Slot {
            session: Session::new(shared.database.clone()),
            publisher: Publisher::new(shared.publishing.clone(), shared.topology.clone()),
            metrics: shared.metrics.slots()[index].clone(),
            index,
            shared,
        }
    }

    /// Serves until the worker drains.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::new(self.shared.backoff_max);
        while !self.shared.drain.is_draining() {
            if self.connect_and_serve(&mut backoff).await == After::Pause {
                tokio::select! {
                    () = tokio::time::sleep(backoff.pause()) => {}
                    () = self.shared.drain.draining() => {}
                }
            }
        }
        self.session.close().await;
    }

    /// First the database, then the consumer: a slot without a connection must hold no message.
    async fn connect_and_serve(&mut self, backoff: &mut Backoff) -> After {
        let prepared = match self.session.prepare(RunSession::NONE).await {
            Ok(_) => self.session.probe().await,
            Err(error) => Err(error),
        };
        if let Err(error) = self.connected(Dependency::Database, prepared) {
            self.shared.metrics.health().set_unfit(error.is_unfit().then(|| queryfleet_job::causes(&error)));
            return After::Pause;
        }
        self.shared.metrics.health().set_unfit(None);
        let tag = format!("{}/{}", self.shared.name, self.index + 1);
        let subscribed = self.shared.consuming.subscribe(&self.shared.topology.work(), &tag).await;
        let Ok(mut subscription) = self.connected(Dependency::Broker, subscribed) else {
            return After::Pause;
        };
        let after = self.consume(&mut subscription, backoff).await;
        subscription.close().await;
        after
    }

    async fn consume(&mut self, subscription: &mut Subscription, backoff: &mut Backoff) -> After {
        let mut ping = tokio::time::interval(IDLE_PING);
        ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ping.reset();
        let drain = self.shared.drain.clone();
        let mut draining = std::pin::pin!(drain.draining());
        loop {
            let delivery = tokio::select! {
                biased;
                () = &mut draining => {
                    let _ = subscription.cancel().await;
                    return After::Continue;
                }
                delivery = subscription.next() => delivery,
                _ = ping.tick() => {
                    backoff.reset();
                    if self.session.ping().await {
                        continue;
                    }
                    self.shared.connected(Dependency::Database, self.index, false);
                    return After::Reconnect;
                }
            };
            let delivery = delivery.unwrap_or_else(|| Err(queryfleet_broker::Error::Cancelled));
            let Ok(delivery) = self.connected(Dependency::Broker, delivery) else { return After::Pause };
            match self.serve(subscription, delivery).await {
                After::Continue => backoff.reset(),
                after => return after,
            }
        }
    }

    async fn serve(&mut self, subscription: &mut Subscription, delivery: Delivery) -> After {
        if delivery.redelivered {
            self.shared.metrics.redelivered();
        }
        if let Some(waited) = delivery.waited_s {
            self.shared.metrics.queue_wait(Duration::from_secs(waited));
        }
        self.shared.in_flight.fetch_add(1, Ordering::Relaxed);
        let after = self.serve_in_turn(subscription, delivery).await;
        self.shared.in_flight.fetch_sub(1, Ordering::Relaxed);
        after
    }

    /// A large message waits for its turn, for no longer than a slot may hold a job that cannot run.
    async fn serve_in_turn(&mut self, subscription: &mut Subscription, delivery: Delivery) -> After {
        let (shared, bytes) = (self.shared.clone(), delivery.body.len());
        let _turn = tokio::select! {
            biased;
            turn = shared.large.turn(bytes) => turn,
            () = shared.drain.must_end() => return self.give_back(subscription, delivery).await,
            () = tokio::time::sleep(self.shared.policy.pressure_timeout) => {
                return self.give_back(subscription, delivery).await;
            }
        };
        let after = pipeline::serve(self, subscription, delivery).await;
        if !is_outsize(bytes) {
            return after;
        }
        // While it is still this message's turn.
        self.session.shed().await;
        if after != After::Continue {
            return after;
        }
        let prepared = self.session.prepare(RunSession::NONE).await.map(drop);
        if self.connected(Dependency::Database, prepared).is_ok() { after } else { After::Pause }
    }

    async fn give_back(&mut self, subscription: &mut Subscription, mut delivery: Delivery) -> After {
        let outcome = match verify(&mut delivery, self.shared.signer.as_ref()) {
            Ok(()) => queryfleet_job::Outcome::Interrupted(queryfleet_job::Failure::said(
                "other large messages had their turn",
            )),
            Err(outcome) => outcome,
        };
        settle::message(self, subscription, delivery, &outcome).await
    }

    /// Marks the beginning of `jobs` jobs; they are in flight until the answer is dropped.
    pub(crate) fn begin(&self, jobs: usize) -> queryfleet_metrics::InFlight {
        self.metrics.begin(jobs as u64)
    }

    /// Counts the end of one job; `took` is its own time, of a chunk its share.
    pub(crate) fn ended(&self, outcome: &queryfleet_job::Outcome, took: Duration) {
        self.metrics.ended(outcome.class() as usize, took);
        if let queryfleet_job::Outcome::Done(rows) = outcome {
            self.shared.metrics.rows_affected(*rows);
        }
    }

    /// Counts a settled delivery.
    pub(crate) fn count(&self, action: &str) {
        if let Some(index) = ACTIONS.iter().position(|(known, _)| *known == action) {
            self.shared.metrics.settled(index);
        }
    }

    /// Notes whether a dependency answered, and tells it when not.
    fn connected<T, E>(&self, dependency: Dependency, result: Result<T, E>) -> Result<T, E>
    where
        E: std::error::Error,
    {
        self.shared.connected(dependency, self.index, result.is_ok());
        result.inspect_err(|error| {
            let (slot, class, error) =
                (Some(self.index + 1), dependency.as_str(), queryfleet_job::causes(error));
            news::unconnected(self, class, &error);
            let topic = match dependency {
                Dependency::Database => Topic::NoDatabase,
                Dependency::Broker => Topic::NoBroker,
            };
            let case = || Case { slot, class, error: Some(error), ..Case::default() };
            self.shared.news.tell(topic, case);
        })
    }
}
