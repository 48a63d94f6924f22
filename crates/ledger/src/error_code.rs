//! The server's error codes, and how an attempt that met one has ended. The one place of these lists.

use mysql_async::ServerError;
use queryfleet_job::{Failure, Outcome};

use crate::session::packet::PacketStep;

/// Lost against another transaction: rolled back, worth trying at once.
const CONFLICT: &[u16] = &[1020, 1205, 1213, 1412, 3101];
/// The server ended the connection, or a node of it is not part of its cluster.
const LOST: &[u16] =
    &[1047, 1053, 1077, 1078, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 3169, 4031];
/// Out of connections, out of room.
const FULL: &[u16] = &[1021, 1037, 1040, 1041, 1114, 1135, 1203, 1226];
/// The server takes no writes: it is failing over, or is no server to write to.
const READ_ONLY: &[u16] = &[1792, 1836, 1874];
/// 1290 is many things; only a server that has become read-only passes.
const OPTION_PREVENTS: u16 = 1290;
/// KILL QUERY by somebody else.
const INTERRUPTED: u16 = 1317;
/// max_statement_time (MariaDB) and max_execution_time (MySQL).
const SERVER_DEADLINE: &[u16] = &[1969, 3024];
/// A database that a job names, and that is not there, is not open to this account, or has no such name: its own fault.
const NO_DATABASE: &[u16] = &[1044, 1049, 1059, 1102];
/// No repetition mends these.
const PERMANENT: &[u16] = &[
    1044, 1048, 1049, 1050, 1051, 1052, 1054, 1060, 1061, 1062, 1064, 1065, 1066, 1091, 1093, 1109, 1110,
    1111, 1136, 1138, 1140, 1142, 1143, 1146, 1153, 1210, 1222, 1235, 1241, 1264, 1265, 1267, 1288, 1292,
    1300, 1305, 1318, 1348, 1356, 1364, 1365, 1366, 1369, 1370, 1393, 1394, 1395, 1406, 1411, 1441, 1442,
    1451, 1452, 1471, 1526, 1582, 1583, 1586, 1690, 1785, 1906, 3105, 3140, 3819, 4025,
];
/// Rights and names that an operator has to mend, met at connect or by a question.
const UNFIT: &[u16] = &[1044, 1045, 1049, 1130, 1142, 1143, 1146, 1227, 1698, TLS_REQUIRED];

/// A wrong password, or an account that has to show a certificate.
pub(crate) const ACCESS_DENIED: u16 = 1045;
/// The server takes no connection in the clear (require_secure_transport).
pub(crate) const TLS_REQUIRED: u16 = 3159;
pub(crate) const DUPLICATE_COLUMN: u16 = 1060;
pub(crate) const DUPLICATE_KEY: u16 = 1062;
pub(crate) const LOCK_WAIT: u16 = 1205;
pub(crate) const DEADLOCK: u16 = 1213;
pub(crate) const NO_SUCH_TABLE: u16 = 1146;
const NO_SUCH_SAVEPOINT: u16 = 1305;

/// Whether connecting again with the same configuration is in vain.
pub(crate) fn is_unfit_at_connect(code: u16) -> bool {
    UNFIT.contains(&code)
}

/// Whether the server has ended the connection.
pub(crate) fn is_lost(code: u16) -> bool {
    LOST.contains(&code)
}

/// Whether the server is failing over, full, or out of connections.
pub(crate) fn is_pressure(code: u16, message: &str) -> bool {
    FULL.contains(&code) || takes_no_writes(code, message)
}

fn takes_no_writes(code: u16, message: &str) -> bool {
    READ_ONLY.contains(&code) || (code == OPTION_PREVENTS && is_read_only(message))
}

/// What an error at a statement of our own is: one of the ledger, of a dead row, or of the transaction around a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    /// It passes: another transaction, a server that is full or slow. Also a connection that the server ends: it has
    /// said so before the answer that we wait for.
    Passing,
    /// This worker cannot work until somebody mends the server, the tables or the rights. What is on no list is that, and
    /// so is a server that takes no writes: nobody is to take this worker for ready.
    Unfit,
}

/// Reads an error of a statement of our own. No job is to blame for it, whatever it is.
pub(crate) fn of_our_own(code: u16, message: &str) -> Own {
    let lists = [CONFLICT, LOST, FULL, SERVER_DEADLINE];
    let passes = code == INTERRUPTED || lists.iter().any(|list| list.contains(&code));
    if passes && !takes_no_writes(code, message) { Own::Passing } else { Own::Unfit }
}

fn is_read_only(message: &str) -> bool {
    message.contains("read-only") || message.contains("read_only") || message.contains("super-read-only")
}

/// The server's message without the text of ours that followed the statement: a syntax error at its end quotes it.
fn own_words(message: &str) -> &str {
    ["\n;RELEASE SAVEPOINT", "\n;SAVEPOINT"]
        .iter()
        .fold(message, |message, ours| message.split(ours).next().unwrap_or(message))
}

/// What an error at a place in the packet is.
pub(crate) enum Verdict {
    /// The ledger had the row already; read its state.
    EndedBefore,
    /// The attempt has ended like this.
    Ended(Outcome),
    /// The attempt has ended like this, and the server has closed the connection.
    ConnectionLost(Outcome),
}

