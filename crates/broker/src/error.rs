//! What can go wrong with the broker.

use lapin::ErrorKind;

use crate::class::{self, ACCESS_REFUSED, Class, History, Place};

/// What a publisher does.
pub(crate) const PUBLISHING: &str = "publishing";
pub(crate) const CONFIRMING: &str = "waiting for a confirm";

/// An error of connecting, declaring, publishing or consuming. What the client library or the broker said is in
/// `source()`; no text holds a URL's user or password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A URL that cannot be read.
    #[error("QUERYFLEET_AMQP_URL is not usable: expected amqp://user:password@host:5672/vhost")]
    Url,
    /// A management page that says nothing.
    #[error("QUERYFLEET_MANAGEMENT_URL: {why}")]
    Management {
        /// Why not.
        why: String,
    },
    /// A variable that is missing.
    #[error(transparent)]
    Config(#[from] queryfleet_config::Error),
    /// A client certificate that cannot be used.
    #[error("{fault}")]
    Identity {
        /// The variables to look at, and why.
        fault: String,
        /// What the TLS library said.
        source: std::io::Error,
    },
    /// A retry tier that the broker would refuse.
    #[error("a retry tier is from 1ms to 49 days long: see QUERYFLEET_RETRY_TIERS")]
    Tier,
    /// The broker cannot be reached or does not let us in.
    #[error("cannot connect to the broker at {server}")]
    Connect {
        /// host:port and vhost.
        server: String,
        /// What was said.
        source: lapin::Error,
    },
    /// The broker and we cannot agree on TLS.
    #[error("cannot connect to the broker at {server}: {fault}")]
    Tls {
        /// host:port and vhost.
        server: String,
        /// Why, and the variable to look at.
        fault: Box<queryfleet_config::TlsFault>,
        /// What was said.
        source: lapin::Error,
    },
    /// A queue or exchange that is there with other arguments, or that this user must not declare.
    #[error("cannot declare {name}: {}", remedy(source))]
    Declare {
        /// The queue or exchange.
        name: String,
        /// What the broker said; it names the argument that differs.
        source: lapin::Error,
    },
    /// A queue that is not there.
    #[error("queue {name} is not there: run `queryfleet setup`")]
    NoQueue {
        /// The queue.
        name: String,
        /// What the broker said.
        source: lapin::Error,
    },
    /// The broker has cancelled the consumer: its queue was deleted, or a message was held for too long.
    #[error("broker has cancelled the consumer: its queue was deleted, or a consumer timeout has passed")]
    Cancelled,
    /// No answer in time.
    #[error("broker did not answer within {seconds} s while {doing}")]
    Timeout {
        /// What was being done.
        doing: &'static str,
        /// The limit that passed.
        seconds: u64,
    },
    /// A message that no queue took: the exchange has no binding for it.
    #[error(
        "broker returned message {message} as unroutable: no queue is bound for it; run `queryfleet setup`"
    )]
    Unroutable {
        /// Its message id.
        message: String,
    },
    /// The broker refused to take a message.
    #[error("broker refused {count} messages (nack): a queue is over its limit or unavailable")]
    Nacked {
        /// How many.
        count: usize,
    },
    /// A message that this broker never takes.
    #[error("message {message} of {bytes} bytes is above the broker's limit{}", of_limit(*limit))]
    TooLarge {
        /// Its message id.
        message: String,
        /// How long its body is.
        bytes: usize,
        /// What the broker says it takes; `None` when it does not say.
        limit: Option<u64>,
        /// What it said.
        source: Box<lapin::Error>,
    },
    /// Anything else of a channel or connection.
    #[error("broker connection failed while {doing}")]
    Channel {
        /// What was being done.
        doing: &'static str,
        /// What was said.
        source: lapin::Error,
    },
}

fn remedy(source: &lapin::Error) -> &'static str {
    match source.kind() {
        ErrorKind::ProtocolError(error) if error.get_id() == ACCESS_REFUSED => {
            "its user needs the rights to configure, write and read `queryfleet.*`, and to write and read `queryfleet`"
        }
        _ => "if it exists with other arguments, drain and delete it, or choose another QUERYFLEET_QUEUE",
    }
}

fn of_limit(limit: Option<u64>) -> String {
    limit.map_or_else(String::new, |limit| format!(" of {limit} (max_message_size)"))
}

impl Error {
    /// Whether it is about TLS: a certificate, a file of it, or a server without.
    pub fn is_tls(&self) -> bool {
        match self {
            Error::Tls { .. } | Error::Identity { .. } => true,
            Error::Config(error) => error.is_tls(),
            _ => false,
        }
    }

    /// Whether waiting will not mend it, of a connection of which nothing is known: wrong credentials, vhost or
    /// certificate, a queue with other arguments. [`Broker::class`](crate::Broker::class) knows more.
    pub fn is_unfit(&self) -> bool {
        self.class(History::default()) == Class::Lasting
    }

    /// Whether the broker was reached, and has refused for now.
    pub fn is_refusal_for_now(&self) -> bool {
        matches!(self, Error::Connect { source, .. } | Error::Declare { source, .. } if source.is_amqp_error())
            && self.class(History::default()) == Class::Passing
    }

    pub(crate) fn class(&self, history: History) -> Class {
        match self {
            Error::Url | Error::Config(_) | Error::Identity { .. } | Error::Tier => Class::Lasting,
            // A certificate that is being renewed, when the broker has let us in before.
            Error::Tls { fault, .. } if fault.is_lasting && !history.let_in => Class::Lasting,
            Error::Connect { source, .. } => match source.kind() {
                // A broker that closes at once after the handshake refuses the vhost or the login.
                ErrorKind::InvalidProtocolVersion(_) if !history.let_in => Class::Lasting,
                _ => said(source, Place::Connecting, history),
            },
            Error::Declare { source, .. } => said(source, Place::Declaring, history),
            Error::Channel { doing: PUBLISHING | CONFIRMING, source } => {
                said(source, Place::Publishing, history)
            }
            Error::Channel { source, .. } => said(source, Place::Elsewhere, history),
            Error::NoQueue { .. } | Error::Unroutable { .. } => Class::Missing,
            Error::TooLarge { .. } => Class::TooLarge,
            Error::Tls { .. }
            | Error::Management { .. }
            | Error::Cancelled
            | Error::Timeout { .. }
            | Error::Nacked { .. } => Class::Passing,
        }
    }
}

/// The class of what the broker has said; what the network did passes.
fn said(source: &lapin::Error, place: Place, history: History) -> Class {
    match source.kind() {
        ErrorKind::ProtocolError(error) => {
            class::class(error.get_id(), error.get_message().as_str(), place, history)
        }
        _ => Class::Passing,
    }
}
