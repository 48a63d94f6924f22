//! A slot: its connection, its consumer, one message at a time.

mod attempt;
mod check;
mod context;
mod copies;
mod execute;
mod pipeline;
mod plan;
mod settle;
mod tries;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use queryfleet_broker::{Delivery, Subscription};
use queryfleet_job::{Backoff, Failure, Outcome};
use queryfleet_ledger::RunSession;
use queryfleet_metrics::Dependency;
use tokio::time::MissedTickBehavior;

use crate::decode::verify;
use crate::not_run::NotRun;
use crate::shared::Shared;
use crate::shared::large::is_outsize;
use crate::slot::context::Context;
use crate::slot::plan::Then;
use crate::slot::settle::settle_message;

/// How often the connection of an idle slot is pinged: well below the session's wait_timeout of 60 s. A session that
/// was idle for longer than a second is reset before the next job all the same.
const IDLE_PING_INTERVAL: Duration = Duration::from_secs(20);

/// Slots that may take no message end their subscriptions within this time, not all at once: a message that is on its way to a
/// consumer when that ends comes again with its delivery counted.
const HOLD_SPREAD: Duration = Duration::from_millis(500);
/// How long to wait for a delivery that the broker sent before it ended the subscription: it is here already.
const LAST_DELIVERY_TIMEOUT: Duration = Duration::from_millis(100);
/// How long a slot that may take no message keeps its connection to the database.
const HELD_SESSION_KEPT: Duration = Duration::from_secs(30);

/// One executor of a worker.
pub(crate) struct Slot {
    context: Context,
    backoff: Backoff,
}

impl Slot {
    /// The slot with this index, from 0.
    pub(crate) fn new(shared: Arc<Shared>, index: usize) -> Slot {
        let backoff = Backoff::new(shared.limits.longest_backoff);
        Slot { context: Context::new(shared, index), backoff }
    }

    /// Serves until the worker drains.
    pub(crate) async fn run(mut self) {
        let drain = self.context.shared.drain.clone();
        while !drain.is_draining() {
            self.wait_while_closed().await;
            if drain.is_draining() {
                break;
            }
            if self.connect_and_serve().await == Then::Pause {
                tokio::select! {
                    () = tokio::time::sleep(self.backoff.pause()) => {}
                    () = drain.draining() => {}
                }
            }
        }
        self.context.session.close().await;
    }

    /// Waits until this slot may take messages, or the worker drains.
    async fn wait_while_closed(&mut self) {
        let shared = self.context.shared.clone();
        let over = async {
            tokio::select! {
                () = shared.control.opened(self.context.index) => {}
                () = shared.drain.draining() => {}
            }
        };
        let mut over = std::pin::pin!(over);
        if tokio::time::timeout(HELD_SESSION_KEPT, &mut over).await.is_ok() {
            return;
        }
        // Somebody may want to work on the server.
        self.context.session.close().await;
        over.await;
    }

    /// First the database, then the consumer: a slot without a connection must hold no message. It serves once both
    /// connections are there: until then its permit is free for others.
    async fn connect_and_serve(&mut self) -> Then {
        let shared = self.context.shared.clone();
        let prepared = match self.context.session.prepare(RunSession::NONE).await {
            Ok(_) => self.context.session.probe().await,
            Err(error) => Err(error),
        };
        if let Err(error) = self.context.report_connection(Dependency::Database, prepared) {
            shared.metrics.health().set_unfit(error.is_unfit().then(|| queryfleet_job::causes(&error)));
            return Then::Pause;
        }
        shared.metrics.health().set_unfit(None);
        let connected = shared.clients.consuming.connect().await;
        if connected.is_err() {
            let _ = self.context.report_connection(Dependency::Broker, connected);
            return Then::Pause;
        }
        let Some(_serving) = shared.control.serve(self.context.index) else { return Then::Hold };
        let tag = format!("{}/{}", shared.worker, self.context.number());
        let subscribed = shared.clients.consuming.subscribe(&shared.topology.work(), &tag).await;
        let Ok(mut subscription) = self.context.report_connection(Dependency::Broker, subscribed) else {
            return Then::Pause;
        };
        let then = self.consume(&mut subscription).await;
        subscription.close().await;
        then
    }

