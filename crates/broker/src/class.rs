//! What an error of the broker's means for whoever would go on: one function of its code, the place where it came up,
//! and what this connection has done before.

use std::sync::atomic::{AtomicBool, Ordering};

/// What an error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It passes: a broker that is away, restarts, is full or at one of its limits; an account that was let in before
    /// and is being made anew.
    Passing,
    /// A queue, its binding or the exchange is gone: somebody has to set it up again.
    Missing,
    /// No broker with this limit ever takes the message.
    TooLarge,
    /// Waiting does not mend it: credentials, virtual host, certificate, rights, other arguments.
    Lasting,
}

/// Where an error came up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Connecting,
    Declaring,
    Publishing,
    /// Consuming, counting, opening a channel: on a connection that stood.
    Elsewhere,
}

/// What has succeeded before in this process, over the same URLs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// The broker has let us in.
    pub(crate) let_in: bool,
    /// It has confirmed a message of ours.
    pub(crate) has_confirmed: bool,
}

/// The history of a [`Broker`](crate::Broker), as it grows.
#[derive(Default)]
pub(crate) struct Record {
    let_in: AtomicBool,
    has_confirmed: AtomicBool,
}

impl Record {
    pub(crate) fn let_in(&self) {
        self.let_in.store(true, Ordering::Relaxed);
    }

    pub(crate) fn confirmed(&self) {
        self.has_confirmed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> History {
        History {
            let_in: self.let_in.load(Ordering::Relaxed),
            has_confirmed: self.has_confirmed.load(Ordering::Relaxed),
        }
    }
}

/// AMQP's codes.
const CONTENT_TOO_LARGE: u16 = 311;
pub(crate) const ACCESS_REFUSED: u16 = 403;
const NOT_FOUND: u16 = 404;
const PRECONDITION_FAILED: u16 = 406;
const NOT_ALLOWED: u16 = 530;

/// The class of an error that the broker has sent: its code and text, where, and what was before.
pub(crate) fn class(code: u16, text: &str, place: Place, history: History) -> Class {
    match (place, code) {
        // A limit of connections, channels or queues, a virtual host that is down: said by no code of its own.
        _ if is_for_now(text) => Class::Passing,
        (Place::Publishing, CONTENT_TOO_LARGE) => Class::TooLarge,
        (Place::Publishing, PRECONDITION_FAILED) if is_of_a_size(text) => Class::TooLarge,
        (Place::Publishing | Place::Elsewhere, NOT_FOUND) => Class::Missing,
        (Place::Connecting, ACCESS_REFUSED | NOT_ALLOWED) if history.let_in => Class::Passing,
        (Place::Connecting, ACCESS_REFUSED | NOT_ALLOWED) => Class::Lasting,
        (Place::Declaring, ACCESS_REFUSED | NOT_ALLOWED | PRECONDITION_FAILED) => Class::Lasting,
        (Place::Publishing, ACCESS_REFUSED | NOT_ALLOWED) if !history.has_confirmed => Class::Lasting,
        _ => Class::Passing,
    }
}

/// `connection limit (3) is reached`, `vhost 'a' is down`. The argument x-delivery-limit is none of them.
fn is_for_now(text: &str) -> bool {
    (text.contains("limit") && text.contains("is reached")) || text.contains("is down")
}

/// `message size 30021 is larger than configured max size 20000`.
fn is_of_a_size(text: &str) -> bool {
    text.contains("message size") || text.contains("max size")
}

/// The limit in such a text: its last number.
pub(crate) fn limit_in(text: &str) -> Option<u64> {
    text.split(|c: char| !c.is_ascii_digit()).rfind(|digits| !digits.is_empty())?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Place::{Connecting, Declaring, Elsewhere, Publishing};

    const NEW: History = History { let_in: false, has_confirmed: false };
    const LET_IN: History = History { let_in: true, has_confirmed: false };
    const SERVED: History = History { let_in: true, has_confirmed: true };
    const AT_ITS_LIMIT: &str =
        "NOT_ALLOWED - access to vhost 'v' refused for user 'u': connection limit (0) is reached";
    const DOWN: &str = "INTERNAL_ERROR - access to vhost 'v' refused for user 'u': vhost 'v' is down";
    const NO_RIGHT: &str = "NOT_ALLOWED - access to vhost 'v' refused for user 'u'";
    const TOO_LARGE: &str =
        "PRECONDITION_FAILED - message size 30021 is larger than configured max size 20000";
    const OTHER_ARGUMENTS: &str = "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'q' in vhost 'v': \
        received '7' but current is '20'";

    #[test]
    fn code_place_and_history_decide_together() {
        let rows = [
            (403, "ACCESS_REFUSED - Login was refused", Connecting, NEW, Class::Lasting),
            (403, "ACCESS_REFUSED - Login was refused", Connecting, LET_IN, Class::Passing),
            (530, "NOT_ALLOWED - vhost v not found", Connecting, NEW, Class::Lasting),
            (530, NO_RIGHT, Connecting, NEW, Class::Lasting),
            (530, NO_RIGHT, Connecting, SERVED, Class::Passing),
            (530, AT_ITS_LIMIT, Connecting, NEW, Class::Passing),
            (541, DOWN, Connecting, NEW, Class::Passing),
            (320, "CONNECTION_FORCED - broker forced connection closure", Connecting, NEW, Class::Passing),
            (406, OTHER_ARGUMENTS, Declaring, NEW, Class::Lasting),
            (406, OTHER_ARGUMENTS, Declaring, SERVED, Class::Lasting),
            (403, "ACCESS_REFUSED - access to queue", Declaring, LET_IN, Class::Lasting),
            (
                406,
                "PRECONDITION_FAILED - queue limit in vhost 'v' (9) is reached",
                Declaring,
                NEW,
                Class::Passing,
            ),
            (406, TOO_LARGE, Publishing, SERVED, Class::TooLarge),
            (311, "CONTENT_TOO_LARGE", Publishing, NEW, Class::TooLarge),
            (404, "NOT_FOUND - no exchange 'queryfleet'", Publishing, SERVED, Class::Missing),
            (403, "ACCESS_REFUSED - write access", Publishing, LET_IN, Class::Lasting),
            (403, "ACCESS_REFUSED - write access", Publishing, SERVED, Class::Passing),
            (541, "INTERNAL_ERROR", Publishing, SERVED, Class::Passing),
            (
                406,
                "PRECONDITION_FAILED - delivery acknowledgement timed out",
                Elsewhere,
                SERVED,
                Class::Passing,
            ),
            (404, "NOT_FOUND - no queue 'q'", Elsewhere, SERVED, Class::Missing),
        ];
        for (code, text, place, history, wanted) in rows {
            assert_eq!(class(code, text, place, history), wanted, "{code} {text} {place:?} {history:?}");
        }
        assert_eq!(limit_in(TOO_LARGE), Some(20000));
    }

    /// Whoever has been served before goes on waiting for whatever a connection is refused for.
    #[test]
    fn nothing_that_a_connection_is_refused_for_ends_what_was_served_before() {
        for code in 0..=600 {
            assert_eq!(class(code, "any", Connecting, SERVED), Class::Passing, "{code}");
        }
    }
}
