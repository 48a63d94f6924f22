//! The server's error codes and what each of them means. The one place of these lists.

use queryfleet_job::{Failure, Outcome};

/// Lost against another transaction: rolled back, worth trying at once.
const CONFLICT: &[u16] = &[1020, 1205, 1213, 1412, 3101];
/// The server ended the connection, or a node of it is not part of its cluster.
const LOST: &[u16] =
    &[1047, 1053, 1077, 1078, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 3169, 4031];
/// Out of connections, out of room.
const FULL: &[u16] = &[1021, 1037, 1040, 1041, 1114, 1135, 1203, 1226];
/// A table is full, a temporary one or one of a disk that is.
const TABLE_FULL: u16 = 1114;
/// At COMMIT, of Galera.
const ERROR_DURING_COMMIT: u16 = 1180;
/// At COMMIT: of the cache of the binary log, of Group Replication's limit of a transaction (ER_RUN_HOOK_ERROR; a member that is
/// not part of its group takes no writes before) and of its write set.
const TOO_LARGE_TO_COMMIT: &[u16] = &[1197, 3100, 3231];
/// The server takes no writes: it is failing over, or is no server to write to.
const READ_ONLY: &[u16] = &[1792, 1836, 1874];
/// 1290 is many things; only a server that has become read-only passes.
const OPTION_PREVENTS: u16 = 1290;
/// KILL QUERY by somebody else.
pub(crate) const INTERRUPTED: u16 = 1317;
/// max_statement_time (MariaDB) and max_execution_time (MySQL).
const SERVER_DEADLINE: &[u16] = &[1969, 3024];
/// At a job's USE: the database does not exist, is not open to this account, or cannot have such a name. The job's own
/// fault.
pub(crate) const NO_DATABASE: &[u16] = &[1044, 1049, 1059, 1102];
/// Errors that no repetition fixes. 13 and 29 are the system's: LOAD DATA of a file that is not there.
const PERMANENT: &[u16] = &[
    13, 29, 1007, 1008, 1044, 1048, 1049, 1050, 1051, 1052, 1054, 1060, 1061, 1062, 1064, 1065, 1066, 1067,
    1068, 1069, 1070, 1071, 1072, 1073, 1074, 1075, 1089, 1090, 1091, 1093, 1101, 1109, 1110, 1111, 1113,
    1118, 1136, 1138, 1140, 1142, 1143, 1146, 1153, 1163, 1166, 1167, 1170, 1171, 1210, 1215, 1222, 1235,
    1241, 1264, 1265, 1267, 1288, 1292, 1300, 1305, 1318, 1348, 1356, 1364, 1365, 1366, 1369, 1370, 1393,
    1394, 1395, 1406, 1411, 1441, 1442, 1451, 1452, 1471, 1526, 1582, 1583, 1586, 1616, 1690, 1785, 1822,
    1824, 1826, 1906, 3105, 3140, 3780, 3819, 4025,
];
/// A table cannot be created: for want of disk space, say, or since its foreign key does not fit.
const CANNOT_CREATE: u16 = 1005;
const WRONG_FOREIGN_KEY: &str = "errno: 150 ";
/// Raised before anything has run: no such procedure, wrong arguments, no right to it.
const BEFORE_THE_STATEMENT: &[u16] = &[1044, 1142, 1305, 1318, 1370];
/// Those of them that name the routine.
const OF_A_ROUTINE: &[u16] = &[1305, 1318, 1370];
/// Rights and names that an operator has to fix, met while connecting or by a question.
const UNFIT: &[u16] = &[1044, 1045, 1049, 1130, 1142, 1143, 1146, 1227, 1698, TLS_REQUIRED];