    /// Takes messages until the worker drains or a connection has to be made anew.
    async fn consume(&mut self, subscription: &mut Subscription) -> Then {
        let mut ping = tokio::time::interval(IDLE_PING_INTERVAL);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.reset();
        let shared = self.context.shared.clone();
        let drain = shared.drain.clone();
        let mut draining = std::pin::pin!(drain.draining());
        let mut closed = std::pin::pin!(shared.control.closed(self.context.index));
        loop {
            let delivery = tokio::select! {
                biased;
                () = &mut draining => {
                    // If the channel is gone, nothing comes any more either.
                    let _ = subscription.cancel().await;
                    return Then::Continue;
                }
                () = &mut closed => return self.stop_taking(subscription).await,
                delivery = subscription.next() => delivery,
                _ = ping.tick() => {
                    self.backoff.reset();
                    if self.context.session.ping().await {
                        continue;
                    }
                    self.context.note_connection(Dependency::Database, false);
                    return Then::Reconnect;
                }
            };
            let delivery = delivery.unwrap_or_else(|| Err(queryfleet_broker::Error::Cancelled));
            let Ok(delivery) = self.context.report_connection(Dependency::Broker, delivery) else {
                return Then::Pause;
            };
            match self.serve(subscription, delivery).await {
                Then::Continue => self.backoff.reset(),
                then => return then,
            }
        }
    }

    /// Ends the subscription of an idle slot that may take no further message.
    async fn stop_taking(&mut self, subscription: &mut Subscription) -> Then {
        tokio::time::sleep(queryfleet_job::jittered(HOLD_SPREAD)).await;
        // If the channel is gone, nothing comes any more either.
        if subscription.cancel().await.is_ok() {
            // One that came before goes back as a copy. Closing the channel on it would count its delivery.
            while let Ok(Some(Ok(delivery))) =
                tokio::time::timeout(LAST_DELIVERY_TIMEOUT, subscription.next()).await
            {
                self.serve(subscription, delivery).await;
            }
        }
        Then::Hold
    }

    async fn serve(&mut self, subscription: &mut Subscription, delivery: Delivery) -> Then {
        let shared = self.context.shared.clone();
        if delivery.redelivered {
            shared.metrics.redelivered();
        }
        if let Some(waited_s) = delivery.waited_s {
            shared.metrics.queue_wait(Duration::from_secs(waited_s));
        }
        shared.busy_slots.fetch_add(1, Ordering::Relaxed);
        let then = self.serve_in_turn(&shared, subscription, delivery).await;
        shared.busy_slots.fetch_sub(1, Ordering::Relaxed);
        then
    }

    /// A large message waits for its turn, for no longer than a slot may hold a job that cannot run.
    async fn serve_in_turn(
        &mut self,
        shared: &Shared,
        subscription: &mut Subscription,
        delivery: Delivery,
    ) -> Then {
        let bytes = delivery.body.len();
        let _turn = tokio::select! {
            biased;
            turn = shared.large.turn(bytes) => turn,
            () = shared.drain.must_end() => return self.give_back(subscription, delivery).await,
            () = shared.control.closed(self.context.index) => return self.give_back(subscription, delivery).await,
            () = tokio::time::sleep(shared.limits.policy.pressure_timeout) => {
                return self.give_back(subscription, delivery).await;
            }
        };
        let then = pipeline::serve(&mut self.context, subscription, delivery).await;
        if !is_outsize(bytes) {
            return then;
        }
        // While it is still this message's turn.
        self.context.session.shed().await;
        if then != Then::Continue {
            return then;
        }
        let prepared = self.context.session.prepare(RunSession::NONE).await.map(drop);
        match self.context.report_connection(Dependency::Database, prepared) {
            Ok(()) => Then::Continue,
            Err(_) => Then::Pause,
        }
    }

    /// Gives a large message back whose turn did not come.
    async fn give_back(&mut self, subscription: &mut Subscription, mut delivery: Delivery) -> Then {
        let not_run = match verify(&mut delivery, self.context.shared.signer.as_ref()) {
            Ok(()) => NotRun(Outcome::Interrupted(Failure::said("other large messages had their turn"))),
            Err(not_run) => not_run,
        };
        settle_message(&mut self.context, subscription, &delivery, &not_run).await
    }
}
