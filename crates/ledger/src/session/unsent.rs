//! Which errors prove that a server has not got the packet.

use std::io::ErrorKind;

use mysql_async::{Error, IoError};

use crate::error_code::IDLE_FOR_TOO_LONG;

/// Whether the first answer to a packet, this error, proves that the server has not got all of it. An end of the
/// connection that is only read proves nothing.
pub(crate) fn is_proven(error: &Error) -> bool {
    match error {
        Error::Server(error) => error.code == IDLE_FOR_TOO_LONG,
        // The writer's: the system has not taken all of the packet.
        Error::Io(IoError::Io(error)) => {
            error.kind() == ErrorKind::BrokenPipe || error.to_string().contains("Packets out of sync")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_is_read_proves_nothing() {
        let io = |kind: ErrorKind| Error::Io(IoError::Io(kind.into()));
        assert!(is_proven(&io(ErrorKind::BrokenPipe)));
        for kind in [ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof, ErrorKind::ConnectionAborted] {
            assert!(!is_proven(&io(kind)), "{kind:?}");
        }
    }
}