/// Access to a database is denied.
pub(crate) const DATABASE_DENIED: u16 = 1044;
/// Access to a table is denied.
pub(crate) const TABLE_DENIED: u16 = 1142;
/// Access to a column is denied.
pub(crate) const COLUMN_DENIED: u16 = 1143;
pub(crate) const TABLE_EXISTS: u16 = 1050;
/// Strict mode needs a value for every column without a default, even of no rows; rights are looked at before.
pub(crate) const NO_DEFAULT: u16 = 1364;
/// A wrong password, or an account that has to show a certificate.
pub(crate) const ACCESS_DENIED: u16 = 1045;
/// The server takes no connection in the clear (require_secure_transport).
pub(crate) const TLS_REQUIRED: u16 = 3159;
pub(crate) const DUPLICATE_COLUMN: u16 = 1060;
pub(crate) const DUPLICATE_KEY: u16 = 1062;
pub(crate) const LOCK_WAIT: u16 = 1205;
pub(crate) const DEADLOCK: u16 = 1213;
pub(crate) const NO_SUCH_TABLE: u16 = 1146;
/// A column that is not there.
pub(crate) const NO_COLUMN: u16 = 1054;
pub(crate) const NO_SUCH_SAVEPOINT: u16 = 1305;
/// KILL of a connection that has ended.
pub(crate) const NO_SUCH_THREAD: u16 = 1094;
/// SAVEPOINT after a change to an Aria table. The transaction is open, and all of it can be committed.
pub(crate) const NO_SAVEPOINT: u16 = 1178;
/// Warning: some changed tables are not transactional, and could not be rolled back.
pub(crate) const NOT_ROLLED_BACK: u16 = 1196;
/// The statement writes in a read-only transaction.
pub(crate) const READ_ONLY_TRANSACTION: u16 = 1792;
/// MySQL says this before it closes a session that was idle for too long.
pub(crate) const IDLE_FOR_TOO_LONG: u16 = 4031;

/// Whether connecting again with the same configuration cannot help.
pub(crate) fn is_unfit_at_connect(code: u16) -> bool {
    UNFIT.contains(&code)
}

/// Whether the account lacks a right, or a table is missing: what `queryfleet setup` and a GRANT bring.
pub(crate) fn awaits_setup(code: u16) -> bool {
    [DATABASE_DENIED, TABLE_DENIED, COLUMN_DENIED, NO_SUCH_TABLE].contains(&code)
}

/// Whether the server says this only before it has begun a statement.
pub(crate) fn is_before_the_statement(code: u16) -> bool {
    BEFORE_THE_STATEMENT.contains(&code)
}

/// Whether the server says this of a routine that it has not begun, whichever statement calls it.
pub(crate) fn is_of_a_routine(code: u16) -> bool {
    OF_A_ROUTINE.contains(&code)
}

/// Whether the server has ended the connection.
pub(crate) fn is_lost(code: u16) -> bool {
    LOST.contains(&code)
}

/// Whether the server is failing over, full, or out of connections. A temporary table that is full is the statement's own: it is
/// as large the next time.
pub(crate) fn is_pressure(code: u16, message: &str) -> bool {
    let is_own_table = code == TABLE_FULL && message.contains("#sql");
    FULL.contains(&code) && !is_own_table || takes_no_writes(code, message)
}

/// Whether COMMIT was refused for what the transaction holds, so that no other job is to be kept from it: it is too large for
/// Group Replication, Galera or the cache of the binary log.
pub(crate) fn is_refused_for_its_size(code: u16, message: &str) -> bool {
    match code {
        // Any "Got error … during COMMIT"; Galera's for the size are EIO and EMSGSIZE.
        ERROR_DURING_COMMIT => ["error 5 ", "error 90 "].iter().any(|errno| message.contains(errno)),
        _ => TOO_LARGE_TO_COMMIT.contains(&code) || message.contains("writeset size exceeded"),
    }
}

fn takes_no_writes(code: u16, message: &str) -> bool {
    READ_ONLY.contains(&code) || (code == OPTION_PREVENTS && is_read_only(message))
}

