//! The way of a message through a slot, stage by stage.

use queryfleet_broker::{Delivery, Subscription};

use crate::decode::decode;
use crate::execute::execute;
use crate::settle::{self, After};
use crate::slot::Slot;

/// Takes a delivery through decode, admit, execute and settle. Whatever happens on the way, its message is
/// acknowledged only when every job of it has ended in the ledger or is in a confirmed copy.
pub(crate) async fn serve(slot: &mut Slot, subscription: &mut Subscription, mut delivery: Delivery) -> After {
    let shared = slot.shared.clone();
    let chunk = match decode(&mut delivery, shared.signer.as_ref()) {
        Ok(chunk) => chunk,
        Err(outcome) => return settle::message(slot, subscription, delivery, &outcome).await,
    };
    let run = match shared.runs.admit(&chunk).await {
        Ok(run) => run,
        Err(outcome) => return settle::message(slot, subscription, delivery, &outcome).await,
    };
    let endings = execute(slot, &chunk, &run, delivery.headers.attempts).await;
    settle::jobs(slot, subscription, delivery, &chunk, &endings).await
}
