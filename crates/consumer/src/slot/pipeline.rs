//! The way of a message through a slot, stage by stage.

use queryfleet_broker::{Delivery, Subscription};

use crate::decode::decode;
use crate::not_run::NotRun;
use crate::shared::closed::is_closed;
use crate::slot::context::Context;
use crate::slot::execute::execute;
use crate::slot::plan::Then;
use crate::slot::settle::{settle_jobs, settle_message};

/// Takes a delivery through decode, admit, pay, execute and settle; if the message is large, its turn has come. Whatever
/// happens on the way, its message is acknowledged only when every job of it has ended in the ledger or is in a
/// confirmed copy.
pub(crate) async fn serve(
    context: &mut Context,
    subscription: &mut Subscription,
    mut delivery: Delivery,
) -> Then {
    let shared = context.shared.clone();
    let chunk = match decode(&mut delivery, shared.signer.as_ref()) {
        Ok(chunk) => chunk,
        Err(not_run) => return settle_message(context, subscription, &delivery, &not_run).await,
    };
    let admitted = shared.runs.admit(&chunk).await;
    let is_closed = admitted.as_ref().is_err_and(|NotRun(outcome)| is_closed(outcome));
    shared.sweep.note(is_closed, delivery.body.len());
    let terms = match admitted {
        Ok(terms) => terms,
        Err(not_run) => return settle_message(context, subscription, &delivery, &not_run).await,
    };
    if let Err(not_run) = shared.pay(context.index, chunk.jobs.len() as u64).await {
        return settle_message(context, subscription, &delivery, &not_run).await;
    }
    let endings = execute(context, &chunk, &terms, &delivery.headers).await;
    settle_jobs(context, subscription, &delivery, &chunk, &endings).await
}
