//! What an error of the packet says about its jobs: the same code means one thing at a job's statement and another at one
//! of ours.

use std::io::ErrorKind;

use mysql_async::{Error, IoError, ServerError};
use queryfleet_job::{Failure, Outcome};

use crate::error_code::{
    DUPLICATE_KEY, IDLE_FOR_TOO_LONG, INTERRUPTED, NO_DATABASE, NO_SUCH_SAVEPOINT, OwnError, is_lost,
    is_refused_for_its_size, read_own_error, read_statement_error,
};
use crate::session::packet::PacketStep;

/// The meaning of an error at a step of the packet.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The ledger had the row before; its state says how the job has ended.
    EndedBefore,
    /// The attempt has ended like this.
    Ended(Outcome),
    /// The attempt has ended like this, and the server has closed the connection.
    ConnectionLost(Outcome),
}

/// Reads a server error. `savepoint` is the name that the packet used: 1305 of it, and only of it, means that the
/// statement ended our transaction.
pub(crate) fn read(error: &ServerError, step: PacketStep, savepoint: &str) -> Verdict {
    let message = own_words(&error.message);
    let failure = Failure::of_server(Some(error.code), Some(error.state.clone()), message);
    let code = error.code;
    Verdict::Ended(match step {
        PacketStep::Statement if is_lost(code) => {
            return Verdict::ConnectionLost(Outcome::LostAfterSend(failure));
        }
        PacketStep::Statement => read_statement_error(code, failure),
        PacketStep::Ledger if code == DUPLICATE_KEY => return Verdict::EndedBefore,
        PacketStep::Net | PacketStep::Release
            if code == NO_SUCH_SAVEPOINT && error.message.contains(savepoint) =>
        {
            Outcome::Unknown(Failure::said("the statement ended the transaction that it ran in"))
        }
        PacketStep::Use if NO_DATABASE.contains(&code) => Outcome::Permanent(failure),
        // Given back, it would come round for ever, and with it the jobs behind it.
        PacketStep::Commit if is_refused_for_its_size(code, &error.message) => Outcome::Unlisted(failure),
        PacketStep::Begin
        | PacketStep::Ledger
        | PacketStep::Savepoint
        | PacketStep::Use
        | PacketStep::NetSavepoint
        | PacketStep::Net
        | PacketStep::Release
        | PacketStep::Unhide
        | PacketStep::Finish
        | PacketStep::Commit => match read_own_error(code, &error.message) {
            // The connection ends here. All that is known is that the statement is not to blame.
            OwnError::Passing if is_lost(code) => {
                return Verdict::ConnectionLost(Outcome::Pressure(failure));
            }
            OwnError::Passing if code == INTERRUPTED => Outcome::Killed(failure),
            OwnError::Passing => Outcome::Pressure(failure),
            OwnError::Unfit => Outcome::Unfit(failure),
        },
    })
}

/// Whether the first answer to a packet, this error, proves that the server has not got all of it. An end of the
/// connection that is only read proves nothing.
pub(crate) fn proves_not_sent(error: &Error) -> bool {
    match error {
        Error::Server(error) => error.code == IDLE_FOR_TOO_LONG,
        // The writer's: the system has not taken all of the packet.
        Error::Io(IoError::Io(error)) => {
            error.kind() == ErrorKind::BrokenPipe || error.to_string().contains("Packets out of sync")
        }
        _ => false,
    }
}

