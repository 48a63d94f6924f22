//! What can go wrong with the broker.

use queryfleet_config::TlsFault;

use crate::error_class::{self, ACCESS_REFUSED, ErrorClass, History, NOT_FOUND};
use crate::{ClientError, Operation};

/// An error of connecting, declaring, publishing or consuming. What the client library or the broker said is in
/// `source()`; no text holds a URL's user or password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A URL of the broker that cannot be read.
    #[error("QUERYFLEET_AMQP_URL is not usable: expected amqp://user:password@host:5672/vhost")]
    Url,
    /// The management page does not tell the policies.
    #[error("QUERYFLEET_MANAGEMENT_URL: {why}")]
    Management {
        /// Why not.
        why: String,
    },
    /// A variable that is missing, or a TLS file that cannot be read.
    #[error(transparent)]
    Config(#[from] queryfleet_config::Error),
    /// A client certificate that cannot be used.
    #[error("{fault}")]
    Identity {
        /// Why, and the variables to look at.
        fault: String,
        /// What the TLS library said.
        source: std::io::Error,
    },
    /// A retry tier that the broker would refuse.
    #[error("a retry tier is from 1ms to 49 days long: see QUERYFLEET_RETRY_TIERS")]
    Tier,
    /// The broker cannot be reached, or refuses the login.
    #[error("cannot connect to the broker at {server}")]
    Connect {
        /// host:port and vhost.
        server: String,
        /// What was said.
        source: ClientError,
    },
    /// The broker and this client cannot agree on TLS.
    #[error("cannot connect to the broker at {server}: {fault}")]
    Tls {
        /// host:port and vhost.
        server: String,
        /// Why, and the variable to look at.
        fault: Box<TlsFault>,
        /// What was said.
        source: ClientError,
    },
    /// A queue or exchange that exists with other arguments, or that this user must not declare.
    #[error("cannot declare {name}: {}", remedy(source))]
    Declare {
        /// The queue, exchange or binding.
        name: String,
        /// What the broker said; it names the argument that differs.
        source: ClientError,
    },
    /// A queue that does not exist.
    #[error("queue {name} does not exist: run `queryfleet setup`")]
    NoQueue {
        /// The queue.
        name: String,
        /// What the broker said.
        source: ClientError,
    },
    /// The broker has cancelled the consumer: its queue was deleted, or a message was held for too long.
    #[error("the broker has cancelled the consumer: its queue was deleted, or a consumer timeout has passed")]
    Cancelled,
    /// No answer in time.
    #[error("the broker did not answer within {seconds} s while {operation}")]
    Timeout {
        /// What was being done.
        operation: Operation,
        /// The limit that has passed.
        seconds: u64,
    },
    /// A message that no queue took: the exchange has no binding for it.
    #[error(
        "the broker returned message {message} as unroutable: no queue is bound for it; run `queryfleet setup`"
    )]
    Unroutable {
        /// Its message id.
        message: String,
    },
    /// The broker refused to take messages.
    #[error("the broker refused {count} messages (nack): a queue is over its limit or unavailable")]
    Nacked {
        /// How many.
        count: usize,
    },
    /// A message that this broker never takes.
    #[error("message {message} of {bytes} bytes is above the broker's limit{}", of_limit(*limit))]
    TooLarge {
        /// Its message id.
        message: String,
        /// The length of its body.
        bytes: usize,
        /// The broker's limit in bytes; `None` if it does not say.
        limit: Option<u64>,
        /// What the broker said.
        source: ClientError,
    },
    /// Anything else of a channel or connection.
    #[error("the connection to the broker failed while {operation}")]
    Channel {
        /// What was being done.
        operation: Operation,
        /// What was said.
        source: ClientError,
    },
}

fn remedy(source: &ClientError) -> &'static str {
    match source.reply() {
        Some((ACCESS_REFUSED, _)) => {
            "its user needs the rights to configure, write and read `queryfleet.*`, and to write and read `queryfleet`"
        }
        _ => "if it exists with other arguments, drain and delete it, or choose another QUERYFLEET_QUEUE",
    }
}