/// Reads a server error. `savepoint` is the name that the packet used: 1305 of it, and only of it, means that the
/// statement ended our transaction.
pub(crate) fn read(error: &ServerError, place: PacketStep, savepoint: &str) -> Verdict {
    let message = own_words(&error.message);
    let failure = Failure::of_server(Some(error.code), Some(error.state.clone()), message);
    let code = error.code;
    Verdict::Ended(match place {
        PacketStep::Statement if LOST.contains(&code) => {
            return Verdict::ConnectionLost(Outcome::LostAfterSend(failure));
        }
        PacketStep::Statement => of_a_statement(code, failure),
        PacketStep::Ledger if code == DUPLICATE_KEY => return Verdict::EndedBefore,
        PacketStep::Net | PacketStep::Release
            if code == NO_SUCH_SAVEPOINT && error.message.contains(savepoint) =>
        {
            Outcome::Unknown(Failure::said("the statement ended the transaction that it ran in"))
        }
        PacketStep::Use if NO_DATABASE.contains(&code) => Outcome::Permanent(failure),
        PacketStep::Begin
        | PacketStep::Ledger
        | PacketStep::Savepoint
        | PacketStep::Use
        | PacketStep::NetSavepoint
        | PacketStep::Net
        | PacketStep::Release
        | PacketStep::Unhide
        | PacketStep::Finish
        | PacketStep::Commit => match of_our_own(code, &error.message) {
            // Of a connection that ends here nobody knows more than that the statement is not to blame.
            Own::Passing if LOST.contains(&code) => {
                return Verdict::ConnectionLost(Outcome::Pressure(failure));
            }
            Own::Passing if code == INTERRUPTED => Outcome::Killed(failure),
            Own::Passing => Outcome::Pressure(failure),
            Own::Unfit => Outcome::Unfit(failure),
        },
    })
}

fn of_a_statement(code: u16, failure: Failure) -> Outcome {
    match code {
        _ if is_pressure(code, &failure.message) => Outcome::Pressure(failure),
        _ if CONFLICT.contains(&code) => Outcome::Conflict(failure),
        INTERRUPTED => Outcome::Killed(failure),
        _ if SERVER_DEADLINE.contains(&code) => Outcome::Deadline(failure),
        _ if PERMANENT.contains(&code) => Outcome::Permanent(failure),
        _ => Outcome::Unlisted(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use queryfleet_job::Class;

    fn class(code: u16, place: PacketStep, message: &str) -> Option<Class> {
        let error = ServerError { code, state: "HY000".into(), message: message.into() };
        match read(&error, place, "q1234") {
            Verdict::EndedBefore => None,
            Verdict::Ended(outcome) | Verdict::ConnectionLost(outcome) => Some(outcome.class()),
        }
    }

    #[test]
    fn every_listed_code_of_a_statement_has_its_class() {
        let rows: [(&[u16], Class); 7] = [
            (CONFLICT, Class::Conflict),
            (LOST, Class::LostAfterSend),
            (FULL, Class::Pressure),
            (READ_ONLY, Class::Pressure),
            (PERMANENT, Class::Permanent),
            (SERVER_DEADLINE, Class::Deadline),
            (&[INTERRUPTED], Class::Killed),
        ];
        for (codes, wanted) in rows {
            for &code in codes {
                assert_eq!(class(code, PacketStep::Statement, ""), Some(wanted), "code {code}");
            }
        }
        assert_eq!(class(9999, PacketStep::Statement, ""), Some(Class::Unlisted));
    }

    /// 1265 an ENUM without the value, 4025 and 3819 CHECKs, 1906 and 3105 generated columns: they took 11 minutes
    /// of tiers to be dead.
    #[test]
    fn a_value_that_can_never_fit_is_dead_at_once() {
        for code in [1265, 1365, 1411, 1526, 1906, 3105, 3140, 3819, 4025] {
            assert_eq!(class(code, PacketStep::Statement, ""), Some(Class::Permanent), "code {code}");
        }
    }

    #[test]
    fn the_place_decides_where_a_code_has_two_meanings() {
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
        assert_eq!(class(1290, PacketStep::Statement, "with the --read-only option"), Some(Class::Pressure));
        assert_eq!(
            class(1290, PacketStep::Statement, "with the --secure-file-priv option"),
            Some(Class::Unlisted)
        );
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
        for place in own {
            for code in 1..u16::MAX {
                let ended = match class(code, place, "as the server says it") {
                    None => place == PacketStep::Ledger && code == DUPLICATE_KEY,
                    Some(Class::Permanent) => place == PacketStep::Use && NO_DATABASE.contains(&code),
                    Some(class) => matches!(class, Class::Pressure | Class::Unfit | Class::Killed),
                };
                assert!(ended, "{code} at {place:?}");
            }
        }
        for code in [1036, 1044, 1062, 1142, 1146, 1406, 1526, 1644, 1792, 1836, 1874, 9999] {
            assert_eq!(class(code, PacketStep::Commit, ""), Some(Class::Unfit), "{code}");
        }
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
    fn no_code_is_on_two_lists() {
        let mut all = [CONFLICT, LOST, FULL, READ_ONLY, PERMANENT, SERVER_DEADLINE].concat();
        all.extend([OPTION_PREVENTS, INTERRUPTED]);
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