/// The server's message without the text of ours that followed the statement: a syntax error at its end quotes it.
fn own_words(message: &str) -> &str {
    ["\n;RELEASE SAVEPOINT", "\n;SAVEPOINT"]
        .iter()
        .fold(message, |message, ours| message.split(ours).next().unwrap_or(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use queryfleet_job::Class;

    fn class(code: u16, step: PacketStep, message: &str) -> Option<Class> {
        let error = ServerError { code, state: "HY000".into(), message: message.into() };
        match read(&error, step, "q1234") {
            Verdict::EndedBefore => None,
            Verdict::Ended(outcome) | Verdict::ConnectionLost(outcome) => Some(outcome.class()),
        }
    }

    #[test]
    fn the_step_decides_where_a_code_has_two_meanings() {
        assert_eq!(class(1053, PacketStep::Statement, ""), Some(Class::LostAfterSend));
        assert_eq!(class(1053, PacketStep::Commit, ""), Some(Class::Pressure));
        assert_eq!(class(1062, PacketStep::Ledger, ""), None);
        assert_eq!(class(1062, PacketStep::Statement, ""), Some(Class::Permanent));
        assert_eq!(class(1205, PacketStep::Ledger, ""), Some(Class::Pressure));
        assert_eq!(class(1205, PacketStep::Statement, ""), Some(Class::Conflict));
        for code in [1044, 1049, 1059, 1102] {
            assert_eq!(
                class(code, PacketStep::Use, ""),
                Some(Class::Permanent),
                "the job names a database: {code}"
            );
        }
        assert_eq!(class(1305, PacketStep::Release, "SAVEPOINT q1234 does not exist"), Some(Class::Unknown));
        assert_eq!(class(1305, PacketStep::Net, "SAVEPOINT q1234n does not exist"), Some(Class::Unknown));
        assert_eq!(class(1305, PacketStep::Release, "SAVEPOINT q1 does not exist"), Some(Class::Unfit));
        assert_eq!(class(1305, PacketStep::Statement, "FUNCTION a.f does not exist"), Some(Class::Permanent));
    }

    /// 1036 of a server that came back read-only cost 429 attempts in ten seconds; 1526 of a partitioned ledger was
    /// dead at once.
    #[test]
    fn an_error_of_our_own_statements_blames_no_job() {
        let own = [
            PacketStep::Begin,
            PacketStep::Ledger,
            PacketStep::Savepoint,
            PacketStep::Use,
            PacketStep::NetSavepoint,
            PacketStep::Net,
            PacketStep::Release,
            PacketStep::Unhide,
            PacketStep::Finish,
            PacketStep::Commit,
        ];
        for step in own {
            for code in 1..u16::MAX {
                let ended = match class(code, step, "as the server says it") {
                    None => step == PacketStep::Ledger && code == DUPLICATE_KEY,
                    Some(Class::Permanent) => step == PacketStep::Use && NO_DATABASE.contains(&code),
                    // It is too large to be committed, which is the job's own fault.
                    Some(Class::Unlisted) => step == PacketStep::Commit && is_refused_for_its_size(code, ""),
                    Some(class) => matches!(class, Class::Pressure | Class::Unfit | Class::Killed),
                };
                assert!(ended, "{code} at {step:?}");
            }
        }
        for code in [1036, 1044, 1062, 1142, 1146, 1406, 1526, 1644, 1792, 1836, 1874, 9999] {
            assert_eq!(class(code, PacketStep::Commit, ""), Some(Class::Unfit), "{code}");
        }
        for (code, message) in [
            (1180, "Got error 5 \"Input/output error\" during COMMIT"),
            (1180, "Got error 90 \"Message too long\" during COMMIT"),
            (1197, ""),
            (3100, ""),
            (3231, ""),
            (4160, "Maximum writeset size exceeded"),
        ] {
            assert_eq!(class(code, PacketStep::Commit, message), Some(Class::Unlisted), "{code}");
        }
        let full = "Got error 28 \"No space left on device\" during COMMIT";
        assert_eq!(class(1180, PacketStep::Commit, full), Some(Class::Unfit));
        let read_only =
            "The MariaDB server is running with the --read-only option so it cannot execute this statement";
        assert_eq!(class(1290, PacketStep::Ledger, read_only), Some(Class::Unfit));
        for code in [1020, 1037, 1053, 1114, 1205, 1213, 1969, 3024] {
            assert_eq!(class(code, PacketStep::Ledger, ""), Some(Class::Pressure), "{code}");
        }
    }

    #[test]
    fn a_message_does_not_quote_the_packet() {
        let message = "error near 'WHERE id = 1\n;RELEASE SAVEPOINT q1234;COMMIT' at line 1";
        assert_eq!(own_words(message), "error near 'WHERE id = 1");
    }

    #[test]
    fn an_end_that_is_read_proves_nothing() {
        let io = |kind: ErrorKind| Error::Io(IoError::Io(kind.into()));
        assert!(proves_not_sent(&io(ErrorKind::BrokenPipe)));
        for kind in [ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof, ErrorKind::ConnectionAborted] {
            assert!(!proves_not_sent(&io(kind)), "{kind:?}");
        }
    }
}
