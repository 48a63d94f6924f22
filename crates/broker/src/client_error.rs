//! What the client library says, without its types.

use lapin::ErrorKind;

/// An error of the client library, or of the broker through it: its text and its causes.
/// [`Broker::class`](crate::Broker::class) says what it means.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ClientError(Box<lapin::Error>);

impl ClientError {
    pub(crate) fn new(error: lapin::Error) -> ClientError {
        ClientError(Box::new(error))
    }

    /// The code and the text that the broker has sent; `None` for what the network or the library did.
    pub(crate) fn reply(&self) -> Option<(u16, &str)> {
        match self.0.kind() {
            ErrorKind::ProtocolError(error) => Some((error.get_id(), error.get_message().as_str())),
            _ => None,
        }
    }

    /// Whether the broker has ended the handshake with a protocol header instead of a reply.
    pub(crate) fn is_of_handshake(&self) -> bool {
        matches!(self.0.kind(), ErrorKind::InvalidProtocolVersion(_))
    }

    /// Whether the broker has closed only the channel: what was asked for is not there, or is not allowed.
    pub(crate) fn is_of_channel(&self) -> bool {
        self.0.is_amqp_soft_error()
    }
}
