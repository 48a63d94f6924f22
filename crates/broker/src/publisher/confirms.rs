//! What the confirms of a batch say about its messages.
//!
//! The broker returns a message that no queue takes, and then confirms it all the same. lapin attaches each returned
//! message to the next confirm that completes, whichever message that belongs to. It follows which confirms may be
//! trusted. If a confirm carries no returned message, its own message is in its queue unless it is among the returned:
//! its own return would have been handed out before. If a confirm carries a returned message, this is known only when all
//! confirms of the batch have come.

use std::collections::HashSet;

use lapin::Confirmation;
use queryfleet_job::Message;

use crate::error_class::{History, limit_in};
use crate::{Error, ErrorClass};

/// What is known about one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Confirmed,
    /// Confirmed, with a returned message that may be any of the batch.
    ConfirmedWithReturn,
    Refused,
    /// Its confirm has not come.
    InDoubt,
}

/// A batch that is not known to be in its queue as a whole.
pub(crate) struct FailedBatch {
    pub(crate) error: Box<Error>,
    /// Which of its messages are in their queue all the same; shorter if nothing is known about the others.
    pub(crate) arrived: Vec<bool>,
}

impl From<Error> for FailedBatch {
    fn from(error: Error) -> FailedBatch {
        FailedBatch { error: error.into(), arrived: Vec::new() }
    }
}

/// The confirms of a batch, in its order.
#[derive(Default)]
pub(crate) struct BatchConfirms {
    states: Vec<State>,
    /// The ids of the messages that came back.
    returned: HashSet<String>,
    error: Option<Error>,
}

impl BatchConfirms {
    /// Adds the confirm of the next message.
    pub(crate) fn add(&mut self, confirmed: Result<Confirmation, Error>) {
        let (state, returned) = match confirmed {
            Ok(Confirmation::Ack(None)) => (State::Confirmed, None),
            Ok(Confirmation::Ack(returned @ Some(_))) => (State::ConfirmedWithReturn, returned),
            Ok(Confirmation::Nack(returned)) => (State::Refused, returned),
            Ok(Confirmation::NotRequested) => (State::Refused, None),
            Err(error) => {
                if self.error.as_ref().is_none_or(|known| has_reply(&error) && !has_reply(known)) {
                    self.error = Some(error);
                }
                (State::InDoubt, None)
            }
        };
        self.states.push(state);
        if let Some(message) = returned {
            let id = message.delivery.properties.message_id().as_ref().map(ToString::to_string);
            self.returned.insert(id.unwrap_or_default());
        }
    }

    /// Whether a confirm has not come in time, or cannot come: those behind it are not waited for.
    pub(crate) fn has_hung(&self) -> bool {
        matches!(self.error, Some(Error::Timeout { .. } | Error::NoQueue { .. }))
    }

    /// Whether all messages are in their queue; if not, why not, and which of them are.
    pub(crate) fn into_result(self, messages: &[Message]) -> Result<(), FailedBatch> {
        let is_whole = self.states.len() == messages.len();
        if is_whole && self.states.iter().all(|state| *state == State::Confirmed) {
            return Ok(());
        }
        let all_have_come = is_whole && !self.states.contains(&State::InDoubt);
        let has_arrived = |(index, message): (usize, &Message)| {
            let is_confirmed = match self.states.get(index) {
                Some(State::Confirmed) => true,
                Some(State::ConfirmedWithReturn) => all_have_come,
                _ => false,
            };
            is_confirmed && !self.returned.contains(&message.id)
        };
        let arrived: Vec<bool> = messages.iter().enumerate().map(has_arrived).collect();
        let refused = self.states.iter().filter(|state| **state == State::Refused).count();
        let error = match (self.error, self.returned.into_iter().next()) {
            (Some(error), _) => too_large(error, messages, &arrived),
            (None, Some(message)) => Error::Unroutable { message },
            (None, None) => Error::Nacked { count: refused },
        };
        Err(FailedBatch { error: error.into(), arrived })
    }
}

/// Whether an error says why: one confirm of a closed channel is told, another learns only that it is closed.
fn has_reply(error: &Error) -> bool {
    match error {
        Error::Channel { source, .. } => source.reply().is_some(),
        _ => true,
    }
}

/// Names the message that is too large: the largest of those that have not arrived.
fn too_large(error: Error, messages: &[Message], arrived: &[bool]) -> Error {
    if error.class(History::default()) != ErrorClass::TooLarge {
        return error;
    }
    let left = messages.iter().zip(arrived).filter(|(_, arrived)| !**arrived).map(|(message, _)| message);
    match (left.max_by_key(|message| message.body.len()), error) {
        (Some(message), Error::Channel { source, .. }) => Error::TooLarge {
            message: message.id.clone(),
            bytes: message.body.len(),
            limit: limit_in(&source.to_string()),
            source,
        },
        (_, error) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::{Confirmed, ConfirmedWithReturn, InDoubt, Refused};

    fn arrived(states: &[State], returned: &[&str]) -> Option<Vec<bool>> {
        let message = |id: &str| Message { id: id.to_owned(), body: Vec::new(), headers: Default::default() };
        let messages: Vec<Message> = ["a", "b", "c"].map(message).into();
        let doubt = states.contains(&InDoubt) || states.len() < messages.len();
        let confirms = BatchConfirms {
            states: states.to_vec(),
            returned: returned.iter().map(|id| (*id).to_owned()).collect(),
            error: doubt.then_some(Error::Cancelled),
        };
        confirms.into_result(&messages).err().map(|failed| failed.arrived)
    }

    #[test]
    fn nothing_counts_as_arrived_that_may_have_come_back() {
        assert_eq!(arrived(&[Confirmed, Confirmed, Confirmed], &[]), None);
        assert_eq!(arrived(&[Confirmed, Refused, Confirmed], &[]), Some(vec![true, false, true]));
        assert_eq!(arrived(&[Confirmed, InDoubt, InDoubt], &[]), Some(vec![true, false, false]));
        assert_eq!(arrived(&[Confirmed], &[]), Some(vec![true, false, false]));
        // The id says whose return the first one carries, and if all confirms have come, so have all returns.
        assert_eq!(
            arrived(&[ConfirmedWithReturn, Confirmed, Confirmed], &["b"]),
            Some(vec![true, false, true])
        );
        // Another return may wait for a confirm that never comes: that of the first message itself.
        assert_eq!(arrived(&[ConfirmedWithReturn, Confirmed, InDoubt], &["b"]), Some(vec![false; 3]));
        assert_eq!(
            arrived(&[ConfirmedWithReturn, Confirmed, InDoubt], &["c"]),
            Some(vec![false, true, false])
        );
        assert_eq!(arrived(&[], &[]), Some(vec![false; 3]));
    }
}