fn of_limit(limit: Option<u64>) -> String {
    limit.map_or_else(String::new, |limit| format!(" of {limit} (max_message_size)"))
}

impl Error {
    pub(crate) fn connect(server: String, source: lapin::Error) -> Error {
        Error::Connect { server, source: ClientError::new(source) }
    }

    pub(crate) fn channel(operation: Operation, source: lapin::Error) -> Error {
        Error::Channel { operation, source: ClientError::new(source) }
    }

    pub(crate) fn declare(name: String, source: lapin::Error) -> Error {
        Error::Declare { name, source: ClientError::new(source) }
    }

    /// The error of asking for a queue: [`Error::NoQueue`] if the broker says that it does not exist.
    pub(crate) fn of_queue(name: &str, operation: Operation, source: lapin::Error) -> Error {
        let source = ClientError::new(source);
        if source.is_of_channel() {
            Error::NoQueue { name: name.to_owned(), source }
        } else {
            Error::Channel { operation, source }
        }
    }

    /// Whether what was asked for is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Error::NoQueue { source, .. } if source.reply().is_some_and(|(code, _)| code == NOT_FOUND))
    }

    /// Whether the account may not do what was asked for.
    pub fn is_access_refused(&self) -> bool {
        let (Error::NoQueue { source, .. } | Error::Channel { source, .. }) = self else { return false };
        source.reply().is_some_and(|(code, _)| code == ACCESS_REFUSED)
    }

    /// Whether it is about TLS: a certificate, a file for it, or a server without TLS.
    pub fn is_tls(&self) -> bool {
        match self {
            Error::Tls { .. } | Error::Identity { .. } => true,
            Error::Config(error) => error.is_tls(),
            _ => false,
        }
    }

    /// Whether waiting cannot help, for a connection without a history: wrong credentials, virtual host or certificate,
    /// a queue with other arguments. [`Broker::class`](crate::Broker::class) knows more.
    pub fn is_unfit(&self) -> bool {
        self.class(History::default()) == ErrorClass::Permanent
    }

    /// Whether the broker was reached, and has refused for the time being.
    pub fn is_refusal_for_now(&self) -> bool {
        matches!(self, Error::Connect { source, .. } | Error::Declare { source, .. } if source.reply().is_some())
            && self.class(History::default()) == ErrorClass::Transient
    }

    pub(crate) fn class(&self, history: History) -> ErrorClass {
        match self {
            Error::Url | Error::Config(_) | Error::Identity { .. } | Error::Tier => ErrorClass::Permanent,
            // A certificate that is being renewed, if the broker has let us in before.
            Error::Tls { fault, .. } if fault.is_permanent && !history.let_in => ErrorClass::Permanent,
            // A broker that closes at once after the handshake refuses the virtual host or the login.
            Error::Connect { source, .. } if source.is_of_handshake() && !history.let_in => {
                ErrorClass::Permanent
            }
            Error::Connect { source, .. } => class_of(source, Operation::Connecting, history),
            Error::Declare { source, .. } => class_of(source, Operation::Declaring, history),
            Error::Channel { operation, source } => class_of(source, *operation, history),
            Error::NoQueue { .. } | Error::Unroutable { .. } => ErrorClass::MissingQueue,
            Error::TooLarge { .. } => ErrorClass::TooLarge,
            Error::Tls { .. }
            | Error::Management { .. }
            | Error::Cancelled
            | Error::Timeout { .. }
            | Error::Nacked { .. } => ErrorClass::Transient,
        }
    }
}

/// The class of the broker's reply. Whatever the network did is transient.
fn class_of(source: &ClientError, operation: Operation, history: History) -> ErrorClass {
    match source.reply() {
        Some((code, text)) => error_class::of_reply(code, text, operation, history),
        None => ErrorClass::Transient,
    }
}
