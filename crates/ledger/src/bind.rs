//! Bound values, written into the statement as literals: a packet of several statements takes no parameters.

use std::borrow::Cow;

use job::lexer::{SqlMode, marks};
use job::{Job, Param};
use mysql_async::Value;

/// The statement of a job as it is to be sent. Values become literals by the driver's own writer, for the sql_mode
/// in force, which decides how a quote is escaped.
///
/// # Errors
/// A text for people, when the statement has not as many `?` as there are values.
pub(crate) fn statement(job: &Job, mode: SqlMode) -> Result<Cow<'_, str>, String> {
    if job.params.is_empty() {
        return Ok(job.sql.as_str().into());
    }
    let marks: Vec<usize> = marks(&job.sql, mode).collect();
    if marks.len() != job.params.len() {
        return Err(format!("statement has {} `?` for {} bound values", marks.len(), job.params.len()));
    }
    let mut text = String::with_capacity(job.sql.len() + 16 * marks.len());
    let mut after = 0;
    for (mark, param) in marks.into_iter().zip(&job.params) {
        text.push_str(&job.sql[after..mark]);
        text.push_str(&value(param).as_sql(mode.no_backslash_escapes));
        after = mark + 1;
    }
    text.push_str(&job.sql[after..]);
    Ok(text.into())
}

fn value(param: &Param) -> Value {
    match param {
        Param::Null => Value::NULL,
        Param::Int(n) => Value::Int(*n),
        Param::UInt(n) => Value::UInt(*n),
        Param::Float(x) => Value::Double(*x),
        Param::Text(text) => Value::Bytes(text.clone().into_bytes()),
        Param::Bytes(bytes) => Value::Bytes(bytes.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(mode: SqlMode) -> String {
        let mut job = Job::new(1, "INSERT INTO t VALUES (?, '?', ?, ?)");
        job.params = vec![Param::Text(r"it's a \".into()), Param::Null, Param::Bytes(vec![0xff, 0x00])];
        statement(&job, mode).unwrap().into_owned()
    }

    #[test]
    fn literals_follow_the_mode() {
        assert_eq!(bound(SqlMode::default()), r"INSERT INTO t VALUES ('it\'s a \\', '?', NULL, 0xFF00)");
        let plain = SqlMode { no_backslash_escapes: true, ..SqlMode::default() };
        assert_eq!(bound(plain), r"INSERT INTO t VALUES ('it''s a \', '?', NULL, 0xFF00)");
    }

    #[test]
    fn a_missing_value_is_said() {
        let mut job = Job::new(1, "DO ?, ?");
        job.params = vec![Param::Null];
        assert!(statement(&job, SqlMode::default()).unwrap_err().contains("2 `?` for 1"));
    }
}
