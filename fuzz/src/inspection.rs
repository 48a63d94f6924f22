//! Inspecting a statement.

use queryfleet_sql::{
    Refusal, SqlMode, assignments, calls_only_builtins, check, foreign_calls, inspect, lacks_where, marks,
    names, placeholders, shape, uses, written_tables,
};

use crate::MODES;

/// No text makes the inspection panic. What it accepts it accepts once more, as the same kind, with and without the
/// delimiter and with the newline behind it that a packet adds.
pub fn inspection(statement: &[u8]) {
    let Ok(statement) = std::str::from_utf8(statement) else { return };
    for mode in MODES {
        let Ok(inspected) = inspect(statement, mode) else { continue };
        for again in [inspected.sql.to_owned(), format!("{}\n", inspected.sql)] {
            let kind = inspect(&again, mode).map(|inspected| inspected.kind);
            assert_eq!(kind, Ok(inspected.kind), "{again:?}, {mode:?}");
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
    let _ = shape(statement, mode);
    let _ = uses(statement, mode);
    let _ = written_tables(statement, mode);
}
