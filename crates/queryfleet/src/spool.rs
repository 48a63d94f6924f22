//! Statements that exist only while they are made: kept in a temporary file, because a publish reads its input twice.

use std::fs::File;
use std::io::{BufWriter, Write};

use queryfleet_job::Param;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::statement::{Made, Statement, Value};
use crate::{Error, ErrorKind};

/// The file of a run's statements, a line of NDJSON each. It has no name: however the process ends, it is gone.
pub(crate) struct Spool {
    file: BufWriter<File>,
    statements: u64,
}

impl Spool {
    /// An empty one.
    ///
    /// # Errors
    /// [`ErrorKind::TemporaryFile`].
    pub(crate) fn new() -> Result<Spool, Error> {
        let file = tempfile::tempfile().map_err(temporary_file)?;
        Ok(Spool { file: BufWriter::with_capacity(64 << 10, file), statements: 0 })
    }

    /// Adds a statement.
    ///
    /// # Errors
    /// [`ErrorKind::Source`] if there is an error in its place, [`ErrorKind::Statement`] if one of its values is none, and
    /// [`ErrorKind::TemporaryFile`].
    pub(crate) fn add(&mut self, made: Made) -> Result<(), Error> {
        let index = self.statements;
        let statement = made.map_err(|error| Error::new(ErrorKind::Source { index }, error))?;
        let refused = |why| Error::new(ErrorKind::Statement { index }, format!("statement {index}: {why}"));
        let line = line(&statement).map_err(refused)?;
        self.file.write_all(line.as_bytes()).map_err(temporary_file)?;
        self.statements += 1;
        Ok(())
    }

    /// The whole file.
    ///
    /// # Errors
    /// [`ErrorKind::TemporaryFile`].
    pub(crate) fn finish(self) -> Result<File, Error> {
        self.file.into_inner().map_err(|error| temporary_file(error.into_error()))
    }
}

fn temporary_file(error: std::io::Error) -> Error {
    Error::new(
        ErrorKind::TemporaryFile,
        format!(
            "cannot keep the statements in a temporary file in {}: {error}; set TMPDIR to a folder that is writable and has \
             room for all of them",
            std::env::temp_dir().display()
        ),
    )
}

/// A line of NDJSON, as docs/inputs.md has it.
fn line(statement: &Statement) -> Result<String, String> {
    let Statement { sql, values, database, timeout } = statement;
    let mut line = format!("{{\"sql\":{}", Json::from(sql.as_str()));
    if !values.is_empty() {
        let values: Result<Vec<Box<RawValue>>, String> = values.iter().map(json).collect();
        let values = serde_json::to_string(&values?).map_err(|error| error.to_string())?;
        line = format!("{line},\"params\":{values}");
    }
    if let Some(database) = database {
        line = format!("{line},\"database\":{}", Json::from(database.as_str()));
    }
    if let Some(timeout) = timeout {
        line = format!("{line},\"timeout\":\"{}ms\"", timeout.as_millis());
    }
    Ok(line + "}\n")
}

fn json(value: &Value) -> Result<Box<RawValue>, String> {
    let text = match value {
        Value::Float(float) if !float.is_finite() => {
            return Err(format!("a value is {float}, which the server has no number for"));
        }
        Value::Decimal(digits) => format!("{{\"decimal\":\"{}\"}}", number(digits)?),
        Value::Null => "null".into(),
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        Value::Float(float) => Json::from(*float).to_string(),
        Value::Text(text) => Json::from(text.as_str()).to_string(),
        Value::Bytes(bytes) => {
            serde_json::to_string(&Param::Bytes(bytes.clone())).map_err(|error| error.to_string())?
        }
    };
    RawValue::from_string(text).map_err(|error| error.to_string())
}

/// Digits without zeros before them.
fn number(digits: &str) -> Result<String, String> {
    let (sign, digits_only) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let (whole, part) = digits_only.split_once('.').unwrap_or((digits_only, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(part) {
        return Err(format!("a value is the decimal {digits:?}: expected digits, such as -12.50"));
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    Ok(match digits_only.contains('.') {
        true => format!("{sign}{whole}.{part}"),
        false => format!("{sign}{whole}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_a_line_of_the_documented_form() {
        let statement = Statement::new("INSERT INTO t VALUES (?, ?,\n?)")
            .bind(None::<i64>)
            .bind(Value::Decimal("-007.50".into()))
            .bind("it's \"so\"")
            .bind(vec![0_u8, 255])
            .bind(u64::MAX)
            .bind(0.1)
            .bind(true)
            .database("shop")
            .timeout(std::time::Duration::from_secs(90));
        let wanted = concat!(
            r#"{"sql":"INSERT INTO t VALUES (?, ?,\n?)","params":[null,{"decimal":"-7.50"},"it's \"so\"",{"base64":"AP8="},"#,
            r#"18446744073709551615,0.1,1],"database":"shop","timeout":"90000ms"}"#,
            "\n"
        );
        assert_eq!(line(&statement).as_deref(), Ok(wanted));
        assert_eq!(line(&"DO 1".into()).as_deref(), Ok("{\"sql\":\"DO 1\"}\n"));
    }

    #[test]
    fn what_is_no_number_is_refused_with_its_index() {
        for value in [
            Value::Float(f64::NAN),
            Value::Float(f64::INFINITY),
            Value::Decimal("1e5".into()),
            Value::Decimal("".into()),
            Value::Decimal("+1".into()),
            Value::Decimal(".5".into()),
        ] {
            let mut spool = Spool::new().unwrap();
            spool.add(Ok("DO 1".into())).unwrap();
            let error = spool.add(Ok(Statement::new("DO ?").bind(value.clone()))).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::Statement { index: 1 }, "{value:?}");
        }
    }
}
