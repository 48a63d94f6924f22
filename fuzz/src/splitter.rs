//! Splitting a script.

use queryfleet_sql::{Position, SplitError, Splitter, SqlMode};

use crate::MODES;

/// The statement limits, in bytes: one that short scripts exceed, and one that they never do.
const STATEMENT_LIMITS: [usize; 2] = [32, 1 << 20];
/// The sizes of the pieces that a script is fed in, in bytes, besides the whole script at once.
const PIECE_SIZES: [usize; 3] = [1, 2, 7];

/// What a script is split into, and the error at which it ends.
#[derive(Debug, PartialEq)]
struct Split {
    statements: Vec<(String, Position)>,
    error: Option<SplitError>,
}

/// Any bytes, as a script, split into the same statements and the same error in whatever pieces they are fed.
pub fn splitter(script: &[u8]) {
    for mode in MODES {
        for limit in STATEMENT_LIMITS {
            let whole = split(script, script.len().max(1), mode, limit);
            for size in PIECE_SIZES {
                let in_pieces = split(script, size, mode, limit);
                assert_eq!(in_pieces, whole, "pieces of {size} bytes, {mode:?}, limit {limit}");
            }
        }
    }
}

/// Splits a script that is fed in pieces of `size` bytes.
fn split(script: &[u8], size: usize, mode: SqlMode, limit: usize) -> Split {
    let mut splitter = Splitter::new(mode, limit);
    let mut statements = Vec::new();
    let mut error = None;
    for piece in script.chunks(size) {
        splitter.feed(piece);
        error = take(&mut splitter, &mut statements).err();
        if error.is_some() {
            break;
        }
    }
    if error.is_none() {
        splitter.finish();
        error = take(&mut splitter, &mut statements).err();
    }
    Split { statements, error }
}

/// Takes out all statements that are complete.
fn take(splitter: &mut Splitter, statements: &mut Vec<(String, Position)>) -> Result<(), SplitError> {
    while let Some(statement) = splitter.next_statement()? {
        statements.push((statement.sql.to_owned(), statement.position));
    }
    Ok(())
}
