//! The lexer: case tables for every rule, and properties that hold for any text.

mod calls;
mod check;
mod executed;
mod mentions;
mod numbers;
mod placeholders;
mod properties;
mod sets;
mod split;
mod tables;

use queryfleet_sql::{Position, SplitError, Splitter, SqlMode};

/// Splits `script`, fed in pieces of `size` bytes.
fn split_in(
    size: usize,
    script: &[u8],
    mode: SqlMode,
    limit: usize,
) -> (Vec<(String, Position)>, Result<(), SplitError>) {
    let mut splitter = Splitter::new(mode, limit);
    let mut found = Vec::new();
    let mut drain = |splitter: &mut Splitter| {
        while let Some(statement) = splitter.next_statement()? {
            found.push((statement.sql.to_owned(), statement.position));
        }
        Ok(())
    };
    let mut end = Ok(());
    for piece in script.chunks(size) {
        splitter.feed(piece);
        end = drain(&mut splitter);
        if end.is_err() {
            return (found, end);
        }
    }
    splitter.finish();
    if end.is_ok() {
        end = drain(&mut splitter);
    }
    (found, end)
}
