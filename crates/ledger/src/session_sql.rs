//! The statements of a session SQL.

use job::lexer::{Splitter, SqlMode};

use crate::Error;

/// The statements of a session SQL, one by one.
pub(crate) fn statements(text: Option<&str>) -> Result<Vec<String>, Error> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let mut splitter = Splitter::new(SqlMode::default(), text.len());
    splitter.feed(text.as_bytes());
    splitter.finish();
    let mut found = Vec::new();
    while let Some(statement) =
        splitter.next_statement().map_err(|error| Error::Schema(format!("session SQL: {error}")))?
    {
        found.push(statement.sql.to_owned());
    }
    Ok(found)
}
