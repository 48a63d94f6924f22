//! What became of the messages of a batch.
//!
//! The broker returns a message that no queue takes, and then confirms it all the same. lapin hands each returned
//! message to the next confirm that is completed, whosever it is. From that follows what may be trusted: the message
//! of a confirm without a returned one is in its queue unless it is among the returned, for its own return has been
//! handed out before. Of a confirm with a returned one that is only known once all confirms of the batch have come.

use std::collections::HashSet;

use lapin::{Confirmation, ErrorKind};
use queryfleet_job::Message;

use crate::class::limit_in;
use crate::{Class, Error};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Confirmed,
    /// Confirmed, with a returned message that may be any of the batch.
    ConfirmedWithReturn,
    Refused,
    /// Its confirm did not come.
    InDoubt,
}

/// A batch that is not known to be in its queue as a whole.
pub(crate) struct Failed {
    pub(crate) error: Box<Error>,
    /// Which of its messages are in their queue all the same; shorter when nothing is known of the others.
    pub(crate) arrived: Vec<bool>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed { error: error.into(), arrived: Vec::new() }
    }
}

/// The fates of a batch, in its order.
#[derive(Default)]
pub(crate) struct Fates {
    list: Vec<Fate>,
    /// The ids of what came back.
    returned: HashSet<String>,
    error: Option<Error>,
}

impl Fates {
    /// The next message's.
    pub(crate) fn add(&mut self, confirmed: Result<Confirmation, Error>) {
        let (fate, returned) = match confirmed {
            Ok(Confirmation::Ack(None)) => (Fate::Confirmed, None),
            Ok(Confirmation::Ack(returned @ Some(_))) => (Fate::ConfirmedWithReturn, returned),
            Ok(Confirmation::Nack(returned)) => (Fate::Refused, returned),
            Ok(Confirmation::NotRequested) => (Fate::Refused, None),
            Err(error) => {
                if self.error.as_ref().is_none_or(|known| tells(&error) > tells(known)) {
                    self.error = Some(error);
                }
                (Fate::InDoubt, None)
            }
        };
        self.list.push(fate);
        if let Some(message) = returned {
            let id = message.delivery.properties.message_id().as_ref().map(ToString::to_string);
            self.returned.insert(id.unwrap_or_default());
        }
    }

    /// Whether a confirm has not come in time: those behind it are not waited for.
    pub(crate) fn has_hung(&self) -> bool {
        matches!(self.error, Some(Error::Timeout { .. } | Error::NoQueue { .. }))
    }

    /// Whether all are in their queue; if not, why not, and which of them are.
    pub(crate) fn judge(self, messages: &[Message]) -> Result<(), Failed> {
        let whole = self.list.len() == messages.len();
        if whole && self.list.iter().all(|fate| *fate == Fate::Confirmed) {
            return Ok(());
        }
        let at_rest = whole && !self.list.contains(&Fate::InDoubt);
        let arrived = |(index, message): (usize, &Message)| {
            let counts = match self.list.get(index) {
                Some(Fate::Confirmed) => true,
                Some(Fate::ConfirmedWithReturn) => at_rest,
                _ => false,
            };
            counts && !self.returned.contains(&message.id)
        };
        let arrived: Vec<bool> = messages.iter().enumerate().map(arrived).collect();
        let refused = self.list.iter().filter(|fate| **fate == Fate::Refused).count();
        let error = match (self.error, self.returned.into_iter().next()) {
            (Some(error), _) => too_large(error, messages, &arrived),
            (None, Some(message)) => Error::Unroutable { message },
            (None, None) => Error::Nacked { count: refused },
        };
        Err(Failed { error: error.into(), arrived })
    }
}

/// How much an error tells: of a closed channel one confirm hears why, another only that it is closed.
fn tells(error: &Error) -> u8 {
    match error {
        Error::Channel { source, .. } => u8::from(matches!(source.kind(), ErrorKind::ProtocolError(_))),
        _ => 1,
    }
}

/// Names the message that is too large: the largest of those that have not arrived.
fn too_large(error: Error, messages: &[Message], arrived: &[bool]) -> Error {
    let Error::Channel { doing, source } = error else { return error };
    let error = Error::Channel { doing, source };
    if error.class(Default::default()) != Class::TooLarge {
        return error;
    }
    let left = messages.iter().zip(arrived).filter(|(_, arrived)| !**arrived).map(|(message, _)| message);
    match (left.max_by_key(|message| message.body.len()), error) {
        (Some(message), Error::Channel { source, .. }) => Error::TooLarge {
            message: message.id.clone(),
            bytes: message.body.len(),
            limit: limit_in(&source.to_string()),
            source: source.into(),
        },
        (_, error) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Fate::{Confirmed, ConfirmedWithReturn, InDoubt, Refused};

    fn arrived(list: &[Fate], returned: &[&str]) -> Option<Vec<bool>> {
        let message = |id: &str| Message { id: id.to_owned(), body: Vec::new(), headers: Default::default() };
        let messages: Vec<Message> = ["a", "b", "c"].map(message).into();
        let doubt = list.contains(&InDoubt) || list.len() < messages.len();
        let fates = Fates {
            list: list.to_vec(),
            returned: returned.iter().map(|id| (*id).to_owned()).collect(),
            error: doubt.then_some(Error::Cancelled),
        };
        fates.judge(&messages).err().map(|failed| failed.arrived)
    }

    #[test]
    fn nothing_counts_as_arrived_that_may_have_come_back() {
        assert_eq!(arrived(&[Confirmed, Confirmed, Confirmed], &[]), None);
        assert_eq!(arrived(&[Confirmed, Refused, Confirmed], &[]), Some(vec![true, false, true]));
        assert_eq!(arrived(&[Confirmed, InDoubt, InDoubt], &[]), Some(vec![true, false, false]));
        assert_eq!(arrived(&[Confirmed], &[]), Some(vec![true, false, false]));
        // Whose return the first one carries is told by its id, and where all have come all returns have.
        assert_eq!(
            arrived(&[ConfirmedWithReturn, Confirmed, Confirmed], &["b"]),
            Some(vec![true, false, true])
        );
        // A further return may wait for a confirm that never comes: the first one's own.
        assert_eq!(arrived(&[ConfirmedWithReturn, Confirmed, InDoubt], &["b"]), Some(vec![false; 3]));
        assert_eq!(
            arrived(&[ConfirmedWithReturn, Confirmed, InDoubt], &["c"]),
            Some(vec![false, true, false])
        );
        assert_eq!(arrived(&[], &[]), Some(vec![false; 3]));
    }
}
