//! Inspecting a statement.

use queryfleet_sql::{
    Kind, Refusal, SqlMode, assignments, calls_only_builtins, check, fingerprint, foreign_calls, inspect,
    lacks_where, marks, names, placeholders, uses, written_tables,
};

use crate::MODES;

/// No text makes the inspection panic. What it accepts is, in a packet, of the kind that it says: without the delimiter,
/// and with a newline behind it.
pub fn inspection(statement: &[u8]) {
    let Ok(statement) = std::str::from_utf8(statement) else { return };
    for mode in MODES {
        let Ok(inspected) = inspect(statement, mode) else { continue };
        let in_packet = format!("{}\n", inspected.sql);
        match inspect(&in_packet, mode) {
            Ok(again) => assert_eq!(again.kind, inspected.kind, "{in_packet:?}, {mode:?}"),
            // `--;` is code, and `--` with a newline a comment: nothing is executed.
            Err(Refusal::Empty) => assert_eq!(inspected.kind, Kind::Other, "{in_packet:?}, {mode:?}"),
            Err(refusal) => panic!("{in_packet:?}, {mode:?}: {refusal}"),
        }
        read(inspected.sql, mode);
    }
}

/// All else that is read out of a statement.
fn read(statement: &str, mode: SqlMode) {
    let _: Result<_, Refusal> = check(statement, mode);
    let _ = assignments(statement, mode);
    let _ = calls_only_builtins(statement, mode);
    let _ = foreign_calls(statement, mode);
    let _ = lacks_where(statement, mode);
    let _ = marks(statement, mode);
    let _ = names(statement, mode).count();
    let _ = placeholders(statement, mode);
    let _ = fingerprint(statement, mode);
    let _ = uses(statement, mode);
    let _ = written_tables(statement, mode);
}
