//! Bound values, written into the statement as literals: a packet of several statements takes no parameters.

use std::borrow::Cow;

use mysql_async::Value;
use queryfleet_job::{Job, Param};
use queryfleet_sql::{SqlMode, marks, splice};

/// Numbers of up to 17 digits that a server's decimal literal holds: 65 digits, 30 of them behind the point.
const DECIMAL: std::ops::Range<f64> = 1e-12..1e30;

/// The statement of a job as it is to be sent. Values become literals by the driver's own writer, for the sql_mode
/// in force, which decides how a quote is escaped.
///
/// # Errors
/// A text for people: the statement has another number of `?` than there are values.
pub fn statement(job: &Job, mode: SqlMode) -> Result<Cow<'_, str>, String> {
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
        after = mark + 1;
        splice(&mut text, &literal(param, mode), job.sql.as_bytes().get(after).copied());
    }
    text.push_str(&job.sql[after..]);
    Ok(text.into())
}

/// A value as a literal.
pub(crate) fn literal(param: &Param, mode: SqlMode) -> String {
    match param {
        // The driver writes all digits: a decimal literal, which the server cuts off at its ends.
        Param::Float(x) if *x != 0.0 && !DECIMAL.contains(&x.abs()) => format!("{x:e}"),
        // A number with a point is divided and added as one: 1 / 3 has four digits, and 9e18 + 9e18 as integers overflows.
        Param::Float(x) if x.fract() == 0.0 => format!("{x}.0"),
        Param::Bytes(bytes) => binary(bytes),
        _ => value(param).as_sql(mode.no_backslash_escapes),
    }
}

/// Bytes are bytes, also those that happen to be a text. A bare `x'…'` is a number where MySQL computes.
fn binary(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut literal = String::with_capacity(2 * bytes.len() + 12);
    literal.push_str("_binary x'");
    for byte in bytes {
        literal.push(DIGITS[usize::from(byte >> 4)].into());
        literal.push(DIGITS[usize::from(byte & 15)].into());
    }
    literal.push('\'');
    literal
}

/// Bytes of a job's statement with its values bound; 0 when they do not fit its `?`s.
pub fn bound_length(job: &Job, mode: SqlMode) -> usize {
    statement(job, mode).map_or(0, |text| text.len())
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

    #[test]
    fn a_double_that_is_whole_has_a_point_and_no_digits_that_nobody_wrote() {
        let written = |x| literal(&Param::Float(x), SqlMode::default());
        let texts = [1.0, -10.0, 1e23, 12_345_678_901_234_567_000.0].map(written);
        assert_eq!(texts, ["1.0", "-10.0", "100000000000000000000000.0", "12345678901234567000.0"]);
    }

    fn bound(mode: SqlMode) -> String {
        let mut job = Job::new(1, "INSERT INTO t VALUES (?, '?', ?, ?)");
        job.params = vec![Param::Text(r"it's a \".into()), Param::Null, Param::Bytes(vec![0xff, 0x00])];
        statement(&job, mode).unwrap().into_owned()
    }

    #[test]
    fn literals_follow_the_mode() {
        assert_eq!(
            bound(SqlMode::default()),
            r"INSERT INTO t VALUES ('it\'s a \\', '?', NULL, _binary x'FF00')"
        );
        let plain = SqlMode { no_backslash_escapes: true, ..SqlMode::default() };
        assert_eq!(bound(plain), r"INSERT INTO t VALUES ('it''s a \', '?', NULL, _binary x'FF00')");
    }

    #[test]
    fn a_literal_stays_apart_from_its_neighbours() {
        let mut job = Job::new(1, "SELECT 1 BETWEEN?AND?, 'a'?'b', 5--?");
        let text = Param::Text("x".into());
        job.params = vec![Param::Int(0), Param::Int(-2), text, Param::Int(3)];
        let bound = statement(&job, SqlMode::default()).unwrap();
        assert_eq!(bound, "SELECT 1 BETWEEN 0 AND -2, 'a' 'x' 'b', 5--3");
    }

    #[test]
    fn a_float_is_decimal_only_where_that_is_exact() {
        let mut job = Job::new(1, "DO ?,?,?,?,?");
        job.params = [0.0, -0.1, 1e-12, 1e300, -1e-300].map(Param::Float).to_vec();
        let bound = statement(&job, SqlMode::default()).unwrap();
        assert_eq!(bound, "DO 0.0,-0.1,0.000000000001,1e300,-1e-300");
    }

    #[test]
    fn a_missing_value_is_said() {
        let mut job = Job::new(1, "DO ?, ?");
        job.params = vec![Param::Null];
        assert!(statement(&job, SqlMode::default()).unwrap_err().contains("2 `?` for 1"));
    }
}