/// The meaning of an error of one of our own statements: of the ledger, of a dead row, or of the transaction around a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnError {
    /// It passes: another transaction, a server that is full or slow. Also a connection that the server ends: it has
    /// said so before the answer that we wait for.
    Passing,
    /// This worker cannot work until somebody fixes the server, the tables or the rights. So are all errors that are on
    /// no list, and a server that takes no writes: this worker must not look ready.
    Unfit,
}

/// Reads an error of one of our own statements. No job is to blame for it, whatever it is.
pub(crate) fn read_own_error(code: u16, message: &str) -> OwnError {
    let lists = [CONFLICT, LOST, FULL, SERVER_DEADLINE];
    let passes = code == INTERRUPTED || lists.iter().any(|list| list.contains(&code));
    if passes && !takes_no_writes(code, message) { OwnError::Passing } else { OwnError::Unfit }
}

fn is_read_only(message: &str) -> bool {
    message.contains("read-only") || message.contains("read_only")
}

/// Reads an error of the job's own statement, other than the end of the connection.
pub(crate) fn read_statement_error(code: u16, failure: Failure) -> Outcome {
    match code {
        _ if is_pressure(code, &failure.message) => Outcome::Pressure(failure),
        _ if CONFLICT.contains(&code) => Outcome::Conflict(failure),
        INTERRUPTED => Outcome::Killed(failure),
        _ if SERVER_DEADLINE.contains(&code) => Outcome::Deadline(failure),
        _ if PERMANENT.contains(&code)
            || code == CANNOT_CREATE && failure.message.contains(WRONG_FOREIGN_KEY) =>
        {
            Outcome::Permanent(failure)
        }
        _ => Outcome::Unlisted(failure),
    }
}

#[cfg(test)]
mod tests {
    use queryfleet_job::Class;

    use super::*;

    fn class(code: u16, message: &str) -> Class {
        read_statement_error(code, Failure::of_server(Some(code), None, message)).class()
    }

    #[test]
    fn every_listed_code_of_a_statement_has_its_class() {
        let rows: [(&[u16], Class); 6] = [
            (CONFLICT, Class::Conflict),
            (FULL, Class::Pressure),
            (READ_ONLY, Class::Pressure),
            (PERMANENT, Class::Permanent),
            (SERVER_DEADLINE, Class::Deadline),
            (&[INTERRUPTED], Class::Killed),
        ];
        for (codes, expected) in rows {
            for &code in codes {
                assert_eq!(class(code, ""), expected, "code {code}");
            }
        }
        assert_eq!(class(9999, ""), Class::Unlisted);
    }

    /// 1265 an ENUM without the value, 4025 and 3819 CHECKs, 1906 and 3105 generated columns: they took 11 minutes
    /// of tiers to be dead.
    #[test]
    fn a_value_that_can_never_fit_is_dead_at_once() {
        for code in [1265, 1365, 1411, 1526, 1906, 3105, 3140, 3819, 4025] {
            assert_eq!(class(code, ""), Class::Permanent, "code {code}");
        }
    }

    #[test]
    fn a_temporary_table_that_is_full_is_counted() {
        assert_eq!(class(1114, "The table 'orders' is full"), Class::Pressure);
        assert_eq!(class(1114, "The table '/tmp/#sql2f_b_1' is full"), Class::Unlisted);
    }

    #[test]
    fn a_foreign_key_that_does_not_fit_is_dead_at_once() {
        let says = |errno| format!("Can't create table `a`.`b` (errno: {errno})");
        assert_eq!(
            class(1005, &says("150 \"Foreign key constraint is incorrectly formed\"")),
            Class::Permanent
        );
        assert_eq!(class(1005, &says("28 \"No space left on device\"")), Class::Unlisted);
    }

    #[test]
    fn the_message_decides_what_1290_is() {
        assert_eq!(class(1290, "with the --read-only option"), Class::Pressure);
        assert_eq!(class(1290, "with the --secure-file-priv option"), Class::Unlisted);
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
