//! What an error of the broker's means for whoever would try again: one function of its code, the operation that
//! failed, and what this connection has done before.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::Operation;

/// What an error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// It passes: the broker is unavailable, restarts, is full or at one of its limits, or an account that was let in
    /// before is being recreated.
    Transient,
    /// A queue, its binding or the exchange is gone: somebody has to set it up again.
    MissingQueue,
    /// No broker with this limit ever takes the message.
    TooLarge,
    /// Waiting cannot help: credentials, virtual host, certificate, rights, other arguments.
    Permanent,
}

/// What has succeeded before in this process, with the same URLs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// The broker has let us in.
    pub(crate) let_in: bool,
    /// It has confirmed a message of ours.
    pub(crate) has_confirmed: bool,
}

/// The history of a [`Broker`](crate::Broker), as it grows.
#[derive(Default)]
pub(crate) struct HistoryRecord {
    let_in: AtomicBool,
    has_confirmed: AtomicBool,
}

impl HistoryRecord {
    pub(crate) fn note_let_in(&self) {
        self.let_in.store(true, Ordering::Relaxed);
    }

    pub(crate) fn note_confirmed(&self) {
        self.has_confirmed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> History {
        History {
            let_in: self.let_in.load(Ordering::Relaxed),
            has_confirmed: self.has_confirmed.load(Ordering::Relaxed),
        }
    }
}

/// Reply codes of AMQP 0-9-1.
const CONTENT_TOO_LARGE: u16 = 311;
pub(crate) const ACCESS_REFUSED: u16 = 403;
pub(crate) const NOT_FOUND: u16 = 404;
const PRECONDITION_FAILED: u16 = 406;
const NOT_ALLOWED: u16 = 530;

/// The class of a reply with which the broker has closed a channel or the connection.
pub(crate) fn of_reply(code: u16, text: &str, operation: Operation, history: History) -> ErrorClass {
    use Operation::{Confirming, Connecting, Declaring, Publishing};
    match (operation, code) {
        // A limit of connections, channels or queues, or a virtual host that is down: no code of its own says so.
        _ if is_for_now(text) => ErrorClass::Transient,
        (Publishing | Confirming, CONTENT_TOO_LARGE) => ErrorClass::TooLarge,
        (Publishing | Confirming, PRECONDITION_FAILED) if is_about_size(text) => ErrorClass::TooLarge,
        (Connecting | Declaring, NOT_FOUND) => ErrorClass::Transient,
        (_, NOT_FOUND) => ErrorClass::MissingQueue,
        (Connecting, ACCESS_REFUSED | NOT_ALLOWED) if history.let_in => ErrorClass::Transient,
        (Connecting, ACCESS_REFUSED | NOT_ALLOWED) => ErrorClass::Permanent,
        (Declaring, ACCESS_REFUSED | NOT_ALLOWED | PRECONDITION_FAILED) => ErrorClass::Permanent,
        (Publishing | Confirming, ACCESS_REFUSED | NOT_ALLOWED) if !history.has_confirmed => {
            ErrorClass::Permanent
        }
        _ => ErrorClass::Transient,
    }
}

/// Such as `connection limit (3) is reached` or `vhost 'a' is down`, but not the argument x-delivery-limit.
fn is_for_now(text: &str) -> bool {
    (text.contains("limit") && text.contains("is reached")) || text.contains("is down")
}

/// Such as `message size 30021 is larger than configured max size 20000`.
fn is_about_size(text: &str) -> bool {
    text.contains("message size") || text.contains("max size")
}

/// The limit in a text about the size of a message: its last number.
pub(crate) fn limit_in(text: &str) -> Option<u64> {
    text.split(|c: char| !c.is_ascii_digit()).rfind(|digits| !digits.is_empty())?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorClass::{MissingQueue, Permanent, TooLarge, Transient};
    use Operation::{Connecting, Consuming, Declaring, Publishing, Subscribing};

    const NEW: History = History { let_in: false, has_confirmed: false };
    const LET_IN: History = History { let_in: true, has_confirmed: false };
    const SERVED: History = History { let_in: true, has_confirmed: true };
    const AT_CONNECTION_LIMIT: &str =
        "NOT_ALLOWED - access to vhost 'v' refused for user 'u': connection limit (0) is reached";
    const DOWN: &str = "INTERNAL_ERROR - access to vhost 'v' refused for user 'u': vhost 'v' is down";
    const NO_RIGHT: &str = "NOT_ALLOWED - access to vhost 'v' refused for user 'u'";
    const ABOVE_MAX_SIZE: &str =
        "PRECONDITION_FAILED - message size 30021 is larger than configured max size 20000";
    const OTHER_ARGUMENTS: &str = "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'q' in vhost 'v': \
        received '7' but current is '20'";

    #[test]
    fn code_operation_and_history_decide_together() {
        let rows = [
            (403, "ACCESS_REFUSED - Login was refused", Connecting, NEW, Permanent),
            (403, "ACCESS_REFUSED - Login was refused", Connecting, LET_IN, Transient),
            (530, "NOT_ALLOWED - vhost v not found", Connecting, NEW, Permanent),
            (530, NO_RIGHT, Connecting, NEW, Permanent),
            (530, NO_RIGHT, Connecting, SERVED, Transient),
            (530, AT_CONNECTION_LIMIT, Connecting, NEW, Transient),
            (541, DOWN, Connecting, NEW, Transient),
            (320, "CONNECTION_FORCED - broker forced connection closure", Connecting, NEW, Transient),
            (406, OTHER_ARGUMENTS, Declaring, NEW, Permanent),
            (406, OTHER_ARGUMENTS, Declaring, SERVED, Permanent),
            (403, "ACCESS_REFUSED - access to queue", Declaring, LET_IN, Permanent),
            (406, "PRECONDITION_FAILED - queue limit in vhost 'v' (9) is reached", Declaring, NEW, Transient),
            (406, ABOVE_MAX_SIZE, Publishing, SERVED, TooLarge),
            (311, "CONTENT_TOO_LARGE", Publishing, NEW, TooLarge),
            (404, "NOT_FOUND - no exchange 'queryfleet'", Publishing, SERVED, MissingQueue),
            (403, "ACCESS_REFUSED - write access", Publishing, LET_IN, Permanent),
            (403, "ACCESS_REFUSED - write access", Publishing, SERVED, Transient),
            (541, "INTERNAL_ERROR", Publishing, SERVED, Transient),
            (406, "PRECONDITION_FAILED - delivery acknowledgement timed out", Consuming, SERVED, Transient),
            (404, "NOT_FOUND - no queue 'q'", Subscribing, SERVED, MissingQueue),
        ];
        for (code, text, operation, history, expected) in rows {
            let class = of_reply(code, text, operation, history);
            assert_eq!(class, expected, "{code} {text} {operation:?} {history:?}");
        }
        assert_eq!(limit_in(ABOVE_MAX_SIZE), Some(20000));
    }

    /// A client that has been served before keeps waiting, whatever a connection is refused for.
    #[test]
    fn nothing_that_a_connection_is_refused_for_ends_what_was_served_before() {
        for code in 0..=600 {
            assert_eq!(of_reply(code, "any", Connecting, SERVED), Transient, "{code}");
        }
    }
}
