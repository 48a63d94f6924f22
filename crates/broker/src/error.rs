//! What can go wrong with the broker.

use lapin::ErrorKind;

/// An error of connecting, declaring, publishing or consuming. What the client library or the broker said is in
/// `source()`; no text holds a URL's user or password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A URL that cannot be read.
    #[error("QUERYFLEET_AMQP_URL is not usable: expected amqp://user:password@host:5672/vhost")]
    Url,
    /// A variable that is missing.
    #[error(transparent)]
    Config(#[from] config::Error),
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
        fault: Box<config::TlsFault>,
        /// What was said.
        source: lapin::Error,
    },
    /// A queue or exchange that is there with other arguments, or that this user must not declare.
    #[error(
        "cannot declare {name}: if it exists with other arguments, drain and delete it, or choose another QUERYFLEET_QUEUE"
    )]
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
    /// Anything else of a channel or connection.
    #[error("broker connection failed while {doing}")]
    Channel {
        /// What was being done.
        doing: &'static str,
        /// What was said.
        source: lapin::Error,
    },
}

/// access-refused, not-allowed, precondition-failed: nothing that waiting mends.
const HOPELESS: [u16; 3] = [403, 530, 406];

impl Error {
    /// Whether it is about TLS: a certificate, a file of it, or a server without.
    pub fn is_tls(&self) -> bool {
        match self {
            Error::Tls { .. } | Error::Identity { .. } => true,
            Error::Config(error) => error.is_tls(),
            _ => false,
        }
    }

    /// Whether waiting will not mend it: wrong credentials, vhost or certificate, a queue with other arguments.
    pub fn is_unfit(&self) -> bool {
        match self {
            Error::Url | Error::Config(_) | Error::Identity { .. } | Error::Tier => true,
            Error::Tls { fault, .. } => fault.is_lasting,
            Error::Connect { source, .. } | Error::Declare { source, .. } => match source.kind() {
                ErrorKind::ProtocolError(error) => HOPELESS.contains(&error.get_id()),
                // A broker that closes at once after the handshake refuses the vhost or the login.
                ErrorKind::InvalidProtocolVersion(_) => true,
                _ => false,
            },
            _ => false,
        }
    }
}
